"""Finds where a web page has its feeds: what it says itself, then where feeds are as a rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, cast
from urllib.parse import urljoin, urlsplit

from lxml import etree

from feedbot.core.address import resolve
from feedbot.core.text import one_line, shorten, storable
from feedbot.sources.feed.head import links

WELL_KNOWN = ("feed", "rss.xml", "atom.xml", "index.xml", "feed.xml", "feed.json")

_FEED_TYPE = re.compile(r"application/(?:(?:rss|atom|rdf)\+xml|feed\+json)\s*(?:;|$)", re.IGNORECASE)
_VAGUE_TYPE = re.compile(r"(?:application|text)/(?:xml|json)\s*(?:;|$)", re.IGNORECASE)
_LIKE_A_FEED = re.compile(r"(?:^|[/._-])(?:feeds?|rss2?|atom|rdf)(?:$|[/._-])", re.IGNORECASE)
_MOST_READ = 1_000_000
_MOST_FOUND = 20


class Candidate(NamedTuple):
    """An address at which there may be a feed. ``stated``: the page says that there is one."""

    url: str
    title: str = ""
    stated: bool = True


def candidates(text: str, url: str, headers: Mapping[str, str]) -> tuple[Candidate, ...]:
    """Where to look for the feeds of a page, best first: ``text`` as it came from ``url``, ``headers`` in lower case.

    First what its ``Link`` header (RFC 8288) and its ``link`` elements call an alternate, feeds of comments last;
    then links in the page that look like feeds; then well-known paths, below the page's folder and the root.
    """
    page = _Page()
    parser = etree.HTMLParser(target=cast(Any, page))
    try:
        parser.feed(storable(text[:_MOST_READ]))
        parser.close()
    except etree.ParserError:
        pass  # an empty page; what a broken one said until then was heard
    base = resolve(page.base, url) or url
    stated = [*_from_header(headers.get("link", ""), url), *_resolved(page.alternates, base)]
    mentioned = [one for one in _resolved(page.anchors, base) if _LIKE_A_FEED.search(urlsplit(one.url).path)]
    ranked = [
        *sorted(stated, key=_is_of_comments),
        *(one._replace(stated=False) for one in sorted(mentioned, key=_is_of_comments)),
    ][:_MOST_FOUND]
    found: dict[str, Candidate] = {}
    for candidate in (*ranked, *_guesses(base)):
        if candidate.url != url:
            found.setdefault(candidate.url, candidate)
    return tuple(found.values())


class _Page:
    """Hears the elements of a page as a parser comes by them."""

    def __init__(self) -> None:
        self.base = ""
        self.alternates: list[tuple[str, str]] = []
        self.anchors: list[tuple[str, str]] = []

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        href = attributes.get("href", "")
        if tag == "base":
            self.base = self.base or href
        elif tag == "link" and href and _names_a_feed(attributes.get("rel", ""), attributes.get("type", ""), href):
            self.alternates.append((href, attributes.get("title", "")))
        elif tag == "a" and href:
            self.anchors.append((href, attributes.get("title", "")))

    def close(self) -> None:
        """Nothing is built."""


def _names_a_feed(rel: str, media_type: str, href: str) -> bool:
    if "alternate" not in rel.lower().split():
        return False
    # Blogs offer their API as application/json as well.
    return bool(_FEED_TYPE.match(media_type) or (_VAGUE_TYPE.match(media_type) and _LIKE_A_FEED.search(href)))


def _from_header(value: str, url: str) -> Iterator[Candidate]:
    for address, said in links(value):
        if _names_a_feed(said.get("rel", ""), said.get("type", ""), address):
            yield from _resolved([(address, said.get("title", ""))], url)


def _resolved(links: list[tuple[str, str]], base: str) -> Iterator[Candidate]:
    for href, title in links:
        # The scheme feed: is that of http, or stands before one.
        plain = re.sub(r"^feed:(?://)?(?=https?:)", "", href.strip(), flags=re.IGNORECASE)
        plain = re.sub(r"^feed://", "http://", plain, flags=re.IGNORECASE)
        address = resolve(plain, base)
        if address and urlsplit(address).scheme in ("http", "https"):
            yield Candidate(address.partition("#")[0], shorten(one_line(title), 200))


def _is_of_comments(candidate: Candidate) -> bool:
    return "comment" in candidate.title.lower() or "comment" in urlsplit(candidate.url).path.lower()


def _guesses(base: str) -> Iterator[Candidate]:
    for folder in dict.fromkeys((urljoin(base, "."), urljoin(base, "/"))):
        yield from (Candidate(urljoin(folder, path), stated=False) for path in WELL_KNOWN)
