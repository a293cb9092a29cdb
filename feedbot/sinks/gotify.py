"""Sends what is new to a Gotify server (gotify.net/docs/pushmsg)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from feedbot.message.chat import fit, notice
from feedbot.model import Delivery
from feedbot.plugins import SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink, Said, Server, Token, text_of

_TITLE, _MESSAGE, _URL = 250, 1500, 2000


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
        self.post(self._url, payload(delivery, self._priority), now, secret_headers=self._login, read=_said)


def payload(delivery: Delivery, priority: int = 5) -> dict[str, Any]:
    """The message of a change: plain text, with its address at the end, for clients that do not follow clicks."""
    told = notice(delivery)
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


def _said(body: Any, _headers: Mapping[str, str]) -> Said:
    return Said(text_of(body, "errorDescription", "error"))
