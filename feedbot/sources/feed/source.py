"""The ``feed`` source: asks for a feed if it changed, and reads what comes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from time import monotonic
from typing import Any, ClassVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pydantic import Field, SecretStr, field_validator, model_validator

from feedbot import faults
from feedbot.errors import SourceError
from feedbot.http import Request
from feedbot.model import Document, Memory, Problem, Validators
from feedbot.plugins import Allowance, Duration, Place, Size, SourceContext, SourceSettings
from feedbot.sources.feed import jsonfeed, webpage, xmlfeed
from feedbot.sources.feed.address import host
from feedbot.sources.feed.asking import Asking, Whereabouts, ask, shown, without_credentials
from feedbot.sources.feed.decode import decode
from feedbot.sources.feed.hub import NO_HUB, hub_of
from feedbot.sources.feed.identity import Identity, identified
from feedbot.sources.feed.local import read_file
from feedbot.sources.feed.manners import Wishes, fresh_until, wishes_of

_MAX_FILE = 10_000_000
_LEAST_SECONDS = 1.0  # to read a feed in, however long it took to come
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class FeedSettings(SourceSettings):
    """A feed at an address, or in a file below the folder of the configuration."""

    url: str = ""
    """The address of the feed."""
    path: str = ""
    """A local feed instead, below the folder of the configuration."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Headers to send, kept secret; they go to the host of the url only."""
    allow_private: tuple[Allowance, ...] = ()
    """Private addresses that may be asked, beside those of [feedbot]."""
    verify_tls: bool = True
    """Whether certificates are checked; switch it off for no public host."""
    timeout: Duration | None = None
    """The longest that reading it may take. Default: that of [feedbot]."""
    max_bytes: Size | None = None
    """The most that is read of one answer. Default: that of [feedbot]."""
    hub: bool = True
    """Whether its WebSub hub is asked to push what is new, where it has one and callback is set in [feedbot]."""
    identity: Identity = "auto"
    """What names an entry: its guid, else its link, else its content ("auto"), or one of these first."""

    @field_validator("headers")
    @classmethod
    def _sendable(cls, headers: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for name, value in headers.items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name of an HTTP header")
            if re.search(r"[\r\n\0]", value.get_secret_value()):
                raise ValueError(f"the value of the header {name!r} has a line break in it")
        return headers

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            parts.port  # noqa: B018 - raises where it is no number
        except ValueError:
            raise ValueError("this is no address") from None
        if parts.scheme not in ("http", "https", "file", ""):
            raise ValueError(f"{parts.scheme}: addresses cannot be polled; use http, https or file")
        if parts.scheme in ("http", "https") and not parts.hostname:
            raise ValueError("the address names no host")
        return url

    def places(self) -> Sequence[Place]:
        if self.path:
            return (Place("path", self.path, "inside"),)
        parts = urlsplit(self.url)
        if parts.scheme in ("http", "https"):
            return ()
        return (Place("url", url2pathname(parts.path) if parts.scheme == "file" else self.url, "inside"),)

    @model_validator(mode="after")
    def _one_place(self) -> FeedSettings:
        if bool(self.url) == bool(self.path):
            raise ValueError("a feed needs a url or a path" if not self.url else "a feed has a url or a path, not both")
        return self


class FeedSource:
    """Polls one feed."""

    Settings: ClassVar[type[SourceSettings]] = FeedSettings

    def __init__(self, settings: FeedSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._remote = urlsplit(settings.url).scheme in ("http", "https")
        self.kind = "feed" if self._remote else "feed (file)"
        self.host = host(settings.url) if self._remote else ""

    def poll(self, memory: Memory, now: datetime) -> Document:
        """Read the feed if it changed since ``memory``. Raises SourceError where there is nothing to be read."""
        patience = self._settings.timeout.total_seconds() if self._settings.timeout else self._context.timeout
        until = monotonic() + patience
        if not self._remote:
            name = self._settings.path or self._settings.url
            body = read_file(self._context.folder, name, self._settings.max_bytes or _MAX_FILE)
            return replace(self._document(body, "", {}, Validators(), memory, now, until), size=len(body))
        asked = ask(self._asking(now, until), Whereabouts.from_json(memory.extra), memory.validators)
        response, found = asked.response, asked.whereabouts.as_json()
        if response.status == 304:
            document = Document(not_modified=True, memory=_renewed(memory, response.validators))
        else:
            kept = replace(memory, digest="") if response.status == 226 else memory
            document = self._document(
                response.body, response.url, response.headers, response.validators, kept, now, until
            )
        extra = {**_without(document.memory.extra, ("at", "moved_to", "seen")), **found}
        wishes = Wishes.from_json(extra.get("wishes", {}))
        interval = self._settings.interval
        least = self._settings.min_interval if interval == "auto" else interval
        return replace(
            document,
            memory=replace(document.memory, extra=extra),
            notes=(*document.notes, *asked.notes),
            fresh_until=fresh_until(response.headers, wishes, least, now),
            status=response.status,
            size=len(response.body),
        )

    def _asking(self, now: datetime, until: float) -> Asking:
        settings = self._settings
        url, credentials = without_credentials(settings.url)
        own = {name: value.get_secret_value() for name, value in settings.headers.items()}
        request = Request(
            url=url, allow_private=settings.allow_private, verify_tls=settings.verify_tls, max_bytes=settings.max_bytes
        )
        return Asking(
            url=url,
            secrets={**credentials, **own},
            request=request,
            fetcher=self._context.fetcher(),
            now=now,
            until=until,
        )

    def _document(
        self,
        body: bytes,
        url: str,
        headers: Mapping[str, str],
        validators: Validators,
        memory: Memory,
        now: datetime,
        until: float,
    ) -> Document:
        if not body.strip():
            raise SourceError("the answer was empty" if self._remote else "the file is empty")
        kept = Memory(validators, sha256(body).hexdigest(), memory.extra)
        if kept.digest == memory.digest:
            return Document(not_modified=True, memory=kept)
        faults.reach("fetched")
        content_type = headers.get("content-type", "")
        text = decode(body, content_type)
        if webpage.is_web_page(text):
            raise SourceError("this is a web page, not a feed", "give the address, or the file, of a feed")
        by_id = self._settings.identity in ("auto", "id")
        parts, turn = _parts_of(memory), self._context.turn
        if jsonfeed.looks_like_json(text, content_type):
            with turn:
                parsed = jsonfeed.read(text, url, now, memory=parts, by_id=by_id)
        else:
            seconds = max(until - monotonic(), _LEAST_SECONDS)
            parsed = xmlfeed.read(text, url, now, memory=parts, by_id=by_id, seconds=seconds, turn=turn)
        # As text: nearly all polls read what is remembered, and few what is remembered of the entries.
        parts_now = json.dumps(parsed.memory, separators=(",", ":")) if parsed.memory else ""
        extra = {"parts": parts_now, "wishes": wishes_of(text).as_json()}
        kept = replace(kept, extra={name: value for name, value in extra.items() if value})
        hub = hub_of(text, url, headers) if self._settings.hub and self._remote else NO_HUB
        if parsed.unchanged:
            return Document(not_modified=True, memory=kept, hub=hub)
        problems: tuple[Problem, ...] = ()
        if parsed.cut:
            where = shown(url) or self._settings.path or self._settings.url
            message = f"{parsed.cut}; what is there is read, the rest at the next poll"
            problems = (Problem(where, message),)
        return Document(
            items=identified(parsed.items, self._settings.identity),
            # What was not read to its end is asked for again as a whole.
            memory=Memory() if parsed.cut else kept,
            standing=parsed.standing,
            problems=problems,
            notes=parsed.notes,
            title=parsed.title,
            link=parsed.link,
            hub=hub,
        )


def _parts_of(memory: Memory) -> dict[str, Any]:
    """What the last reading left of the document's parts."""
    known = memory.extra.get("parts")
    return dict(json.loads(known)) if isinstance(known, str) and known else {}


def _renewed(memory: Memory, validators: Validators) -> Memory:
    """What is remembered after a 304: the validators that came with it, else those it was asked with (P9)."""
    known = memory.validators
    etag, modified = validators.etag or known.etag, validators.last_modified or known.last_modified
    return replace(memory, validators=Validators(etag, modified))


def _without(known: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: value for name, value in known.items() if name not in names}
