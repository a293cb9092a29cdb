"""Sends what is new to a Gotify server (gotify.net/docs/pushmsg)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from feedbot.message.chat import Tell, fit, notice
from feedbot.message.listing import listing, plain_line
from feedbot.model import Delivery, Digest
from feedbot.plugins import SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink, Said, Server, Token, text_of

_TITLE, _MESSAGE, _LIST, _URL = 250, 1500, 8000, 2000


class GotifySettings(PostingSettings):
    """Keys of a sink of type ``gotify``."""

    server: Server
    """The server."""
    token: Token
    """The token of an application there."""
    priority: Annotated[int, Field(ge=0, le=10)] = 5
    """From 0, without a sound, to 10."""


class GotifySink(PostingSink):
    """One message a change; a click on it leads to the entry."""

    Settings = GotifySettings

    def __init__(self, settings: GotifySettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.token,))
        self._priority = settings.priority
        self._url = f"{settings.server}/message"
        self._login = {"X-Gotify-Key": settings.token.get_secret_value()}

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Send a change."""
        message = payload(delivery, self._priority, self.tell)
        self.post(self._url, message, now, secret_headers=self._login, read=_said)

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Send many changes as one list."""
        message = digest_payload(digest, self._priority, self.tell)
        self.post(self._url, message, now, secret_headers=self._login, read=_said)


def payload(delivery: Delivery, priority: int = 5, tell: Tell = notice) -> dict[str, Any]:
    """The message of a change: plain text, with its address at the end, for clients that do not follow clicks."""
    told = tell(delivery)
    url = told.url if len(told.url) <= _URL else ""
    text = fit(told.text, _MESSAGE)
    extras: dict[str, Any] = {"client::display": {"contentType": "text/plain"}}
    if url:
        extras["client::notification"] = {"click": {"url": url}}
    return {
        "title": fit(told.title, _TITLE),
        "message": "\n\n".join(part for part in (text, url) if part) or fit(told.about, _MESSAGE) or "–",
        "priority": priority,
        "extras": extras,
    }


def digest_payload(digest: Digest, priority: int = 5, tell: Tell = notice) -> dict[str, Any]:
    """The message of a digest: a list of titles and addresses."""
    listed = listing(digest, tell)
    return {
        "title": listed.heading,
        "message": listed.text(_LIST, plain_line(limit=600)),
        "priority": priority,
        "extras": {"client::display": {"contentType": "text/plain"}},
    }


def _said(body: Any, _headers: Mapping[str, str]) -> Said:
    return Said(text_of(body, "errorDescription", "error"))
