"""Reads RSS, RDF and Atom with feedparser, which is given clean UTF-8 and limited time."""

from __future__ import annotations

import io
from contextlib import nullcontext
from datetime import datetime
from typing import Any

import feedparser

from feedbot.errors import SourceError
from feedbot.sources.feed.address import UNSTATED, Bases
from feedbot.sources.feed.deadline import OutOfTimeError, cpu_limit
from feedbot.sources.feed.decode import readable_xml
from feedbot.sources.feed.entry import item, link_of, title_of
from feedbot.sources.feed.parsed import MAX_ENTRIES, Parsed, within_limits
from feedbot.sources.feed.survey import survey

MAX_CPU_SECONDS = 10.0
_UNWATCHED = 512_000
"""Bytes below which a well-formed document that passed the survey takes no time worth watching."""


def read(text: str, url: str, now: datetime) -> Parsed:
    """Read an XML feed that came from ``url``. Raises SourceError where it is none, or takes too long."""
    body, lines_before = readable_xml(text)
    found = survey(body.encode())
    watched = bool(found.fault and not found.truncated) or found.half or len(found.part) > _UNWATCHED
    feed = _parsed(found.part, watched)
    entries = feed["entries"]
    version = feed.get("version") or ""
    if not version and not entries:
        why = f": {found.fault} (line {found.line + lines_before})" if found.fault else ""
        raise SourceError(f"this is no feed that feedbot can read{why}", "RSS, Atom and JSON Feed are")
    head = feed["feed"]
    atom = version.startswith("atom")
    link = link_of(head, Bases(url))
    bases = Bases(url, "" if atom else link)
    whole = entries[:-1] if found.half else entries
    items, notes = within_limits([item(entry, head, atom, bases, now) for entry in whole])
    if found.crowded or len(entries) > MAX_ENTRIES:
        notes += (f"only the first {MAX_ENTRIES} entries are read",)
    line = found.line + lines_before
    if found.fault and not found.truncated:
        notes += (f"not well-formed (line {line}: {found.fault}), read all the same",)
    cut = f"cut off at line {line} ({found.fault})" if found.truncated else ""
    return Parsed(items=items, title=title_of(head, atom), link=link, notes=notes, cut=cut)


def _parsed(data: bytes, watched: bool) -> Any:
    """feedparser's result. Its promise never to raise does not hold (it also counts on no one being hostile)."""
    try:
        with cpu_limit(MAX_CPU_SECONDS) if watched else nullcontext():
            return feedparser.parse(
                io.BytesIO(data),
                sanitize_html=False,
                resolve_relative_uris=False,
                response_headers={"content-type": "application/xml; charset=utf-8", "content-location": UNSTATED},
            )
    except OutOfTimeError:
        raise SourceError(
            f"reading it takes more than {MAX_CPU_SECONDS:g} s of computing", "it is too large, or made to be slow"
        ) from None
    except Exception as error:
        raise SourceError(
            f"the feed cannot be parsed ({type(error).__name__}: {error})"[:300], "its publisher needs to mend it"
        ) from error
