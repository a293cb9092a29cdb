"""What reading a feed's body gives, whichever format it was in."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from feedbot.core.text import one_line, shorten, storable
from feedbot.model import Item

MAX_ENTRIES = 5_000
MAX_CONTENT = 1_000_000
MAX_TAGS = 64
MAX_ENCLOSURES = 16
MAX_TITLE = 10_000
TOO_MANY = f"no more than {MAX_ENTRIES} entries are read"

_EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_LATEST = timedelta(days=2)
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}([-_][A-Za-z0-9]{1,8})*")


class Parsed(Struct, frozen=True, kw_only=True):
    """A feed as read. The items' ``id`` is what the feed calls them, "" where it does not.

    ``cut`` tells how the body ended too early, "" where it did not; what stands in it was read. ``unchanged``:
    nothing is new since the last reading. ``standing``: keys of entries that did not change and were not read
    again. ``memory`` is what the next reading wants to know of this one, as JSON has it. ``strict``: it was read
    as XML, and not guessed at.
    """

    items: tuple[Item, ...] = ()
    title: str = ""
    link: str = ""
    notes: tuple[str, ...] = ()
    cut: str = ""
    unchanged: bool = False
    standing: frozenset[str] = frozenset()
    memory: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False


def bounded(item: Item) -> tuple[Item, str]:
    """The item within the limits, and what was left out for it ("" where nothing was)."""
    over = [
        name
        for name, size, limit in (
            ("content", max(len(item.content), len(item.summary)), MAX_CONTENT),
            ("tags", len(item.tags), MAX_TAGS),
            ("enclosures", len(item.enclosures), MAX_ENCLOSURES),
            ("title", len(item.title), MAX_TITLE),
        )
        if size > limit
    ]
    if not over:
        return item, ""
    name = one_line(shorten(item.title or item.id or item.url, 60))
    capped = replace(
        item,
        title=shorten(item.title, MAX_TITLE),
        content=item.content[:MAX_CONTENT],
        summary=item.summary[:MAX_CONTENT],
        tags=item.tags[:MAX_TAGS],
        enclosures=item.enclosures[:MAX_ENCLOSURES],
    )
    return capped, f"cut down to size: {' and '.join(over)} of {name!r}"


def within_limits(items: list[Item]) -> tuple[tuple[Item, ...], tuple[str, ...]]:
    """All items within the limits, with a note for the first few that were cut down."""
    results = [bounded(item) for item in items[:MAX_ENTRIES]]
    notes = [note for _, note in results if note]
    more = [f"and {len(notes) - 3} more entries were cut down to size"] if len(notes) > 3 else []
    return tuple(item for item, _ in results), (*notes[:3], *more)


def plausible(moment: datetime | None, now: datetime) -> datetime | None:
    """A date an entry may have: from 1990 on, and not ahead of ``now`` but for what clocks and zones are wrong by.

    What a feed shows is out. Dated ahead, an entry would stand above all others until then.
    """
    return moment if moment is not None and _EARLIEST <= moment <= now + _LATEST else None


def plain_title(title: str) -> str:
    """A title that is text, without the references of HTML that many write into it all the same."""
    return one_line(_ENTITY.sub(lambda match: html.unescape(match[0]), title) if "&" in title else title)


def language_tag(value: object) -> str:
    """A language tag in the form of RFC 5646, "" for anything else."""
    text = value.strip() if isinstance(value, str) and len(value) < 100 else ""
    return text.replace("_", "-") if _LANGUAGE.fullmatch(text) else ""


def length_in_bytes(value: object) -> int | None:
    """A file's size; None for what is no number, or none that a file could have."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:19])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 < value < 2**63 else None


def texts(values: Mapping[str, object]) -> dict[str, str]:
    """The values that are text and say something, each as one line."""
    lines = {key: one_line(value) for key, value in values.items() if isinstance(value, str)}
    return {key: line for key, line in lines.items() if line}


def identifier(value: object) -> str:
    """An id as it came, without white space around it and characters that cannot be kept."""
    return storable(value).strip() if isinstance(value, str) else ""
