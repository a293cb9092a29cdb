"""Posts what is new to a Discord channel through a webhook (discord.com/developers, Execute Webhook)."""

from __future__ import annotations

import re
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
from feedbot.sinks.editing import EditingSettings, EditingSink
from feedbot.sinks.posting import Said, SecretUrl, like, number_of, text_of

_TITLE, _DESCRIPTION, _AUTHOR, _FOOTER, _URL = 256, 700, 256, 256, 2048
_LIST = 4000  # of the 4096 that a description may have
_NUMBER = re.compile(r"\d{1,20}")


class DiscordSettings(EditingSettings):
    """Keys of a sink of type ``discord``."""

    url: SecretUrl
    """The address of the webhook, kept secret."""
    thread_id: Annotated[str, like(r"\d{0,20}", "the id of a thread, which is a number in quotes")] = ""
    """The thread of the channel to post in."""
    username: Annotated[str, Field(max_length=80)] = ""
    """The name to post under. Default: that of the webhook."""


class DiscordSink(EditingSink):
    """One message with one embed a change; it mentions nobody."""

    Settings = DiscordSettings

    def __init__(self, settings: DiscordSettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.url,))
        self._username = settings.username
        self._webhook = urlsplit(settings.url.get_secret_value())
        self._thread = f"thread_id={settings.thread_id}" if settings.thread_id else ""

    def publish(self, delivery: Delivery, now: datetime) -> str:
        """Post a change, and wait until Discord says that the message is there, and what its number is."""
        number = text_of(self._post(payload(delivery, self.tell), now), "id")
        return number if _NUMBER.fullmatch(number) else ""

    def edit(self, delivery: Delivery, receipt: str, now: datetime) -> bool:
        """Change a message (Edit Webhook Message)."""
        if not _NUMBER.fullmatch(receipt):
            return False
        address = self._address(f"/messages/{receipt}", self._thread)
        self.post(address, payload(delivery, self.tell), now, method="PATCH", read=_said)
        return True

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Post many changes as one list."""
        self._post(digest_payload(digest, self.tell), now)

    def _post(self, message: dict[str, Any], now: datetime) -> Any:
        name = {"username": self._username} if self._username else {}
        return self.post(self._address("", "wait=true", self._thread), {**message, **name}, now, read=_said)

    def _address(self, below: str, *query: str) -> str:
        """The address of the webhook, or of what is below it, with its own query and a further one."""
        parts = "&".join(part for part in (self._webhook.query, *query) if part)
        return self._webhook._replace(path=self._webhook.path.rstrip("/") + below, query=parts).geturl()


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
