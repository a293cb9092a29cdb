"""Recognises the entries of a feed that were there, the same as now, when it was last read.

What is remembered of a feed is a digest of its frame (all that is no entry, but for what is stamped anew into
every answer), and for each entry a digest of its bytes with what names it.
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Collection, Iterable, Mapping, Set
from hashlib import blake2b, sha256
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from feedbot.core.identity import normalised
from feedbot.model import Item
from feedbot.sources.feed.parsed import Parsed
from feedbot.sources.feed.survey import Outline, Ranges

_MOST_REMEMBERED = 500_000
"""Letters of ids. Nobody has entries with more; and they are stored with every poll."""
_ENTRIES_HERE = b"\0"
_UNSHARED = 2047
"""Of more bytes hashlib hands the interpreter to other threads meanwhile, which costs more than to digest an entry."""


class Parts(Struct, frozen=True):
    """A document in parts: digests of its frame, and of each entry in order."""

    frame: str
    entries: tuple[str, ...]
    ranges: Ranges = ()


class Name(Struct, frozen=True):
    """What names an entry in a document beside its bytes: its id or else its link; and a digest of its link."""

    id: str
    link: str


class Remembered(Struct, frozen=True):
    """A document as it was last read: its frame, and its entries by their digest.

    ``names`` is None unless each entry has a name of its own, so that what is said of it does not depend on the
    others, nor on their order.
    """

    frame: str
    entries: tuple[str, ...]
    names: Mapping[str, Name] | None


def divided(data: bytes, outline: Outline, url: str) -> Parts:
    """The parts of a document that came from ``url``, which relative addresses in it are read against."""
    entries = tuple(digest_of(data[start:end]) for start, end in outline.entries)
    return Parts(frame_of(data, outline, url), entries, outline.entries)


def frame_of(data: bytes, outline: Outline, url: str) -> str:
    """What the frame of a document is recognised by: all that is no entry and not stamped anew into every answer.

    Where in it entries stand counts, not how many: what is said before them, or around them, may be said of them.
    """
    frame: list[bytes] = []
    entries, at = set(outline.entries), 0
    for place in sorted((*outline.entries, *outline.volatile)):
        if piece := data[at : place[0]].strip():
            frame.append(piece)
        if place in entries and frame[-1:] != [_ENTRIES_HERE]:
            frame.append(_ENTRIES_HERE)
        at = place[1]
    return _digest(url.encode("utf-8", "replace"), b"\0", *frame, data[at:].strip())


def digest_of(entry: bytes) -> str:
    """What an entry is recognised by."""
    return _digest(entry)


def known_entries(memory: Mapping[str, Any]) -> Set[str]:
    """The digests of the entries that were there at the last reading."""
    entries = memory.get("entries")
    return entries.keys() if isinstance(entries, dict) else frozenset(entries if isinstance(entries, list) else ())


def separate(frame: bytes, entries: Iterable[bytes], url: str) -> Parts:
    """The parts of a document that came in parts from ``url``."""
    return Parts(_digest(url.encode("utf-8", "replace"), b"\0", frame), tuple(map(digest_of, entries)))


def without(data: bytes, parts: Parts, known: Collection[str]) -> bytes:
    """The document without the entries that are known."""
    kept: list[bytes] = []
    at = 0
    for digest, (start, end) in zip(parts.entries, parts.ranges, strict=True):
        if digest in known:
            kept.append(data[at:start])
            at = end
    return b"".join([*kept, data[at:]])


def named(items: Iterable[Item]) -> list[Name | None]:
    """What names each item as it came; None for one without id and link, which only its text tells from others."""
    return [
        Name(item.id or item.url, _short(normalised(item.url) or item.url) if item.url else "")
        if item.id or item.url
        else None
        for item in items
    ]


def remembering(frame: str, names: Mapping[str, Name | None]) -> Remembered:
    """What to remember of a document whose entries, by their digest, have these names; equal ones count once."""
    there = {digest: name for digest, name in names.items() if name is not None}
    usable = len(there) == len(names) and _distinct(there.values())
    if not usable or sum(len(name.id) for name in there.values()) > _MOST_REMEMBERED:
        return Remembered(frame, tuple(names), None)
    return Remembered(frame, tuple(names), there)


def changed(
    parts: Parts, memory: Mapping[str, Any], read_without: Callable[[Collection[str]], Parsed | None]
) -> Parsed | None:
    """What is new in a document, of whose last reading ``memory`` was left; None where only the whole tells.

    ``read_without`` reads the document without the entries that are known, given by their digests; None where that
    cannot be trusted.

    An id or link that entries share names none of them, so what one is called, and which of several states
    of it counts, may depend on the others. That is so only where names are shared: if they are, among the entries
    as they were or as they are, the whole is read.
    """
    before = from_json(memory)
    if before is None or parts.frame != before.frame:
        return None
    digests = tuple(dict.fromkeys(parts.entries))
    if before.names is None:
        return Parsed(unchanged=True, memory=memory) if digests == before.entries else None
    known = {digest: before.names[digest] for digest in digests if digest in before.names}
    if len(known) == len(digests):
        same = digests == before.entries
        return Parsed(unchanged=True, memory=memory if same else to_json(Remembered(parts.frame, digests, known)))
    parsed = read_without(known) if known else None
    new = [digest for digest in parts.entries if digest not in known]
    if parsed is None or len(parsed.items) != len(new):
        return None
    after = remembering(parts.frame, {**known, **dict(zip(new, named(parsed.items), strict=True))})
    if after.names is None:
        return None
    standing = frozenset(f"id:{name.id}" for name in known.values())
    return replace(parsed, standing=standing, memory=to_json(after))


def memory_of(parts: Parts, items: Iterable[Item], *, by_id: bool) -> dict[str, Any]:
    """What to remember, as JSON has it, of a document whose entries were all read as these items.

    ``by_id``: they are named by their id, else their link. By other rules an entry's name depends on what else is
    in the document.
    """
    names = dict(zip(parts.entries, named(items), strict=True))
    return to_json(remembering(parts.frame, names if by_id else dict.fromkeys(names)))


def to_json(remembered: Remembered) -> dict[str, Any]:
    """What is remembered, as JSON has it."""
    if remembered.names is None:
        return {"frame": remembered.frame, "entries": list(remembered.entries)}
    named_entries = {digest: [name.id, name.link] for digest, name in remembered.names.items()}
    return {"frame": remembered.frame, "entries": named_entries}


def from_json(memory: Mapping[str, Any]) -> Remembered | None:
    """What was remembered; None where nothing was, or it was written by another version."""
    frame, entries = memory.get("frame"), memory.get("entries")
    if not isinstance(frame, str) or not isinstance(entries, dict | list):
        return None
    if isinstance(entries, list):
        return Remembered(frame, tuple(entries), None)
    names: dict[str, Name] = {}
    for digest, name in entries.items():
        match name:
            case [str(identity), str(link)]:
                names[digest] = Name(identity, link)
            case _:
                return None
    return Remembered(frame, tuple(names), names)


def _distinct(names: Iterable[Name]) -> bool:
    """Whether no two entries share an id or link, in any of the forms by which entries are found again."""
    taken: set[str] = set()
    for name in names:
        address = normalised(name.id)
        own = {f"id:{name.id}", name.link, _short(address) if address else ""} - {""}
        if not taken.isdisjoint(own):
            return False
        taken |= own
    return True


def _digest(*pieces: bytes) -> str:
    digest = sha256()
    for piece in pieces:
        for start in range(0, len(piece), _UNSHARED):
            digest.update(piece[start : start + _UNSHARED])
    return _text(digest.digest()[:16])


def _short(address: str) -> str:
    return _text(blake2b(address.encode("utf-8", "replace"), digest_size=8).digest())


def _text(digest: bytes) -> str:
    return b2a_base64(digest, newline=False).rstrip(b"=").decode()
