"""Decides which entries go into which pages of a feed: its window, its parts by tag or author, its archive."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import NamedTuple

from feedbot.core.text import slug

ARCHIVE_SIZE = 50
"""Entries on an archive page. Part of what was published: pages of another size would all be other pages."""

MAX_PARTS = 1000
"""Parts that a feed is split into: a source with a tag of its own for each entry must not fill the disk."""

_MAX_WITHDRAWN = 50
_SEPARATORS = re.compile(r"[\s_.-]+")
_PLAIN = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")

Limit = int | timedelta


class Head(NamedTuple):
    """As much of a stored entry as choosing takes. ``sort_at``: when it was published, else first seen."""

    pk: int
    id: str
    source: str
    revision: int
    sort_at: datetime
    withdrawn_at: datetime | None = None
    tags: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()


class Selection(NamedTuple):
    """Entries of one page, newest first, and those that were taken away from among them."""

    entries: tuple[Head, ...] = ()
    withdrawn: tuple[Head, ...] = ()


class Part(NamedTuple):
    """What a feed has of one tag, author, year or source. ``slug`` names its files, ``label`` is for people."""

    slug: str
    label: str
    heads: tuple[Head, ...] = ()


class Archive(NamedTuple):
    """All there ever was, in pages of a fixed size from the oldest on, and what fills no page yet."""

    pages: tuple[Selection, ...] = ()
    rest: Selection = Selection()


def window(heads: Iterable[Head], limit: Limit) -> Selection:
    """The newest entries as far as the limit goes; ``heads`` come newest first, and no more of them are read.

    An entry that several sources have is taken once. A limit by age counts back from the newest entry, not from
    today, so that the same entries make the same feed on any day, and a blog that falls silent keeps its feed.
    """
    chosen: dict[str, Head] = {}
    gone: dict[str, Head] = {}
    newest: datetime | None = None
    for head in heads:
        if isinstance(limit, timedelta) and newest is not None and newest - head.sort_at > limit:
            break
        if head.withdrawn_at is not None:
            if len(gone) < _MAX_WITHDRAWN:
                gone.setdefault(head.id, head)
            continue
        newest = newest or head.sort_at
        chosen.setdefault(head.id, head)
        if len(chosen) == limit:
            break
    return Selection(tuple(chosen.values()), tuple(head for head in gone.values() if head.id not in chosen))


def parts(heads: Sequence[Head], by: str, kept: Iterable[str] = ()) -> list[Part]:
    """The feed's entries by "tag", "author", "year" or "source", in the order of the slugs.

    Spellings that differ in case, accents or separators alone are one part, called as most entries do. Parts that
    are ``kept`` (by slug) are there even if empty, since somebody may subscribe to them; of the others no more than
    ``MAX_PARTS``, those with the most entries.
    """
    found: dict[str, dict[int, Head]] = {}
    spellings: dict[str, Counter[str]] = {}
    for head in heads:
        for label in _labels(head, by):
            name = part_slug(label, by)
            found.setdefault(name, {})[head.pk] = head
            spellings.setdefault(name, Counter())[label] += 1
    former = set(kept)
    ranked = sorted(found, key=lambda name: (name not in former, -len(found[name]), name))[:MAX_PARTS]
    return [
        Part(name, _usual(spellings[name]) if name in spellings else name, tuple(found.get(name, {}).values()))
        for name in sorted({*ranked, *former})
    ]


def part_slug(label: str, by: str) -> str:
    """The name of a part's files: the same whatever other parts there are, and never that of another part.

    A label that a slug tells whole, but for case, accents and separators, has that slug; another one (C++, 日本語)
    has a digest at its end.
    """
    decomposed = unicodedata.normalize("NFKD", label)
    folded = "".join(letter for letter in decomposed if not unicodedata.combining(letter)).casefold()
    short = slug(folded, by)
    if _SEPARATORS.sub("-", folded) == short and _PLAIN.fullmatch(short) and short != "index":
        return short
    digest = blake2b(unicodedata.normalize("NFKC", label).casefold().encode("utf-8", "replace"), digest_size=4)
    return f"{short[:60].rstrip('-')}-{digest.hexdigest()}"


def archive(heads: Iterable[Head], size: int = ARCHIVE_SIZE) -> Archive:
    """Entries in the order they arrived in, in pages that are full and so never gain another entry.

    Arrival and not the date decides: a post that is dated back would push every later one onto another page. One
    that is withdrawn leaves its place empty.
    """
    places: dict[str, Head] = {}
    for head in sorted(heads, key=lambda one: one.pk):
        there = places.get(head.id)
        if there is None or (there.withdrawn_at is not None and head.withdrawn_at is None):
            places[head.id] = head  # which keeps the place of the first one that had this id
    ordered = list(places.values())
    full = len(ordered) // size * size
    pages = tuple(_page(ordered[start : start + size]) for start in range(0, full, size))
    return Archive(pages, _page(ordered[full:]))


def together(first: Selection, second: Selection) -> Selection:
    """Both selections as one."""
    taken = {head.id: head for head in (*second.entries, *first.entries)}
    gone = {head.id: head for head in (*second.withdrawn, *first.withdrawn) if head.id not in taken}
    return Selection(tuple(sorted(taken.values(), key=_newest_first)), tuple(sorted(gone.values(), key=_newest_first)))


def _page(heads: Sequence[Head]) -> Selection:
    ordered = sorted(heads, key=_newest_first)
    return Selection(
        tuple(head for head in ordered if head.withdrawn_at is None),
        tuple(head for head in ordered if head.withdrawn_at is not None),
    )


def _newest_first(head: Head) -> tuple[float, str, int]:
    return (-head.sort_at.timestamp(), head.id, head.pk)


def _labels(head: Head, by: str) -> Iterator[str]:
    if by == "tag":
        yield from (" ".join(tag.split()) for tag in head.tags if tag.strip())
    elif by == "author":
        yield from (" ".join(name.split()) for name in head.authors if name.strip())
    elif by == "year":
        yield f"{head.sort_at.year:04}"
    else:
        yield head.source


def _usual(spellings: Counter[str]) -> str:
    return min(spellings, key=lambda label: (-spellings[label], label))
