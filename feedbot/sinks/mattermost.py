"""Posts what is new to a Mattermost channel through an incoming webhook."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from feedbot.message.chat import Notice, Tell, as_markdown, defused, fit, notice
from feedbot.message.listing import linked, listing, sources, titled
from feedbot.model import Delivery, Digest
from feedbot.plugins import SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink, Said, SecretUrl, text_of

_TITLE, _TEXT, _ABOUT, _FALLBACK, _URL = 250, 1000, 250, 250, 2048
_LIST = 4000


class MattermostSettings(PostingSettings):
    """Keys of a sink of type ``mattermost``."""

    url: SecretUrl
    """The address of the incoming webhook, kept secret."""
    channel: str = ""
    """The channel to post to, where the webhook may choose: its name, or "@someone". Default: that of the webhook."""
    username: str = ""
    """The name to post under, where the webhook may choose. Default: that of the webhook."""
    icon_url: str = ""
    """The address of the picture to post under, where the webhook may choose."""


class MattermostSink(PostingSink):
    """One message attachment a change."""

    Settings = MattermostSettings

    def __init__(self, settings: MattermostSettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.url,))
        self._url = settings.url.get_secret_value()
        chosen = {"channel": settings.channel, "username": settings.username, "icon_url": settings.icon_url}
        self._chosen = {key: value for key, value in chosen.items() if value}

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Post a change."""
        self.post(self._url, {**payload(delivery, self.tell), **self._chosen}, now, read=_said)

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Post many changes as one list."""
        self.post(self._url, {**digest_payload(digest, self.tell), **self._chosen}, now, read=_said)


def payload(delivery: Delivery, tell: Tell = notice) -> dict[str, Any]:
    """The message of a change. Texts are Markdown there, in which "@channel" calls everybody."""
    told = tell(delivery)
    attachment: dict[str, Any] = {
        "fallback": fit(told.title, _FALLBACK, defused),
        "title": fit(told.title, _TITLE, as_markdown),
        "text": fit(told.text, _TEXT, as_markdown),
        "footer": fit(told.source, _ABOUT, defused),
    }
    if told.author:
        attachment["author_name"] = fit(told.author, _ABOUT, defused)
    if 0 < len(told.url) <= _URL:
        attachment["title_link"] = told.url
    if 0 < len(told.image) <= _URL:
        attachment["thumb_url"] = told.image
    return {"attachments": [attachment]}


def digest_payload(digest: Digest, tell: Tell = notice) -> dict[str, Any]:
    """The message of a digest: one attachment with a list of links."""
    listed = listing(digest, tell)
    attachment = {
        "fallback": listed.heading,
        "title": listed.heading,
        "text": listed.text(_LIST, _line),
        "footer": fit(sources(listed.told), _ABOUT, defused),
    }
    return {"attachments": [attachment]}


def _line(told: Notice) -> str:
    return f"- [{titled(told, as_markdown)}](<{told.url}>)" if linked(told) else f"- {titled(told, as_markdown)}"


def _said(body: Any, _headers: Mapping[str, str]) -> Said:
    return Said(text_of(body, "message"))
