"""The ``feed`` source: asks for a feed if it changed, and reads what comes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from msgspec.structs import replace
from pydantic import Field, SecretStr, field_validator, model_validator

from feedbot import faults
from feedbot.errors import SourceError
from feedbot.http import Response
from feedbot.model import Document, Memory, Validators
from feedbot.plugins import Allowance, Duration, Place, Size, SourceContext, SourceSettings
from feedbot.sources.feed.address import host
from feedbot.sources.feed.asking import WHEREABOUTS, Asking, Whereabouts, ask, digest_of, shown, without_credentials
from feedbot.sources.feed.identity import Identity
from feedbot.sources.feed.manners import Wishes, fresh_until

if TYPE_CHECKING:
    from feedbot.sources.feed.document import Origin, Seen

_MAX_FILE = 10_000_000
_NONE: Mapping[str, str] = {}
_HTTP = re.compile(r"[\x00-\x20]*https?:", re.IGNORECASE)
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

    @property
    def is_remote(self) -> bool:
        """Whether it is asked for over HTTP."""
        return _HTTP.match(self.url) is not None

    def places(self) -> Sequence[Place]:
        if self.path:
            return (Place("path", self.path, "inside"),)
        if self.is_remote:
            return ()
        parts = urlsplit(self.url)
        from urllib.request import url2pathname  # brings http.client along

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
        self._remote = settings.is_remote
        self._url, credentials = without_credentials(settings.url)
        self._secrets = {**credentials, **{name: value.get_secret_value() for name, value in settings.headers.items()}}
        self.kind = "feed" if self._remote else "feed (file)"
        self.host = host(settings.url) if self._remote else ""

    def poll(self, memory: Memory, now: datetime) -> Document:
        """Read the feed if it changed since ``memory``. Raises SourceError where there is nothing to be read."""
        patience = self._settings.timeout.total_seconds() if self._settings.timeout else self._context.timeout
        until = monotonic() + patience
        if not self._remote:
            name = self._settings.path or self._settings.url
            return self._read_file(name, memory, now, until)
        asked = ask(self._asking(memory, now, until), Whereabouts.from_json(memory.extra), memory.validators)
        response = asked.response
        if response.status == 304:
            kept = Memory(_renewed(memory, response.validators), memory.digest, _found(memory.extra, asked.whereabouts))
            fresh = self._fresh_until(response, kept, now)
            return Document(not_modified=True, memory=kept, notes=asked.notes, fresh_until=fresh, status=304)
        kept = Memory(response.validators, asked.digest, memory.extra)
        if asked.seen is not None:
            document = self._made(asked.seen, kept, response.url, response.headers)
        elif asked.text is not None:
            document = self._read(asked.text, kept, now, until, response.url, response.headers)
        else:
            document = Document(not_modified=True, memory=kept)
        kept = replace(document.memory, extra=_found(document.memory.extra, asked.whereabouts))
        return replace(
            document,
            memory=kept,
            notes=(*document.notes, *asked.notes),
            fresh_until=self._fresh_until(response, kept, now),
            status=response.status,
            size=len(response.body),
        )

    def _read_file(self, name: str, memory: Memory, now: datetime, until: float) -> Document:
        from feedbot.sources.feed.decode import decode
        from feedbot.sources.feed.local import read_file

        body = read_file(self._context.folder, name, self._settings.max_bytes or _MAX_FILE)
        if not body.strip():
            raise SourceError("the file is empty")
        kept = Memory(digest=digest_of(body), extra=memory.extra)
        if kept.digest == memory.digest:
            return Document(not_modified=True, memory=kept, size=len(body))
        seen = self._look(body, memory, now)
        document = self._made(seen, kept) if seen else self._read(decode(body, ""), kept, now, until)
        return replace(document, size=len(body))

    def _read(
        self, text: str, kept: Memory, now: datetime, until: float, url: str = "", headers: Mapping[str, str] = _NONE
    ) -> Document:
        """The document that a body holds which is another one than at the last poll."""
        from feedbot.sources.feed.document import read_document  # brings parsers, which most polls do not need

        faults.reach("fetched")
        return read_document(text, self._origin(url, headers), kept, now, until, turn=self._context.turn)

    def _look(self, body: bytes, memory: Memory, now: datetime, url: str = "", kind: str = "") -> Seen | None:
        """What is new in a body, where that can be told without reading all of it; ``kind`` is its content type."""
        if not memory.extra.get("parts"):
            return None
        from feedbot.sources.feed.document import look

        return look(body, kind, url, memory, now)

    def _made(self, seen: Seen, kept: Memory, url: str = "", headers: Mapping[str, str] = _NONE) -> Document:
        """The document in which no more was new than was seen."""
        from feedbot.sources.feed.document import document_of

        faults.reach("fetched")
        return document_of(seen, self._origin(url, headers), kept)

    def _origin(self, url: str, headers: Mapping[str, str]) -> Origin:
        from feedbot.sources.feed.document import Origin

        return Origin(
            url=url,
            headers=headers,
            name=shown(url) or self._settings.path or self._settings.url,
            identity=self._settings.identity,
            hub=self._settings.hub and self._remote,
        )

    def _fresh_until(self, response: Response, kept: Memory, now: datetime) -> datetime | None:
        """Until when server and feed ask to be left alone."""
        interval = self._settings.interval
        least = self._settings.min_interval if interval == "auto" else interval
        return fresh_until(response.headers, Wishes.from_json(kept.extra.get("wishes", {})), least, now)

    def _asking(self, memory: Memory, now: datetime, until: float) -> Asking:
        settings = self._settings
        return Asking(
            url=self._url,
            secrets=self._secrets,
            allow_private=settings.allow_private,
            verify_tls=settings.verify_tls,
            max_bytes=settings.max_bytes,
            digest=memory.digest,
            fetcher=self._context.fetcher(),
            now=now,
            until=until,
            look=lambda answer: self._look(
                answer.body, memory, now, answer.url, answer.headers.get("content-type", "")
            ),
        )


def _renewed(memory: Memory, validators: Validators) -> Validators:
    """What is asked with after a 304: the validators that came with it, else those it was asked with (P9)."""
    known = memory.validators
    return Validators(validators.etag or known.etag, validators.last_modified or known.last_modified)


def _found(known: Mapping[str, Any], whereabouts: Whereabouts) -> Mapping[str, Any]:
    """What is remembered, with where the feed is by now."""
    if whereabouts == Whereabouts.from_json(known):
        return known
    return {name: value for name, value in known.items() if name not in WHEREABOUTS} | whereabouts.as_json()
