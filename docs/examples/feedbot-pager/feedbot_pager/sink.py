"""Pages people through a gateway."""

from __future__ import annotations

import json
from datetime import datetime
from typing import ClassVar

from pydantic import Field, SecretStr

from feedbot.errors import DeliveryError
from feedbot.http import HttpError, Request
from feedbot.model import Delivery
from feedbot.plugins import Preview, SinkContext, SinkSettings

LONGEST = 160


class PagerSettings(SinkSettings):
    """Keys of a sink of type ``pager``; feedbot adds ``token_file``, since ``token`` is a secret."""

    server: str = Field(pattern="^https?://")
    """The address of the gateway."""
    token: SecretStr
    """What the gateway gave you to show that it is you."""
    to: str
    """Who is paged."""
    allow_private: tuple[str, ...] = ()
    """Private addresses that may be asked, where the gateway is in your own network."""


class PagerSink:
    """One page a change; the gateway ignores a second one with the same key."""

    Settings = PagerSettings
    prints: ClassVar[bool] = False

    def __init__(self, settings: PagerSettings, context: SinkContext) -> None:
        self._settings = settings
        self._context = context

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Page, or raise DeliveryError with what is to happen next."""
        request = Request(
            url=f"{self._settings.server}/page",
            method="POST",
            headers={"Content-Type": "application/json"},
            secret_headers={"Authorization": f"Bearer {self._settings.token.get_secret_value()}"},
            body=json.dumps({"to": self._settings.to, "text": page(delivery), "key": delivery.key}).encode(),
            allow_private=self._settings.allow_private,
            follow_redirects=False,
        )
        try:
            response = self._context.fetcher().send(request, now)
        except HttpError as error:  # no answer: the gateway is down, unless feedbot itself refuses its address
            raise DeliveryError(error.message, error.hint, refused=error.forbidden, sink_down=True) from error
        if response.status in (429, 503):
            raise DeliveryError("the gateway has too much to do", not_before=response.retry_at, sink_down=True)
        if response.status >= 400:
            raise DeliveryError(f"the gateway answered {response.status}", "check token and to", refused=True)

    def preview(self, delivery: Delivery, now: datetime) -> Preview:
        """What ``feedbot sink preview`` shows."""
        return Preview(f"to {self._settings.to}: {page(delivery)}")

    def close(self) -> None:
        """Nothing is kept open: the HTTP client belongs to the run."""


def page(delivery: Delivery) -> str:
    """The text of a page: what happened, as much of the title as there is room for, and where to read on."""
    entry = delivery.entry
    room = LONGEST - len(delivery.change) - len(entry.url) - 3
    title = entry.title if len(entry.title) <= room else entry.title[: max(room - 1, 0)] + "…"
    return f"{delivery.change}: {title} {entry.url}"[:LONGEST]
