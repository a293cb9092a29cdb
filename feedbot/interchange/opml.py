"""OPML 1.0 and 2.0: lists of feeds as readers exchange them."""

from __future__ import annotations

import html.entities
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct, field

from feedbot.core.text import one_line, shorten
from feedbot.interchange.listing import Listing, ListingError, Omitted, Subscription, web_address

MAX_DEPTH = 100
MAX_FEEDS = 20_000

_REFERENCE = re.compile(rb"&(?:(#\d+|#[xX][0-9a-fA-F]+)|([A-Za-z][A-Za-z0-9]{1,31}));|&")
_XML_NAMES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_FEED_TYPES = frozenset({"rss", "atom", "rss1", "feed"})


class Outline(NamedTuple):
    """A feed to be listed."""

    title: str
    url: str
    site: str = ""
    tags: tuple[str, ...] = ()


def read(data: bytes) -> Listing:
    """Read a list: outlines around a feed, and its ``category``, are its tags.

    Raises ListingError where it is no OPML, is broken, or defines entities.
    """
    reader = _Reader()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, attributes: reader.start(name, attributes, parser.CurrentLineNumber)
    parser.EndElementHandler = reader.end
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(_mended(data), True)
    except expat.ExpatError as error:
        what = expat.errors.messages[error.code]
        raise ListingError(f"line {error.lineno}: this is not well-formed XML: {what}") from None
    if not reader.is_opml:
        raise ListingError("this is no OPML: it does not begin with an opml element")
    return Listing(subscriptions=tuple(reader.found), omitted=tuple(reader.omitted))


def write(title: str, outlines: Sequence[Outline]) -> bytes:
    """A list in OPML 2.0, with tags as ``category``. The same outlines give the same bytes."""
    return "".join(f"{line}\n" for line in _lines(title, outlines)).encode()


def _lines(title: str, outlines: Sequence[Outline]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield '<opml version="2.0">'
    yield f"  <head><title>{escape(one_line(title))}</title></head>"
    yield "  <body>"
    for outline in outlines:
        values = {
            "text": outline.title,
            "title": outline.title,
            "xmlUrl": outline.url,
            "htmlUrl": outline.site,
            # A comma parts categories and a slash their levels, so that neither can be in one.
            "category": ",".join(re.sub(r"[,/]", " ", tag) for tag in outline.tags),
        }
        said = "".join(f" {name}={quoteattr(one_line(value))}" for name, value in values.items() if value)
        yield f'    <outline type="rss"{said}/>'
    yield "  </body>"
    yield "</opml>"


class _Open(Struct):
    """An outline whose end was not met yet."""

    line: int
    tag: str
    is_feed: bool
    is_empty: bool = True


class _Reader(Struct):
    """Hears elements; holds no more of the document than the outlines around the current one."""

    found: list[Subscription] = field(default_factory=list)
    omitted: list[Omitted] = field(default_factory=list)
    is_opml: bool = False
    _open: list[_Open] = field(default_factory=list)
    _depth: int = 0

    def start(self, name: str, attributes: dict[str, str], line: int) -> None:
        self._depth += 1
        if self._depth == 1:
            self.is_opml = name.lower() == "opml"
        if self._depth > MAX_DEPTH:
            raise ListingError(f"line {line}: outlines are nested deeper than {MAX_DEPTH}")
        if name.lower() != "outline":
            return
        said = {key.lower(): one_line(value) for key, value in attributes.items()}
        title = shorten(said.get("title") or said.get("text", ""), 200)
        url = said.get("xmlurl", "")
        if url:
            self._feed(url, title, said.get("category", ""), line)
        elif said.get("type", "").lower() in _FEED_TYPES:
            self.omitted.append(Omitted(f"line {line}", f"{title or 'an outline'} has no xmlUrl"))
        if self._open:
            self._open[-1].is_empty = False
        is_feed = bool(url) or said.get("type", "").lower() in _FEED_TYPES
        self._open.append(_Open(line, title, is_feed))

    def end(self, name: str) -> None:
        self._depth -= 1
        if name.lower() != "outline":
            return
        done = self._open.pop()
        if done.is_empty and not done.is_feed:
            self.omitted.append(Omitted(f"line {done.line}", f"{done.tag or 'an outline'} has no feed in it"))

    def _feed(self, url: str, title: str, category: str, line: int) -> None:
        if len(self.found) >= MAX_FEEDS:
            raise ListingError(f"line {line}: there are more than {MAX_FEEDS} feeds")
        try:
            address = web_address(url)
        except ValueError as error:
            self.omitted.append(Omitted(f"line {line}", str(error)))
            return
        around = [outline.tag for outline in self._open if not outline.is_feed]
        named = [one_line(part) for part in re.split(r"[,/]", category)]
        tags = tuple(dict.fromkeys(tag for tag in (*around, *named) if tag))
        settings = {"tags": list(tags)} if tags else {}
        self.found.append(Subscription(url=address, title=title, where=f"line {line}", settings=settings))


def _mended(data: bytes) -> bytes:
    """The document with the two faults that lists often have put right: bare ampersands, and names of HTML."""

    def written(match: re.Match[bytes]) -> bytes:
        name = (match[2] or b"").decode("ascii")
        if match[1] or name in _XML_NAMES:
            return match[0]
        text = html.entities.html5.get(f"{name};", "") if name else ""
        return "".join(f"&#{ord(letter)};" for letter in text).encode() or b"&amp;" + match[0][1:]

    return _REFERENCE.sub(written, data)


def _refuse_entities(name: str, *_details: object) -> None:
    raise ListingError(f"it defines an entity ({one_line(name)}), which lists of feeds have no use for")
