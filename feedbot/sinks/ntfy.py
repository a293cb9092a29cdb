"""Publishes what is new to a topic of ntfy (docs.ntfy.sh, publish as JSON)."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, SecretStr, model_validator

from feedbot.message.chat import Tell, cut, fit, notice, utf8
from feedbot.message.listing import listing, plain_line
from feedbot.model import Delivery, Digest
from feedbot.plugins import SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink, Said, Server, Token, like, text_of

_TITLE, _MESSAGE, _URL = 250, 2000, 2000  # bytes; with all else below the 4096 of a message
_TAGS, _TAG = 5, 50
_LIST = 3000


class NtfySettings(PostingSettings):
    """Keys of a sink of type ``ntfy``."""

    topic: Annotated[str, like(r"[A-Za-z0-9_-]{1,64}", "a topic: up to 64 letters, digits, _ and -")]
    """The topic."""
    server: Server = "https://ntfy.sh"
    """The server."""
    token: Token | None = None
    """An access token, where the topic is protected."""
    username: str = ""
    """The name to log in with, in place of a token."""
    password: SecretStr | None = None
    """The password to log in with."""
    priority: Annotated[int, Field(ge=1, le=5)] = 3
    """From 1, without a sound, to 5."""
    tags: tuple[str, ...] = ()
    """Tags of all messages, before those of the entry; some are shown as emoji."""

    @model_validator(mode="after")
    def _fits_together(self) -> NtfySettings:
        if bool(self.username) != (self.password is not None):
            raise ValueError("username and password need each other")
        if self.username and self.token is not None:
            raise ValueError("give either token, or username and password")
        return self


class NtfySink(PostingSink):
    """One message a change; a click on it leads to the entry."""

    Settings = NtfySettings

    def __init__(self, settings: NtfySettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.token, settings.password))
        self._options = settings
        self._login: dict[str, str] = {}
        if settings.token is not None:
            self._login = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
        elif settings.password is not None:
            pair = f"{settings.username}:{settings.password.get_secret_value()}"
            self._login = {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Publish a change."""
        self._publish(payload(delivery, self._options, self.tell), now)

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Publish many changes as one list."""
        self._publish(digest_payload(digest, self._options, self.tell), now)

    def _publish(self, message: dict[str, Any], now: datetime) -> None:
        self.post(f"{self._options.server}/", message, now, secret_headers=self._login, read=_said)


def payload(delivery: Delivery, options: NtfySettings, tell: Tell = notice) -> dict[str, Any]:
    """The message of a change: plain text throughout."""
    told = tell(delivery)
    tags = dict.fromkeys(cut(tag.replace(",", " "), _TAG) for tag in (*options.tags, *told.tags))
    message = {
        "topic": options.topic,
        "title": fit(told.title, _TITLE, measure=utf8),
        "message": fit(told.text, _MESSAGE, measure=utf8) or fit(told.about, _MESSAGE, measure=utf8) or "–",
        "priority": options.priority,
        "tags": list(tags)[:_TAGS],
    }
    return {**message, "click": told.url} if 0 < len(told.url) <= _URL else message


def digest_payload(digest: Digest, options: NtfySettings, tell: Tell = notice) -> dict[str, Any]:
    """The message of a digest: a list of titles and addresses."""
    listed = listing(digest, tell)
    return {
        "topic": options.topic,
        "title": listed.heading,
        "message": listed.text(_LIST, plain_line(measure=utf8, limit=600), utf8),
        "priority": options.priority,
        "tags": [cut(tag.replace(",", " "), _TAG) for tag in options.tags][:_TAGS],
    }


def _said(body: Any, _headers: Mapping[str, str]) -> Said:
    return Said(text_of(body, "error"))
