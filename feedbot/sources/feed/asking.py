"""Asks for a feed where it is by now: moves, and the feeds of web pages, are remembered."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from feedbot.errors import SourceError
from feedbot.http import Fetcher, HttpError, Request, Response
from feedbot.model import Validators

if TYPE_CHECKING:
    from feedbot.sources.feed.discover import Candidate
    from feedbot.sources.feed.document import Seen

ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.8, text/html;q=0.3, */*;q=0.1"
)
SIGHTINGS = 3
"""So often must a permanent redirect be seen before the feed is asked for at its new address."""
WHEREABOUTS = ("at", "moved_to", "seen")
"""What is remembered of where a feed is."""
_MOST_TRIED = 8
_BUSY = (429, 503)
_EMPTY = "see what a browser shows there; some servers have nothing for agents that they do not know: set user_agent"


class Whereabouts(NamedTuple):
    """Where a feed is, as far as it is not at its configured address, and where it says that it moved to."""

    at: str = ""
    moved_to: str = ""
    seen: int = 0

    @classmethod
    def from_json(cls, known: Mapping[str, Any]) -> Whereabouts:
        return cls(**{name: known[name] for name in WHEREABOUTS if name in known})

    def as_json(self) -> dict[str, Any]:
        return {name: value for name in WHEREABOUTS if (value := getattr(self, name))}


class Asking(Struct, frozen=True, kw_only=True):
    """How a feed is asked for. ``secrets`` go to the origin of ``url`` alone; ``until`` is of the monotonic clock.

    ``digest`` is of the body that was read last. ``look`` tells from an answer, at little cost, what is new since.
    """

    url: str
    secrets: Mapping[str, str]
    allow_private: tuple[str, ...]
    verify_tls: bool
    max_bytes: int | None
    digest: str
    fetcher: Fetcher
    now: datetime
    until: float
    look: Callable[[Response], Seen | None]


class Asked(NamedTuple):
    """The feed's answer (200, 203, 226 or 304), where it is by now, and what to tell of that.

    ``text`` is its body, decoded, None where that is the one that was read last, or where ``seen`` is all that is new
    in it; ``digest`` is of the body.
    """

    response: Response
    whereabouts: Whereabouts
    notes: tuple[str, ...] = ()
    digest: str = ""
    text: str | None = None
    seen: Seen | None = None


def ask(asking: Asking, known: Whereabouts, validators: Validators) -> Asked:
    """Ask for the feed where it was last, else at its own address. Raises SourceError where it is at neither."""
    if known.at:
        try:
            return _asked(asking, known.at, known, validators)
        except SourceError as error:
            if error.not_before is not None or error.status in _BUSY:  # it is there, and wants to be left alone
                raise
            known, validators = Whereabouts(), Validators()
    return _asked(asking, asking.url, known, validators)


def digest_of(body: bytes) -> str:
    """What a body is known by at the next poll."""
    return sha256(body).hexdigest()


def origin(url: str) -> tuple[str, str]:
    """Scheme and host with its port, to which secrets belong."""
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.rpartition("@")[2].lower()


def shown(url: str) -> str:
    """An address as it may be told: without user, password and query, which may be secret."""
    parts = urlsplit(url)
    if not parts.hostname:
        return ""
    query = "?..." if parts.query else ""
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}{query}"


def without_credentials(url: str) -> tuple[str, dict[str, str]]:
    """The address without "user:password@", and the header that says the same (RFC 7617)."""
    if "@" not in url:
        return url, {}
    parts = urlsplit(url)
    user, at, place = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    encoded = base64.b64encode(unquote(user).encode()).decode()
    return parts._replace(netloc=place).geturl(), {"Authorization": f"Basic {encoded}"}


def _asked(asking: Asking, url: str, known: Whereabouts, validators: Validators) -> Asked:
    response = _send(asking, url, validators)
    if response.status == 304:
        if validators == Validators():
            raise _refusal(response)
        found = _moved(known, response.moved_to)
        return Asked(response, found, _told(asking, found))
    if response.status not in (200, 203, 226):
        raise _refusal(response)
    if not response.body.strip():
        raise SourceError("the answer was empty", _EMPTY)
    digest, found = digest_of(response.body), _moved(known, response.moved_to)
    if digest == asking.digest and response.status != 226:
        return Asked(response, found, _told(asking, found), digest)
    if seen := asking.look(response):
        return Asked(response, found, _told(asking, found), digest, seen=seen)
    text = _text(response)
    if _is_web_page(text):
        return _discovered(asking, response, text)
    return Asked(response, found, _told(asking, found), digest, text)


def _send(asking: Asking, url: str, validators: Validators) -> Response:
    left = asking.until - monotonic()
    if left <= 0:
        raise SourceError("there was no time left to ask for the feed")
    own = url == asking.url or origin(url) == origin(asking.url)
    # A server that knows RFC 3229 answers with the entries alone that we lack.
    instances = {"A-IM": "feed"} if validators.etag else {}
    request = Request(
        url=url,
        headers={"Accept": ACCEPT, **instances},
        secret_headers=asking.secrets if own else {},
        validators=validators,
        allow_private=asking.allow_private,
        verify_tls=asking.verify_tls,
        timeout=left,
        max_bytes=asking.max_bytes,
    )
    try:
        return asking.fetcher.send(request, asking.now)
    except HttpError as error:
        raise SourceError(error.message, error.hint) from error


def _discovered(asking: Asking, page: Response, text: str) -> Asked:
    """Look for the feed of a web page: where it says, then where feeds usually are."""
    from feedbot.sources.feed.discover import candidates  # brings lxml along, which most polls do not need

    named = [one for one in candidates(text, page.url, page.headers) if origin(one.url)[0] >= origin(page.url)[0]]
    for candidate, response, found in _tried(named[:_MOST_TRIED], lambda url: _send(asking, url, Validators())):
        note = f"this is a web page; its feed is at {_public(asking, candidate.url)}"
        return Asked(response, Whereabouts(at=candidate.url), (note,), digest_of(response.body), found)
    stated = ", ".join(_public(asking, one.url) for one in named if one.stated)
    hint = (
        f"of the feeds that it names none can be read: {stated}"
        if stated
        else "it names no feed; give the address of one"
    )
    raise SourceError("this is a web page, not a feed", hint)


def _tried(found: Sequence[Candidate], send: Callable[[str], Response]) -> Iterator[tuple[Candidate, Response, str]]:
    """Those that are feeds. Raises SourceError where one that the page names is there, but not just now."""
    from feedbot.sources.feed.webpage import is_feed

    for candidate in found:
        try:
            response = send(candidate.url)
        except SourceError:
            continue
        if candidate.stated and (response.status == 429 or response.status >= 500):
            raise _refusal(response)
        text = _text(response)
        if response.status == 200 and is_feed(text):
            yield candidate, response, text


# What reads bodies is imported where one is read, as most polls bring none that is new.


def _text(response: Response) -> str:
    from feedbot.sources.feed.decode import decode

    return decode(response.body, response.headers.get("content-type", ""))


def _is_web_page(text: str) -> bool:
    from feedbot.sources.feed.webpage import is_web_page

    return is_web_page(text)


def _moved(known: Whereabouts, moved_to: str) -> Whereabouts:
    if not moved_to:
        return known._replace(moved_to="", seen=0) if known.moved_to else known
    seen = known.seen + 1 if moved_to == known.moved_to else 1
    if seen < SIGHTINGS:
        return known._replace(moved_to=moved_to, seen=seen)
    return Whereabouts(at=moved_to)


def _told(asking: Asking, found: Whereabouts) -> tuple[str, ...]:
    if found.moved_to:
        return (f"moved permanently to {_public(asking, found.moved_to)}; change the url",)
    if found.at:
        return (f"asked for at {_public(asking, found.at)}; change the url",)
    return ()


def _public(asking: Asking, url: str) -> str:
    """An address to tell: whole, unless the configured one has a query, whose secrets it may have inherited."""
    return shown(url) if urlsplit(asking.url).query else url


def _refusal(response: Response) -> SourceError:
    error = _explained(response)
    error.status = response.status
    return error


def _explained(response: Response) -> SourceError:
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
        when = "this passes by itself, as a rule" if at is None else f"it is asked again after {at:%Y-%m-%d %H:%M} UTC"
        return SourceError(f"the server {what} ({status})", when, not_before=at)
    if status == 204:
        return SourceError("the answer was empty (204)", _EMPTY, not_before=at)
    if status == 304:
        return SourceError("the server says not modified (304), though it was not asked that", not_before=at)
    if status >= 500:
        hint = "its owner has to mend that, if a browser shows the same"
        return SourceError(f"the server has a fault ({status})", hint, not_before=at)
    hint = "see what a browser shows there; it may want other headers, or a user_agent that it knows"
    return SourceError(f"the server answered in a way that is of no use ({status})", hint, not_before=at)
