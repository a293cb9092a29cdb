"""What of a file a request gets: which representation, which encoding, and whether any at all (RFC 9110)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

_ETAG = re.compile(r'(?:W/)?"[^"]*"')


def quality(accept: str, media_type: str) -> float:
    """How much a client wants a media type, 0 to 1 (RFC 9110, 12.5.1); no header wants everything alike."""
    if not accept.strip():
        return 1.0
    kind = media_type.partition("/")[0]
    best, weight = -1, 0.0
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        rank = {"*/*": 0, f"{kind}/*": 1, media_type: 2}.get(name, -1)
        if rank > best:
            best, weight = rank, _weight(parameters)
    return weight


def is_browser(accept: str) -> bool:
    """Whether a person's browser asks, which names HTML before anything; readers of feeds name XML, JSON or all."""
    return "text/html" in accept.lower() and quality(accept, "text/html") > quality(accept, "application/atom+xml")


def takes(given: str, *names: str) -> bool:
    """Whether a client takes something, by a list such as that of Accept-Encoding; the first name there decides."""
    weights: dict[str, float] = {}
    for part in given.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weights.setdefault(name, _weight(parameters))
    return next((weights[name] for name in names if name in weights), 0.0) > 0


def has_it(etags: Sequence[str], modified: datetime, if_none_match: str | None, if_modified_since: str | None) -> bool:
    """Whether a client has one of the representations with these strong ETags already (RFC 9110, 13.2.2)."""
    if if_none_match is not None:
        if if_none_match.strip() == "*":
            return True
        given = {tag.removeprefix("W/") for tag in _ETAG.findall(if_none_match)}
        return not given.isdisjoint(etags)
    if if_modified_since is None:
        return False
    try:
        since = parsedate_to_datetime(if_modified_since)
    except (ValueError, OverflowError):
        return False
    return modified.replace(microsecond=0) <= (since if since.tzinfo else since.replace(tzinfo=UTC))


def etags_of(if_none_match: str | None) -> tuple[str, ...]:
    """The ETags that a client names, each with its quotes."""
    return tuple(tag.removeprefix("W/") for tag in _ETAG.findall(if_none_match or ""))


def http_date(moment: datetime) -> str:
    """A moment as HTTP writes it."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True)


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
