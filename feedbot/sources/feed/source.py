"""The ``feed`` source: asks for a feed if it changed, and reads what comes."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from feedbot import faults
from feedbot.errors import SourceError
from feedbot.http import HttpError, Request, Response
from feedbot.http.guard import parse_allowance
from feedbot.model import Document, Memory, Problem, Validators
from feedbot.plugins import Duration, Later, Size, SourceContext, SourceSettings
from feedbot.sources.feed import jsonfeed, webpage, xmlfeed
from feedbot.sources.feed.address import host
from feedbot.sources.feed.decode import decode
from feedbot.sources.feed.identity import Identity, identified
from feedbot.sources.feed.local import read_file

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.8, text/html;q=0.3, */*;q=0.1"
)
_MAX_FILE = 10_000_000
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class FeedSettings(SourceSettings):
    """A feed at an address, or in a file below the folder of the configuration."""

    later: ClassVar[Mapping[str, Later]] = {
        **SourceSettings.later,
        "discover": Later("finding the feeds of a web page", (False,)),
        "hub": Later("subscribing to a WebSub hub", (False,)),
    }

    url: str = ""
    """The address of the feed."""
    path: str = ""
    """A local feed instead, below the folder of the configuration."""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    """Headers to send, kept secret; they go to the host of the url only."""
    allow_private: tuple[str, ...] = ()
    """Private addresses that may be asked, beside those of [feedbot]."""
    verify_tls: bool = True
    """Whether certificates are checked; switch it off for no public host."""
    timeout: Duration | None = None
    """The longest that reading it may take. Default: that of [feedbot]."""
    max_bytes: Size | None = None
    """The most that is read of one answer. Default: that of [feedbot]."""
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

    @field_validator("allow_private")
    @classmethod
    def _allowances(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        for entry in entries:
            parse_allowance(entry)
        return entries

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
        if not self._remote:
            name = self._settings.path or self._settings.url
            body = read_file(self._context.folder, name, self._settings.max_bytes or _MAX_FILE)
            return self._document(body, "", "", Validators(), memory, now)
        response = self._asked(memory, now)
        moved = _moved(response, self._settings.url)
        if response.status == 304:
            renewed = Validators(
                response.validators.etag or memory.validators.etag,
                response.validators.last_modified or memory.validators.last_modified,
            )
            return Document(not_modified=True, memory=Memory(renewed, memory.digest), notes=moved)
        content_type = response.headers.get("content-type", "")
        document = self._document(response.body, response.url, content_type, response.validators, memory, now)
        return replace(document, notes=(*document.notes, *moved))

    def _asked(self, memory: Memory, now: datetime) -> Response:
        settings = self._settings
        url, credentials = _without_credentials(settings.url)
        own = {name: value.get_secret_value() for name, value in settings.headers.items()}
        request = Request(
            url=url,
            headers={"Accept": ACCEPT},
            secret_headers={**credentials, **own},
            validators=memory.validators,
            allow_private=settings.allow_private,
            verify_tls=settings.verify_tls,
            timeout=None if settings.timeout is None else settings.timeout.total_seconds(),
            max_bytes=settings.max_bytes,
        )
        try:
            response = self._context.fetcher().send(request, now)
        except HttpError as error:
            raise SourceError(error.message, error.hint) from error
        known = memory.validators != Validators()
        if response.status not in (200, 203) and not (response.status == 304 and known):
            raise _refusal(response)
        return response

    def _document(
        self, body: bytes, url: str, content_type: str, validators: Validators, memory: Memory, now: datetime
    ) -> Document:
        if not body.strip():
            raise SourceError("the answer was empty" if self._remote else "the file is empty")
        kept = Memory(validators, sha256(body).hexdigest())
        if kept.digest == memory.digest:
            return Document(not_modified=True, memory=kept)
        faults.reach("fetched")
        text = decode(body, content_type)
        if webpage.is_web_page(text):
            raise _web_page(text, url)
        reader = jsonfeed if jsonfeed.looks_like_json(text, content_type) else xmlfeed
        parsed = reader.read(text, url, now)
        problems: tuple[Problem, ...] = ()
        if parsed.cut:
            where = shown(url) or self._settings.path or self._settings.url
            message = f"{parsed.cut}; what is there is read, the rest at the next poll"
            problems = (Problem(where, message),)
        return Document(
            items=identified(parsed.items, self._settings.identity),
            # What was not read to its end is asked for again as a whole.
            memory=Memory() if parsed.cut else kept,
            problems=problems,
            notes=parsed.notes,
            title=parsed.title,
            link=parsed.link,
        )


def shown(url: str) -> str:
    """An address as it may be told: without user, password and query, which may be secret."""
    parts = urlsplit(url)
    if not parts.hostname:
        return ""
    query = "?..." if parts.query else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"


def _without_credentials(url: str) -> tuple[str, dict[str, str]]:
    """The address without "user:password@", and the header that says the same (RFC 7617)."""
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    encoded = base64.b64encode(unquote(user).encode()).decode()
    return parts._replace(netloc=place).geturl(), {"Authorization": f"Basic {encoded}"}


def _moved(response: Response, configured: str) -> tuple[str, ...]:
    if not response.moved_to:
        return ()
    secret = urlsplit(configured).query
    address = response.moved_to if not secret else shown(response.moved_to)
    return (f"moved permanently to {address}; change the url",)


def _refusal(response: Response) -> SourceError:
    status = response.status
    at = response.retry_at
    if status == 410:
        return SourceError("the feed is gone for good (410)", "remove the source, or give its new url", gone=True)
    if status in (401, 403):
        hint = "it wants credentials (headers), or blocks unknown agents: set user_agent to name a contact"
        return SourceError(f"the server refuses to give the feed ({status})", hint, not_before=at)
    if status == 404:
        return SourceError("there is no such feed (404)", "look for its new address at the site", not_before=at)
    if status in (429, 503):
        what = "asks for fewer requests" if status == 429 else "is not available"
        when = "" if at is None else f"it is asked again after {at:%Y-%m-%d %H:%M} UTC"
        return SourceError(f"the server {what} ({status})", when, not_before=at)
    if status == 204:
        return SourceError("the answer was empty (204)", not_before=at)
    if status == 304:
        return SourceError("the server says not modified (304), though it was not asked that", not_before=at)
    side = "has a fault" if status >= 500 else "answered in a way that is of no use"
    return SourceError(f"the server {side} ({status})", not_before=at)


def _web_page(text: str, url: str) -> SourceError:
    feeds = webpage.feeds_named(text, url)
    hint = f"feeds that it names: {', '.join(feeds)}" if feeds else "it names no feed; give the address of one"
    return SourceError("this is a web page, not a feed", hint)
