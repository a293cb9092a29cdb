"""Reads an XML feed: only what changed in it where that can be told, else the whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from feedbot.errors import SourceError
from feedbot.sources.feed.decode import readable_xml
from feedbot.sources.feed.glance import MOST_TAGS, UNWATCHED, glance
from feedbot.sources.feed.parse import parse
from feedbot.sources.feed.parsed import TOO_MANY, Parsed
from feedbot.sources.feed.parts import Parts, changed, divided, known_entries, memory_of, without
from feedbot.sources.feed.survey import Survey, survey


class Task(Struct, frozen=True, kw_only=True):
    """A document to read: its text, the address it came from, and what the last reading left (as JSON has it).

    ``by_id``: entries are named by their id, else their link, so that the names of those which did not change
    are known.
    """

    text: str
    url: str
    now: datetime
    memory: Mapping[str, Any] = field(default_factory=dict)
    by_id: bool = True


def read(task: Task, *, watched: bool) -> Parsed | None:
    """Read a document. Raises SourceError where it is no feed.

    Unless it is ``watched``, gives None for one that may take long: it is suspicious, broken, or large.
    """
    body, lines_before = readable_xml(task.text)
    found = survey(body.encode())
    parts = divided(found.part, found.outline, task.url) if found.outline else None
    new = changed(parts, task.memory, _rest(found, parts, task.url, task.now, watched=watched)) if parts else None
    if new:
        return new
    if not watched and not _is_harmless(found, found.part):
        return None
    parsed = parse(found.part, task.url, task.now, half=found.half)
    where = f"line {found.line + lines_before}: {found.fault}"
    if parsed is None:
        why = f" ({where})" if found.fault else ""
        raise SourceError(f"this is no feed that feedbot can read{why}", "RSS, Atom and JSON Feed are")
    if parts and parsed.strict and len(parsed.items) == len(parts.entries):
        return replace(parsed, memory=memory_of(parts, parsed.items, by_id=task.by_id))
    return replace(parsed, notes=(*parsed.notes, *_notes(found, where)), cut=_cut(found, where))


def look(data: bytes, url: str, now: datetime, memory: Mapping[str, Any]) -> tuple[Parsed, str] | None:
    """Read what is new in a document, of whose last reading ``memory`` was left, without looking into all of it.

    Gives that and the text that it was found in, of which the head is the document's; None where only more than a
    glance at it tells. ``data`` is as ``glance`` takes it. Raises SourceError where it is made to be slow.
    """
    seen = glance(data, url, known_entries(memory))
    if seen is None:
        return None
    new = changed(seen.parts, memory, _rest(seen.survey, seen.parts, url, now, watched=False))
    return None if new is None else (new, seen.text)


def _rest(
    found: Survey, parts: Parts, url: str, now: datetime, *, watched: bool
) -> Callable[[Collection[str]], Parsed | None]:
    """Reads the document without the entries that are known, if it may be read here."""

    def read_without(known: Collection[str]) -> Parsed | None:
        rest = without(found.part, parts, known)
        parsed = parse(rest, url, now) if watched or _is_harmless(found, rest) else None
        return parsed if parsed and parsed.strict else None

    return read_without


def _is_harmless(found: Survey, data: bytes) -> bool:
    broken = found.fault and not found.truncated
    return not (found.suspicious or broken or len(data) > UNWATCHED or data.count(b"<") > MOST_TAGS)


def _notes(found: Survey, where: str) -> tuple[str, ...]:
    if found.crowded:
        return (TOO_MANY,)
    return (f"not well-formed ({where}), read all the same",) if found.fault and not found.truncated else ()


def _cut(found: Survey, where: str) -> str:
    return f"cut off ({where})" if found.truncated else ""
