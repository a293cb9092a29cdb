"""Tells a web page from a feed."""

from __future__ import annotations

import re

_PAGE = re.compile(r"(?:\s|<\?[^>]{0,300}>|<!--(?:[^-]|-(?!->)){0,2000}-->)*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_FEED = re.compile(r"<(?:[\w.-]+:)?(?:rss|feed|rdf)\s[^<>]{0,1000}(?:xmlns|version)\b", re.IGNORECASE)


def is_web_page(text: str) -> bool:
    """Whether a document begins as HTML does, and has no feed inside."""
    return _PAGE.match(text[:10_000]) is not None and _FEED.search(text) is None


def is_feed(text: str) -> bool:
    """Whether a document is a feed at first sight: a root element of one, or JSON Feed's version."""
    return not is_web_page(text) and (
        _FEED.search(text[:20_000]) is not None or "jsonfeed.org/version" in text[:20_000]
    )
