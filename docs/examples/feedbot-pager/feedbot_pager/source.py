"""Reads the log of a pager gateway as entries."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field

from feedbot.errors import SourceError
from feedbot.http import HttpError, Request
from feedbot.model import Document, Item, Memory
from feedbot.plugins import SourceContext, SourceSettings


class PagerLogSettings(SourceSettings):
    """Keys of a source of type ``pager-log``."""

    server: str = Field(pattern="^https?://")
    """The address of the gateway."""
    allow_private: tuple[str, ...] = ()
    """Private addresses that may be asked, where the gateway is in your own network."""


class PagerLogSource:
    """One entry a page. It costs a request where nothing is new: the gateway answers 304 to its own validators."""

    Settings = PagerLogSettings
    kind = "pager log"

    def __init__(self, settings: PagerLogSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self.host = urlsplit(settings.server).netloc

    def poll(self, memory: Memory, now: datetime) -> Document:
        """Read the log, or raise SourceError: then nothing of the source changes, and it is polled again later."""
        request = Request(
            url=f"{self._settings.server}/log",
            validators=memory.validators,
            allow_private=self._settings.allow_private,
            timeout=self._context.timeout,
        )
        try:
            response = self._context.fetcher().send(request, now)
        except HttpError as error:
            raise SourceError(error.message, error.hint) from error
        if response.status == 304:
            return Document(not_modified=True, memory=memory)
        if response.status != 200:
            raise SourceError(f"the gateway answered {response.status}", not_before=response.retry_at)
        try:
            items = tuple(map(item, json.loads(response.body)))
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"the log of the gateway is not what it should be: {error!r}") from error
        return Document(items=items, memory=Memory(validators=response.validators), title="Pages")


def item(sent: dict[str, Any]) -> Item:
    """A page as the source lists it. Whether it is new is for feedbot to find out, by ``id``."""
    return Item(
        id=f"page:{sent['id']}",
        title=sent["text"],
        content=f"<p>{escape(sent['text'])}</p>",
        published=datetime.fromisoformat(sent["sent"]).astimezone(UTC),
    )
