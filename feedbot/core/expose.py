"""An entry as filters, templates and JSON see it: the names of the contract over plain values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any

from feedbot.core.dates import rfc3339
from feedbot.model import Entry

NAMES = frozenset(
    "id source url title authors author published updated first_seen tags summary content language enclosures "
    "image aliases extra change revision diff".split()
)

_MAX_BITS = 10_000  # Python refuses to write integers of more than 4300 digits


def exposed(entry: Entry, change: str = "", diff: str = "") -> dict[str, Any]:
    """Give an entry's values under their public names.

    Times are RFC 3339 texts in UTC, which compare as texts do ("published >= '2026'"), or None.
    ``author`` is the names of all authors in one text.
    """
    return {
        "id": entry.id,
        "source": entry.source,
        "url": entry.url,
        "title": entry.title,
        "authors": [{"name": a.name, "url": a.url, "email": a.email} for a in entry.authors],
        "author": ", ".join(a.name for a in entry.authors if a.name),
        "published": _time(entry.published),
        "updated": _time(entry.updated),
        "first_seen": rfc3339(entry.first_seen),
        "tags": list(entry.tags),
        "summary": entry.summary,
        "content": entry.content,
        "language": entry.language,
        "enclosures": [{"url": e.url, "type": e.type, "length": e.length} for e in entry.enclosures],
        "image": entry.image,
        "aliases": list(entry.aliases),
        "extra": plain(entry.extra),
        "change": change,
        "revision": entry.revision,
        "diff": diff,
    }


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)


def plain(value: Any) -> Any:
    """Any value as JSON has it: mappings, lists, texts, finite numbers, true, false and null."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, float) and not isfinite(value):
        return None
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        return hex(value)
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
