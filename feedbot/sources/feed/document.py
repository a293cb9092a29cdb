"""A feed's body into the document that it is, as far as it is another one than at the last poll."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from time import monotonic
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from feedbot.errors import SourceError
from feedbot.model import Document, Memory, Problem
from feedbot.plugins import Turn
from feedbot.sources.feed import jsonfeed, webpage, xmlfeed
from feedbot.sources.feed.hub import NO_HUB, hub_of
from feedbot.sources.feed.identity import Identity, identified
from feedbot.sources.feed.manners import wishes_of

_LEAST_SECONDS = 1.0  # to read a feed in, however long it took to come


class Body(Struct, frozen=True, kw_only=True):
    """What a feed said, decoded; ``url`` and ``headers`` of its answer, where it is none from a file.

    ``name`` is what a person knows it by.
    """

    text: str
    url: str
    headers: Mapping[str, str]
    name: str


def read_document(
    body: Body, kept: Memory, now: datetime, until: float, *, identity: Identity, hub: bool, turn: Turn
) -> Document:
    """Read a feed by ``until`` (monotonic seconds). Raises SourceError where it is none.

    ``kept`` has what the last poll left as its ``extra``, beside what is remembered of this answer; ``hub`` tells
    whether the feed's own is looked for.
    """
    if webpage.is_web_page(body.text):
        raise SourceError("this is a web page, not a feed", "give the address, or the file, of a feed")
    by_id, parts = identity in ("auto", "id"), _parts_of(kept)
    if jsonfeed.looks_like_json(body.text, body.headers.get("content-type", "")):
        with turn:
            parsed = jsonfeed.read(body.text, body.url, now, memory=parts, by_id=by_id)
    else:
        seconds = max(until - monotonic(), _LEAST_SECONDS)
        parsed = xmlfeed.read(body.text, body.url, now, memory=parts, by_id=by_id, seconds=seconds, turn=turn)
    # As text: nearly all polls read what is remembered, and few what is remembered of the entries.
    same = parsed.memory is parts
    parts_now = kept.extra.get("parts") if same else json.dumps(parsed.memory, separators=(",", ":"))
    extra = {"parts": parts_now if parsed.memory else "", "wishes": wishes_of(body.text).as_json()}
    kept = replace(kept, extra={name: value for name, value in extra.items() if value})
    found = hub_of(body.text, body.url, body.headers) if hub else NO_HUB
    if parsed.unchanged:
        return Document(not_modified=True, memory=kept, hub=found)
    problems: tuple[Problem, ...] = ()
    if parsed.cut:
        problems = (Problem(body.name, f"{parsed.cut}; what is there is read, the rest at the next poll"),)
    return Document(
        items=identified(parsed.items, identity),
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
