"""Sends what is new to phones through Pushover (pushover.net/api)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from feedbot.message.chat import Tell, fit, notice
from feedbot.message.listing import listing, plain_line
from feedbot.model import Delivery, Digest
from feedbot.plugins import SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink, Said, Server, Token, like, text_of

_TITLE, _MESSAGE, _URL = 250, 1024, 512
_LONGEST_IN_TEXT = 900


class PushoverSettings(PostingSettings):
    """Keys of a sink of type ``pushover``."""

    token: Token
    """The token of an application there."""
    user: Token
    """The key of the user or group that gets the messages."""
    device: Annotated[str, like(r"[A-Za-z0-9_,-]*", "names of devices with commas between them")] = ""
    """The device, or several with commas between them. Default: all of the user."""
    priority: Annotated[int, Field(ge=-2, le=1)] = 0
    """From -2, which is only listed, to 1, which sounds in quiet hours too."""
    sound: Annotated[str, like(r"[A-Za-z0-9_-]*", "the name of a sound")] = ""
    """The name of the sound. Default: that of the user."""
    server: Server = "https://api.pushover.net"
    """The server."""


class PushoverSink(PostingSink):
    """One message a change."""

    Settings = PushoverSettings

    def __init__(self, settings: PushoverSettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.token, settings.user))
        self._url = f"{settings.server}/1/messages.json"
        keys = {"token": settings.token.get_secret_value(), "user": settings.user.get_secret_value()}
        chosen = {"device": settings.device, "priority": settings.priority, "sound": settings.sound}
        self._fixed = {**keys, **{name: value for name, value in chosen.items() if value}}

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Send a change."""
        self.post(self._url, {**self._fixed, **payload(delivery, self.tell)}, now, read=_said)

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Send many changes as one list."""
        self.post(self._url, {**self._fixed, **digest_payload(digest, self.tell)}, now, read=_said)


def payload(delivery: Delivery, tell: Tell = notice) -> dict[str, Any]:
    """The message of a change, in plain text. An address that is too long for its field stands in the text."""
    told = tell(delivery)
    end = f"\n{told.url}" if _URL < len(told.url) <= _LONGEST_IN_TEXT else ""
    text = fit(told.text, _MESSAGE - len(end)) + end
    message: dict[str, Any] = {
        "title": fit(told.title, _TITLE),
        "message": text.strip() or fit(told.about, _MESSAGE) or "–",
        "timestamp": max(0, int(told.moment.timestamp())),
    }
    if 0 < len(told.url) <= _URL:
        message |= {"url": told.url, "url_title": "Read post"}
    return message


def digest_payload(digest: Digest, tell: Tell = notice) -> dict[str, Any]:
    """The message of a digest: a list of titles and addresses, as many as fit."""
    listed = listing(digest, tell)
    return {
        "title": listed.heading,
        "message": listed.text(_MESSAGE, plain_line()),
        "timestamp": max(0, int(digest.created.timestamp())),
    }


def _said(body: Any, headers: Mapping[str, str]) -> Said:
    reset = headers.get("x-limit-app-reset", "")
    return Said(text_of(body, "errors"), until=float(reset) if reset.isascii() and reset.isdigit() else None)
