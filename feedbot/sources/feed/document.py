"""A feed's body into the document that it is, as far as it is another one than at the last poll."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from feedbot.errors import SourceError
from feedbot.model import Document, Memory, Problem
from feedbot.plugins import Turn
from feedbot.sources.feed import jsonfeed, reading, webpage, xmlfeed
from feedbot.sources.feed.decode import as_it_came
from feedbot.sources.feed.hub import NO_HUB, hub_of
from feedbot.sources.feed.identity import Identity, identified
from feedbot.sources.feed.manners import wishes_of
from feedbot.sources.feed.parsed import Parsed

_LEAST_SECONDS = 1.0  # to read a feed in, however long it took to come


class Seen(NamedTuple):
    """What is new in a document that was told at a glance, and the text that it was found in, with the same head.

    ``before`` is what was remembered of its parts.
    """

    parsed: Parsed
    text: str
    before: Mapping[str, Any]


class Origin(Struct, frozen=True, kw_only=True):
    """Where a feed came from: ``url`` and ``headers`` of its answer, where it is none from a file.

    ``name`` is what a person knows it by, ``identity`` the rule by which its entries are named; ``hub`` tells whether
    the feed's own is looked for.
    """

    url: str
    headers: Mapping[str, str]
    name: str
    identity: Identity
    hub: bool


def look(body: bytes, content_type: str, url: str, known: Memory, now: datetime) -> Seen | None:
    """What is new in a feed in XML that came from ``url``; None where more than a glance at its bytes is to tell.

    ``known`` is what the last poll left. Raises SourceError where it is made to be slow.
    """
    before = _parts_of(known)
    data = as_it_came(body, content_type) if before else None
    found = reading.look(data, url, now, before) if data else None
    if not data or not found or webpage.is_web_page(found[1]):
        return None
    declaration = body[: len(body) - len(data)].decode("utf-8-sig")  # so that the head is as long as the document's
    return Seen(found[0], declaration + found[1], before)


def read_document(text: str, origin: Origin, kept: Memory, now: datetime, until: float, *, turn: Turn) -> Document:
    """Read a feed, decoded, by ``until`` (monotonic seconds). Raises SourceError where it is none.

    ``kept`` has what the last poll left as its ``extra``, beside what is remembered of this answer.
    """
    if webpage.is_web_page(text):
        raise SourceError("this is a web page, not a feed", "give the address, or the file, of a feed")
    by_id, parts = origin.identity in ("auto", "id"), _parts_of(kept)
    if jsonfeed.looks_like_json(text, origin.headers.get("content-type", "")):
        with turn:
            parsed = jsonfeed.read(text, origin.url, now, memory=parts, by_id=by_id)
    else:
        seconds = max(until - monotonic(), _LEAST_SECONDS)
        parsed = xmlfeed.read(text, origin.url, now, memory=parts, by_id=by_id, seconds=seconds, turn=turn)
    return document_of(Seen(parsed, text, parts), origin, kept)


def document_of(seen: Seen, origin: Origin, kept: Memory) -> Document:
    """The document in which that was seen; the others as for ``read_document``."""
    parsed = seen.parsed
    # As text: nearly all polls read what is remembered, and few what is remembered of the entries.
    same = parsed.memory is seen.before
    parts_now = kept.extra.get("parts") if same else json.dumps(parsed.memory, separators=(",", ":"))
    extra = {"parts": parts_now if parsed.memory else "", "wishes": wishes_of(seen.text).as_json()}
    kept = replace(kept, extra={name: value for name, value in extra.items() if value})
    found = hub_of(seen.text, origin.url, origin.headers) if origin.hub else NO_HUB
    if parsed.unchanged:
        return Document(not_modified=True, memory=kept, hub=found)
    problems: tuple[Problem, ...] = ()
    if parsed.cut:
        problems = (Problem(origin.name, f"{parsed.cut}; what is there is read, the rest at the next poll"),)
    return Document(
        items=identified(parsed.items, origin.identity),
        # What was not read to its end is asked for again as a whole.
        memory=Memory() if parsed.cut else kept,
        standing=parsed.standing,
        problems=problems,
        notes=parsed.notes,
        title=parsed.title,
        link=parsed.link,
        hub=found,
    )


def _parts_of(memory: Memory) -> dict[str, Any]:
    """What the last reading left of the document's parts."""
    known = memory.extra.get("parts")
    return dict(json.loads(known)) if isinstance(known, str) and known else {}
