"""Reads an XML feed: only what changed in it where that can be told, else the whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from feedbot.errors import SourceError
from feedbot.sources.feed.decode import readable_xml
from feedbot.sources.feed.parse import parse
from feedbot.sources.feed.parsed import TOO_MANY, Parsed
from feedbot.sources.feed.parts import Parts, Remembered, divided, from_json, named, remembering, to_json, without
from feedbot.sources.feed.survey import Survey, survey

UNWATCHED = 512_000
MOST_TAGS = 20_000
"""Bytes and tags up to which a document without anything suspicious takes a second at most, as a rule 0.1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
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
    before = from_json(task.memory)
    if parts and before and parts.frame == before.frame:
        changed = _changed(found, parts, before, task, watched=watched)
        if changed:
            return changed
    if not watched and not _is_harmless(found, found.part):
        return None
    parsed = parse(found.part, task.url, task.now, half=found.half)
    where = f"line {found.line + lines_before}: {found.fault}"
    if parsed is None:
        why = f" ({where})" if found.fault else ""
        raise SourceError(f"this is no feed that feedbot can read{why}", "RSS, Atom and JSON Feed are")
    if parts and parsed.strict and len(parsed.items) == len(parts.entries):
        # By other rules an entry's name depends on what else is in the document.
        names = dict(zip(parts.entries, named(parsed.items), strict=True))
        after = remembering(parts.frame, names if task.by_id else dict.fromkeys(names))
        return replace(parsed, memory=to_json(after))
    return replace(parsed, notes=(*parsed.notes, *_notes(found, where)), cut=_cut(found, where))


def _changed(found: Survey, parts: Parts, before: Remembered, task: Task, *, watched: bool) -> Parsed | None:
    """What is new in a document with the same frame as before; None where only the whole tells.

    An id or link that entries share names none of them, so what one is called, and which of several states
    of it counts, may depend on the others. That is so only where names are shared: if they are, among the entries
    as they were or as they are, the whole is read.
    """
    digests = tuple(dict.fromkeys(parts.entries))
    if before.names is None:
        return Parsed(unchanged=True, memory=task.memory) if digests == before.entries else None
    known = {digest: before.names[digest] for digest in digests if digest in before.names}
    if len(known) == len(digests):
        return Parsed(unchanged=True, memory=to_json(Remembered(parts.frame, digests, known)))
    rest = without(found.part, parts, known)
    if not known or not (watched or _is_harmless(found, rest)):
        return None
    parsed = parse(rest, task.url, task.now)
    new = [digest for digest in parts.entries if digest not in known]
    if parsed is None or not parsed.strict or len(parsed.items) != len(new):
        return None
    after = remembering(parts.frame, {**known, **dict(zip(new, named(parsed.items), strict=True))})
    if after.names is None:
        return None
    standing = frozenset(f"id:{name.id}" for name in known.values())
    return replace(parsed, standing=standing, memory=to_json(after))


def _is_harmless(found: Survey, data: bytes) -> bool:
    broken = found.fault and not found.truncated
    return not (found.suspicious or broken or len(data) > UNWATCHED or data.count(b"<") > MOST_TAGS)


def _notes(found: Survey, where: str) -> tuple[str, ...]:
    if found.crowded:
        return (TOO_MANY,)
    return (f"not well-formed ({where}), read all the same",) if found.fault and not found.truncated else ()


def _cut(found: Survey, where: str) -> str:
    return f"cut off ({where})" if found.truncated else ""
