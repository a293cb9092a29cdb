"""Posts what is new to a Discord channel through a webhook (discord.com/developers, Execute Webhook)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit
from zlib import crc32

from pydantic import Field

from feedbot.core.dates import rfc3339
from feedbot.message.chat import Notice, Tell, as_markdown, fit, notice
from feedbot.message.listing import linked, listing, sources, titled
from feedbot.model import Delivery, Digest
from feedbot.plugins import SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink, Said, SecretUrl, like, number_of, text_of

_TITLE, _DESCRIPTION, _AUTHOR, _FOOTER, _URL = 256, 700, 256, 256, 2048
_LIST = 4000  # of the 4096 that a description may have


class DiscordSettings(PostingSettings):
    """Keys of a sink of type ``discord``."""

    url: SecretUrl
    """The address of the webhook, kept secret."""
    thread_id: Annotated[str, like(r"\d{0,20}", "the id of a thread, which is a number in quotes")] = ""
    """The thread of the channel to post in."""
    username: Annotated[str, Field(max_length=80)] = ""
    """The name to post under. Default: that of the webhook."""


class DiscordSink(PostingSink):
    """One message with one embed a change; it mentions nobody."""

    Settings = DiscordSettings

    def __init__(self, settings: DiscordSettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.url,))
        self._username = settings.username
        address = settings.url.get_secret_value()
        query = "wait=true" + (f"&thread_id={settings.thread_id}" if settings.thread_id else "")
        self._url = f"{address}{'&' if urlsplit(address).query else '?'}{query}"

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Post a change, and wait until Discord says that the message is there."""
        self._post(payload(delivery, self.tell), now)

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Post many changes as one list."""
        self._post(digest_payload(digest, self.tell), now)

    def _post(self, message: dict[str, Any], now: datetime) -> None:
        name = {"username": self._username} if self._username else {}
        self.post(self._url, {**message, **name}, now, read=_said)


def payload(delivery: Delivery, tell: Tell = notice) -> dict[str, Any]:
    """The message of a change. Its colour is the source's own."""
    told = tell(delivery)
    embed: dict[str, Any] = {
        "title": fit(told.title, _TITLE, as_markdown),
        "timestamp": rfc3339(told.moment),
        "color": crc32(told.source.encode()) & 0xFFFFFF,
        "footer": {"text": fit(told.source, _FOOTER) or "feedbot"},
    }
    if told.text:
        embed["description"] = fit(told.text, _DESCRIPTION, as_markdown)
    if told.author:
        embed["author"] = {"name": fit(told.author, _AUTHOR)}
    if 0 < len(told.url) <= _URL:
        embed["url"] = told.url
    if 0 < len(told.image) <= _URL:
        embed["thumbnail"] = {"url": told.image}
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def digest_payload(digest: Digest, tell: Tell = notice) -> dict[str, Any]:
    """The message of a digest: one embed with a list of links."""
    listed = listing(digest, tell)
    embed = {
        "title": fit(listed.heading, _TITLE, as_markdown),
        "description": listed.text(_LIST, _line),
        "timestamp": rfc3339(digest.created),
        "footer": {"text": fit(sources(listed.told), _FOOTER) or "feedbot"},
    }
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _line(told: Notice) -> str:
    # "<...>" around an address keeps its parentheses from ending the link.
    return f"- [{titled(told, as_markdown)}](<{told.url}>)" if linked(told) else f"- {titled(told, as_markdown)}"


def _said(body: Any, _headers: Mapping[str, str]) -> Said:
    return Said(text_of(body, "message"), number_of(body, "retry_after"))
