"""Asks over HTTP: within limits, only where it may, with every failure as a sentence for a person."""

from __future__ import annotations

import contextlib
import queue
import re
import ssl
import weakref
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http.client import BadStatusLine, HTTPException, IncompleteRead, LineTooLong
from pathlib import Path
from time import monotonic

from msgspec import Struct, field
from urllib3.exceptions import HTTPError

from feedbot.core.text import one_line
from feedbot.http import HttpError, Request, Response
from feedbot.http.answer import Answer
from feedbot.http.body import BodyError, Decoder, format_size
from feedbot.http.guard import Allowance, parse_allowance
from feedbot.http.pool import Adapter, Answered, Outgoing
from feedbot.http.proxy import parse_proxy
from feedbot.http.target import Target, follow, parse_target, shown
from feedbot.http.wire import Wire
from feedbot.model import Validators

MAX_REDIRECTS = 10
MAX_RETRY_AFTER = timedelta(hours=24)

_CHUNK = 64 * 1024
_LARGE_AT_ONCE = 3  # bodies; more of them would take all memory together, though none is larger than it may be
_HEAD_ROOM = 256 * 1024  # of the head and of chunk sizes, beside the bytes of a body
_EXCUSE = 64 * 1024  # read of a body that explains why there is none
_REDIRECTS = (301, 302, 303, 307, 308)
_PERMANENT = (301, 308)
_ROUND = "give the address that a browser ends at; where it wants cookies or a login, feedbot has none"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile("[\t\x20-\x7e\xa0-\xff]*")
_VALIDATOR = re.compile("[\x20-\x7e\xa0-\xff]{1,1024}")
_SECRETS = frozenset({"authorization", "cookie", "proxy-authorization"})
# What frames a message or chooses who answers it is not for callers to say.
_OURS = frozenset(
    "accept-encoding connection content-length expect host keep-alive te trailer transfer-encoding upgrade".split()
)
_FAILURES = (HTTPError, HTTPException, OSError, ValueError)


class Client:
    """A `Fetcher` for any number of threads; connections are kept and used again.

    ``timeout`` is in seconds over all of a request: name look-up, connecting, TLS, redirects, body.
    ``max_bytes`` caps a body on the wire, ``max_decoded`` what it decodes to. ``ca_file`` is trusted beside
    the usual authorities. ``proxy`` is the address of an HTTP proxy that all is asked through but what is listed as
    allowed though private. ``allow_private`` holds for every request, beside what that lists itself. ``took`` is told
    after each how many bytes came in.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        timeout: float = 30.0,
        max_bytes: int = 10_000_000,
        max_decoded: int = 50_000_000,
        ca_file: Path | None = None,
        allow_private: tuple[str, ...] = (),
        connections: int = 32,
        proxy: str = "",
        took: Callable[[int], None] = lambda _count: None,
    ) -> None:
        """Raises ValueError where an entry of ``allow_private`` is none, HttpError where ``proxy`` is none."""
        defaults = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "gzip"}
        self._defaults: _Headers = {name.lower(): (name, value) for name, value in defaults.items()}
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._max_decoded = max_decoded
        self._allowances = tuple(parse_allowance(entry) for entry in allow_private)
        self._took = took
        self._large: _Places = queue.SimpleQueue()
        for _ in range(_LARGE_AT_ONCE):
            self._large.put(None)
        behind = parse_proxy(proxy) if proxy else None
        self._adapter = Adapter(connections=connections, ca_file=ca_file, proxy=behind)

    def send(self, request: Request, now: datetime) -> Response:
        """Send a request; GET and HEAD follow redirects (RFC 9110, 15.4), each checked like the first address.

        The body is whole and decoded for a GET that succeeded; of any other answer it is what could be read
        of its first 64 kB. Raises HttpError where no usable answer comes, and never anything else.
        """
        errand = self._errand(request)
        try:
            return self._sent(errand, now)
        finally:
            self._took(sum(wire.received for wire in errand.wires))

    def _sent(self, errand: _Errand, now: datetime) -> Response:
        target = errand.start
        seen = {target.url}
        permanent, moved_to = True, ""
        for _ in range(MAX_REDIRECTS + 1):
            try:
                answered, wire = self._ask(errand, target)
                if not errand.follows or answered.raw.status not in _REDIRECTS:
                    return self._response(errand, target, answered, wire, now, moved_to)
            except HttpError as error:
                if target is errand.start:
                    raise
                message = f"{shown(errand.start.url)} redirects, but {error.message}"
                raise HttpError(message, error.hint, forbidden=error.forbidden) from error
            status, location = answered.raw.status, answered.raw.fields.get("location", "")
            answered.close()
            if not location:
                raise HttpError(f"{shown(target.url)} redirects without saying where to", "its owner has to mend that")
            target = follow(target, location)
            permanent = permanent and status in _PERMANENT
            moved_to = target.url if permanent else moved_to
            if target.url in seen:
                raise HttpError(f"{shown(errand.start.url)} redirects in a circle", _ROUND)
            seen.add(target.url)
        raise HttpError(f"{shown(errand.start.url)} redirects more than {MAX_REDIRECTS} times", _ROUND)

    def close(self) -> None:
        """Let go of all connections; those in use end with their request."""
        self._adapter.close()

    def _errand(self, request: Request) -> _Errand:
        reads = request.method in ("GET", "HEAD")
        start = parse_target(request.url, secret_path=not reads)
        timeout = self._timeout if request.timeout is None else request.timeout
        try:
            listed = tuple(parse_allowance(entry) for entry in request.allow_private)
        except ValueError as error:
            raise HttpError(f"allow_private: {error}", forbidden=True) from error
        public, secret = _headers(self._defaults, request)
        if start.credentials:
            secret.setdefault("authorization", ("Authorization", start.credentials))
        return _Errand(
            request=request,
            start=start,
            follows=reads and request.follow_redirects,
            public=dict(public.values()),
            secret=dict(secret.values()),
            allowances=self._allowances + listed,
            timeout=timeout,
            deadline=monotonic() + timeout,
            max_bytes=self._max_bytes if request.max_bytes is None else request.max_bytes,
        )

    def _ask(self, errand: _Errand, target: Target) -> tuple[Answered, Wire]:
        """The head of the answer of one address; its body is not read yet."""
        wire = errand.wire()
        try:
            return self._adapter.send(errand.outgoing(target, wire)), wire
        except _FAILURES as error:
            # A server may close a kept connection just as it is used again (RFC 9112, 9.3.1), or have sent more
            # over it than it said, which is no answer to this request.
            stale = wire.reused and not wire.late and (not wire.received or isinstance(error, BadStatusLine))
            if not stale or errand.request.method not in ("GET", "HEAD"):
                raise _failure(errand, target, wire, error) from error
        wire = errand.wire(fresh=True)
        try:
            return self._adapter.send(errand.outgoing(target, wire)), wire
        except _FAILURES as error:
            raise _failure(errand, target, wire, error) from error

    def _response(
        self, errand: _Errand, target: Target, answered: Answered, wire: Wire, now: datetime, moved_to: str
    ) -> Response:
        answer, place = answered.raw, _LargePlace(self._large, wire)
        try:
            if answer.status < 200:
                raise HttpError(f"{errand.place(target)} sent status {answer.status}, which is not final")
            if errand.request.method == "GET" and 200 <= answer.status < 300:
                body = self._whole_body(errand, target, answer, wire, place)
            else:
                body = _excuse(answer)
        except BaseException:
            place.leave()
            raise
        finally:
            answered.let_go()
        response = Response(
            status=answer.status,
            url=target.url,
            headers=answer.fields,
            body=body,
            validators=_validators(answer.status, answer.fields, errand.request.validators),
            retry_at=retry_at(answer.fields.get("retry-after", ""), now),
            moved_to=moved_to,
        )
        if place.held:
            weakref.finalize(response, place.leave)
        return response

    def _whole_body(self, errand: _Errand, target: Target, answer: Answer, wire: Wire, place: _LargePlace) -> bytes:
        try:
            if (answer.length or 0) > errand.max_bytes:
                raise _too_large(errand.place(target), errand)
            decoder = Decoder(answer.fields.get("content-encoding", ""), self._max_decoded, place.take)
            taken = 0
            while chunk := answer.read_body(_CHUNK):
                taken += len(chunk)
                if taken > errand.max_bytes:
                    raise _too_large(errand.place(target), errand)
                decoder.feed(chunk)
            return decoder.result()
        except BodyError as error:
            raise HttpError(f"{errand.place(target)} {error}") from error
        except _FAILURES as error:
            raise _failure(errand, target, wire, error) from error


# A queue, as the garbage collector may leave a place within the very call that takes one: a lock would hang there.
_Places = queue.SimpleQueue[None]


class _LargePlace:
    """One of few places for large bodies, once it is taken, and until whoever was given the body lets go of it."""

    def __init__(self, places: _Places, wire: Wire) -> None:
        self._places = places
        self._wire = wire
        self.held = False

    def take(self) -> None:
        """Wait for a place. Raises TimeoutError where none is free by the deadline."""
        try:
            self._places.get(timeout=self._wire.left())
        except queue.Empty:
            raise TimeoutError("no place was free for a large body") from None
        self.held = True

    def leave(self) -> None:
        """Leave the place, if one is held."""
        if self.held:
            self.held = False
            self._places.put(None)


class _Errand(Struct, frozen=True, kw_only=True):
    """A request with what bounds it, for all of its redirects."""

    request: Request
    start: Target
    follows: bool
    public: Mapping[str, str]
    secret: Mapping[str, str]
    allowances: tuple[Allowance, ...]
    timeout: float
    deadline: float
    max_bytes: int
    wires: list[Wire] = field(default_factory=list)

    def wire(self, *, fresh: bool = False) -> Wire:
        wire = Wire(self.deadline, self.max_bytes + _HEAD_ROOM, self.allowances, fresh=fresh)
        self.wires.append(wire)
        return wire

    def outgoing(self, target: Target, wire: Wire) -> Outgoing:
        """The request to one address: secrets go to the origin that they were given for only."""
        headers = {**self.public, **self.secret} if target.origin == self.start.origin else self.public
        request = self.request
        return Outgoing(request.method, target, headers, request.body, wire, verify_tls=request.verify_tls)

    def place(self, target: Target) -> str:
        """What messages call the address. The path of a webhook is often its secret."""
        return shown(target.url, path=self.request.method in ("GET", "HEAD"))


def retry_at(value: str, now: datetime) -> datetime | None:
    """When a ``Retry-After`` (RFC 9110, 10.2.3) asks to come again: at most 24 h ahead, never in the past."""
    value = value.strip()
    if not value:
        return None
    latest = now + MAX_RETRY_AFTER
    if value.isascii() and value.isdigit():
        return latest if len(value) > 9 else min(now + timedelta(seconds=int(value)), latest)
    try:
        moment = parsedate_to_datetime(value[:100])
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(moment, now), latest)


_Headers = dict[str, tuple[str, str]]


def _headers(defaults: _Headers, request: Request) -> tuple[_Headers, _Headers]:
    """What goes to every address and what to the first origin only, by lower-case name. Raises HttpError."""
    if not _TOKEN.fullmatch(request.method):
        raise HttpError("the method of the request is no word of HTTP", forbidden=True)
    public = dict(defaults)
    secret: _Headers = {}
    for given, kept in ((request.headers, public), (request.secret_headers, secret)):
        for name, value in given.items():
            key = name.lower()
            if key in _OURS:
                raise HttpError(f"the header {name} is feedbot's own to set", forbidden=True)
            (secret if key in _SECRETS else kept)[key] = (name, value)
    for name, value in (*public.values(), *secret.values()):
        if not _is_header(name, value):
            raise HttpError(
                f"the header {one_line(name)[:60]!r} holds a line break or another character that HTTP cannot carry",
                forbidden=True,
            )
    public |= _conditions(request)
    if request.body is not None or request.method not in ("GET", "HEAD"):
        public["content-length"] = ("Content-Length", str(len(request.body or b"")))
    return public, secret


@lru_cache(maxsize=256)  # nearly all requests have the same
def _is_header(name: str, value: str) -> bool:
    """Whether HTTP can carry a header as it is (RFC 9110, 5.1 and 5.5)."""
    return bool(_TOKEN.fullmatch(name) and _VALUE.fullmatch(value))


def _conditions(request: Request) -> _Headers:
    """The validators as they came (RFC 9110, 13.1), where they can be sent at all."""
    known = request.validators
    named = (("If-None-Match", known.etag), ("If-Modified-Since", known.last_modified))
    if request.method not in ("GET", "HEAD"):
        return {}
    return {name.lower(): (name, value) for name, value in named if _VALIDATOR.fullmatch(value)}


def _validators(status: int, headers: Mapping[str, str], sent: Validators) -> Validators:
    if status not in (200, 203, 226, 304):
        return Validators()
    etag, last_modified = headers.get("etag", ""), headers.get("last-modified", "")
    if not _VALIDATOR.fullmatch(etag):
        etag = ""
    if not _VALIDATOR.fullmatch(last_modified):
        last_modified = ""
    if status == 304:
        return Validators(etag or sent.etag, last_modified or sent.last_modified)
    return Validators(etag, last_modified)


def _excuse(answer: Answer) -> bytes:
    """What can be read of a body that is of use to a person only: never a reason to fail."""
    if answer.ended:
        return b""
    try:
        decoder = Decoder(answer.fields.get("content-encoding", ""), _EXCUSE)
    except BodyError:
        return b""
    left = _EXCUSE
    with contextlib.suppress(BodyError, *_FAILURES):
        while left and (piece := answer.read_body(left)):
            decoder.feed(piece)
            left -= len(piece)
    return decoder.so_far()


def _failure(errand: _Errand, target: Target, wire: Wire, error: Exception) -> HttpError:
    """What went wrong once a connection stood, in words."""
    place = errand.place(target)
    if wire.overdrawn:
        return _too_large(place, errand)
    if wire.late:
        patience = max(round(errand.timeout, 1), 0.1)  # what was left of a poll's time, to a microsecond
        return HttpError(f"{place} gave no complete answer within {patience:g} s", "raise timeout if it is slow")
    causes = _causes(error)
    if any(
        isinstance(cause, LineTooLong) or "headers" in str(cause)
        for cause in causes
        if isinstance(cause, HTTPException)
    ):
        return HttpError(f"{place} sent more headers than can be read")
    if any(isinstance(cause, ConnectionError | IncompleteRead) for cause in causes):
        if wire.received:
            return HttpError(f"{place}: the answer was cut off", "it is asked again later")
        return HttpError(f"{place} closed the connection without an answer")
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return HttpError(f"{place} broke off the TLS connection")
    if any(isinstance(cause, HTTPException | HTTPError | ValueError) for cause in causes):
        return HttpError(f"{place} sent something that is not HTTP")
    return HttpError(f"{place} cannot be reached")


def _too_large(place: str, errand: _Errand) -> HttpError:
    return HttpError(f"{place} sent more than {format_size(errand.max_bytes)}", "raise max_bytes if you want it")


def _causes(error: BaseException | None) -> list[BaseException]:
    causes = []
    while error is not None:
        causes.append(error)
        error = error.__cause__ or error.__context__
    return causes
