"""Reads RSS, RDF and Atom with feedparser, which is given clean UTF-8 and limited time."""

from __future__ import annotations

import io
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any

from feedbot.errors import SourceError
from feedbot.sources.feed.address import UNSTATED, Bases
from feedbot.sources.feed.deadline import OutOfTimeError, cpu_limit
from feedbot.sources.feed.decode import readable_xml
from feedbot.sources.feed.entry import item, link_of, title_of
from feedbot.sources.feed.fields import Fields
from feedbot.sources.feed.parsed import MAX_ENTRIES, TOO_MANY, Parsed, within_limits
from feedbot.sources.feed.survey import survey

MAX_CPU_SECONDS = 30.0
_UNWATCHED = 512_000
"""Bytes up to which a document without anything suspicious takes no time worth watching."""


def read(text: str, url: str, now: datetime) -> Parsed:
    """Read an XML feed that came from ``url``. Raises SourceError where it is none, or takes too long."""
    body, lines_before = readable_xml(text)
    found = survey(body.encode())
    watched = found.suspicious or len(found.part) > _UNWATCHED
    try:
        with cpu_limit(MAX_CPU_SECONDS) if watched else nullcontext():
            parsed = _read(found.part, found.half, url, now)
    except OutOfTimeError:
        message = f"reading it takes more than {MAX_CPU_SECONDS:g} s of computing"
        raise SourceError(message, "it is too large, or made to be slow") from None
    where = f"line {found.line + lines_before}: {found.fault}"
    if parsed is None:
        why = f" ({where})" if found.fault else ""
        raise SourceError(f"this is no feed that feedbot can read{why}", "RSS, Atom and JSON Feed are")
    notes = parsed.notes
    if found.crowded:
        notes += (TOO_MANY,)
    if found.fault and not found.truncated:
        notes += (f"not well-formed ({where}), read all the same",)
    return replace(parsed, notes=notes, cut=f"cut off ({where})" if found.truncated else "")


def _read(data: bytes, half: bool, url: str, now: datetime) -> Parsed | None:
    """What is in the document, without the last entry where ``half``; None where it is no feed."""
    feed = Fields(_parsed(data))
    head, entries, version = feed.one("feed"), feed.many("entries"), feed.text("version")
    if not version and not entries:
        return None
    atom = version.startswith("atom")
    link = link_of(head, Bases(url))
    bases = Bases(url, "" if atom else link)
    whole = entries[:-1] if half else entries
    items, notes = within_limits([item(entry, head, atom, bases, now) for entry in whole[:MAX_ENTRIES]])
    if len(whole) > MAX_ENTRIES:
        notes += (TOO_MANY,)
    return Parsed(items=items, title=title_of(head, atom), link=link, notes=notes)


def _parsed(data: bytes) -> dict[str, Any]:
    """feedparser's result. It raises nearly anything for hostile input, though it promises not to raise."""
    import feedparser  # here: most polls find nothing to parse

    try:
        result: dict[str, Any] = feedparser.parse(
            io.BytesIO(data),
            sanitize_html=False,
            resolve_relative_uris=False,
            response_headers={"content-type": "application/xml; charset=utf-8", "content-location": UNSTATED},
        )
        return result
    except OutOfTimeError:
        raise
    except Exception as error:
        message = f"the feed cannot be parsed ({type(error).__name__}: {error})"
        raise SourceError(message[:300], "its publisher needs to mend it") from error
