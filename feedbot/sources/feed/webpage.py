"""Tells a web page from a feed, and which feeds the page names."""

from __future__ import annotations

import html
import re

from feedbot.core.html import resolve

_PAGE = re.compile(r"(?:\s|<\?[^>]{0,300}>|<!--(?:[^-]|-(?!->)){0,2000}-->)*<(?:!doctype\s+html|html)\b", re.IGNORECASE)
_FEED = re.compile(r"<(?:[\w.-]+:)?(?:rss|feed|rdf)\s[^<>]{0,1000}(?:xmlns|version)\b", re.IGNORECASE)
_LINK = re.compile(r"<link\b([^>]{1,1000})>|<base\b([^>]{1,1000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([a-z-]{1,20})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_FEED_TYPE = re.compile(r"application/(?:(?:rss|atom|rdf)\+xml|feed\+json)", re.IGNORECASE)
_MOST_LINKS = 5
_HEAD = 300_000


def is_web_page(text: str) -> bool:
    """Whether a document begins as HTML does, and has no feed inside."""
    return _PAGE.match(text[:10_000]) is not None and _FEED.search(text) is None


def feeds_named(text: str, url: str) -> tuple[str, ...]:
    """The addresses of the feeds that a page links to, a handful at most."""
    base = url
    found: dict[str, None] = {}
    for match in _LINK.finditer(text[:_HEAD]):
        attributes = {
            name.lower(): html.unescape(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(match[1] or match[2])
        }
        if match[2]:
            base = resolve(attributes.get("href", ""), url) or url
        elif "alternate" in attributes.get("rel", "").lower().split() and _FEED_TYPE.match(attributes.get("type", "")):
            address = resolve(attributes.get("href", ""), base)
            if address:
                found[address] = None
    return tuple(found)[:_MOST_LINKS]
