"""Finds what changed in a document without walking through what did not.

To survey a document is to walk through each of its elements. Here entries are found by the letters of their tags and
recognised by their bytes. In the place of those that are known an empty element is put, and what is left, which is
small, is surveyed: where that finds an entry in each of those places, and every other where its letters are, what is
left is all that has to be read. Else nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import NamedTuple

from feedbot.sources.feed.decode import readable_xml
from feedbot.sources.feed.parsed import MAX_ENTRIES
from feedbot.sources.feed.parts import Parts, digest_of, frame_of
from feedbot.sources.feed.survey import Survey, survey

_NAMES = (b"item", b"entry")
_BEHIND_A_NAME = (b" ", b"\t", b"\r", b"\n", b">")
_MOST_LETTERS = 4_000_000  # of a document, which takes a tenth of a second to look at
UNWATCHED = 512_000
MOST_TAGS = 20_000
"""Bytes and tags up to which what is read of a document without anything suspicious takes a second at most, as a rule
0.1."""


class Glanced(NamedTuple):
    """What is left of a document without its known entries: as text, surveyed, and in parts as the whole has them."""

    text: str
    survey: Survey
    parts: Parts


def glance(data: bytes, url: str, known: Set[str]) -> Glanced | None:
    """Look at a document that came from ``url``, of whose entries some are ``known`` by their digests.

    ``data`` has no declaration, and is UTF-8 that may have been read as something else: what is left of it is looked
    into. Raises SourceError where that is made to be slow.
    """
    marked = _marked(data, known) if known and len(data) <= _MOST_LETTERS else None
    if marked is None or len(marked.left) > UNWATCHED or marked.left.count(b"<") > MOST_TAGS:
        return None
    try:
        text = marked.left.decode()
    except UnicodeDecodeError:
        return None
    if readable_xml(text) != (text, 0):
        return None
    found = survey(marked.left)
    shown = tuple((start, end) for start, end in marked.places if start < end)
    if found.outline is None or found.outline.entries != shown:
        return None
    frame = frame_of(marked.left, found.outline, url)
    return Glanced(text, found, Parts(frame, tuple(marked.digests), tuple(marked.places)))


class _Marked(NamedTuple):
    """A document with marks for its known entries; the digests of all entries, and where each stands in it.

    One mark stands for all that follow each other: those behind the first have an empty place.
    """

    left: bytes
    digests: list[str]
    places: list[tuple[int, int]]


def _marked(data: bytes, known: Set[str]) -> _Marked | None:
    """Put marks in the place of known entries; None where none is known, or what looks like entries is none."""
    digests: list[str] = []
    places: list[tuple[int, int]] = []
    pieces: list[bytes] = []
    length = at = 0
    last = b""  # the name in the mark that was put before, if one was
    for name, start, end in _entries(data):
        if start < at or len(digests) == MAX_ENTRIES:
            return None
        entry, between = data[start:end], data[at:start]
        digests.append(digest_of(entry))
        at = end
        if digests[-1] in known:
            if last == name and not between.strip():
                places.append((length, length))
                continue
            last, entry = name, b"<%b/>" % name
        else:
            last = b""
        pieces += (between, entry)
        length += len(between) + len(entry)
        places.append((length - len(entry), length))
    if known.isdisjoint(digests):
        return None
    return _Marked(b"".join((*pieces, data[at:])), digests, places)


def _entries(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """What looks like an entry: the name of its element, where it starts, and where what follows it does."""
    for name in _NAMES:
        opening, closing = b"<" + name, b"</%b>" % name
        start = data.find(opening)
        while start >= 0:
            behind = start + len(opening)
            if data[behind : behind + 1] in _BEHIND_A_NAME:
                # Looked for behind what is an entry alone: so no part of the document is gone over twice.
                end = data.find(closing, behind)
                if end < 0:
                    break
                behind = end + len(closing)
                yield name, start, behind
            start = data.find(opening, behind)
