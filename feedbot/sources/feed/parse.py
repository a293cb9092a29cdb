"""Parses an XML feed, given as clean UTF-8: a plain one by ourselves, any other with feedparser."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

from feedbot.errors import SourceError
from feedbot.sources.feed import plain
from feedbot.sources.feed.address import UNSTATED, Bases
from feedbot.sources.feed.entry import item, link_of, title_of
from feedbot.sources.feed.fields import Fields
from feedbot.sources.feed.parsed import MAX_ENTRIES, TOO_MANY, Parsed, within_limits


def parse(data: bytes, url: str, now: datetime, *, half: bool = False) -> Parsed | None:
    """What is in a document that came from ``url``, without its last entry where ``half``; None where it is no feed.

    Takes as long as it takes. Raises SourceError where feedparser fails.
    """
    return made_of(plain.read(data) or by_feedparser(data), url, now, half=half)


def made_of(values: dict[str, Any], url: str, now: datetime, *, half: bool = False) -> Parsed | None:
    """The feed of feedparser's values, which came from ``url``; see ``parse``."""
    feed = Fields(values)
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
    return Parsed(items=items, title=title_of(head, atom), link=link, notes=notes, strict=not feed.any("bozo"))


def by_feedparser(data: bytes) -> dict[str, Any]:
    """feedparser's result. It raises nearly anything for hostile input, though it promises not to raise."""
    import feedparser  # here: few feeds need it
    from feedparser.namespaces.itunes import Namespace

    Namespace._end_itunes_explicit = _explicit
    try:
        result: dict[str, Any] = feedparser.parse(
            io.BytesIO(data),
            sanitize_html=False,
            resolve_relative_uris=False,
            response_headers={"content-type": "application/xml; charset=utf-8", "content-location": UNSTATED},
        )
        return result
    except MemoryError:
        raise
    except Exception as error:
        message = f"the feed cannot be parsed ({type(error).__name__}: {error})"
        raise SourceError(message[:300], "its publisher needs to mend it") from error


def _explicit(parser: Any) -> None:
    """What an episode says of its language: feedparser keeps two of the words for it, and no podcast's of today."""
    parser._get_context()["itunes_explicit"] = parser.pop("itunes_explicit", 0) or ""
