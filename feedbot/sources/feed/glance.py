"""Tells at a glance that every entry of a document was there at its last reading, as it is now.

To survey a document is to walk through each of its elements. Here entries are found by the letters of their tags and
recognised by their bytes. In the place of each an empty element is put, and what is left, which is small, is surveyed:
where that finds an entry in each of those places, and the frame as it was, nothing is new. Else nothing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from feedbot.sources.feed.parsed import Parsed
from feedbot.sources.feed.parts import Parts, changed, digest_of, frame_of, known_entries
from feedbot.sources.feed.survey import survey

_NAMES = (b"item", b"entry")
_BEHIND_A_NAME = b" \t\r\n>"


def unchanged(data: bytes, url: str, memory: Mapping[str, Any]) -> Parsed | None:
    """What is to be remembered of a document without a new entry, whose last reading left ``memory``; else None.

    ``data`` is UTF-8 without a declaration. Raises SourceError where its frame is made to be slow.
    """
    known = known_entries(memory)
    entries: list[str] = []
    marks: list[tuple[int, int]] = []
    pieces: list[bytes] = []
    length = at = 0
    for name, start, end in _entries(data) if known else ():
        digest = digest_of(data[start:end])
        if digest not in known:
            return None
        mark = b"<%b/>" % name
        pieces += (data[at:start], mark)
        length += start - at
        marks.append((length, length + len(mark)))
        length += len(mark)
        entries.append(digest)
        at = end
    if not entries:
        return None
    left = b"".join((*pieces, data[at:]))
    outline = survey(left).outline
    if outline is None or outline.entries != tuple(marks):
        return None
    return changed(Parts(frame_of(left, outline, url), tuple(entries)), memory, lambda _known: None)


def _entries(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """What looks like an entry: the name of its element, where it starts, and where what follows it does."""
    for name in _NAMES:
        opening, closing = b"<" + name, b"</%b>" % name
        start = data.find(opening)
        while start >= 0:
            end = data.find(closing, start)
            if end < 0:
                break
            if data[start + len(opening)] in _BEHIND_A_NAME:
                end += len(closing)
                yield name, start, end
                start = data.find(opening, end)
            else:
                start = data.find(opening, start + 1)
