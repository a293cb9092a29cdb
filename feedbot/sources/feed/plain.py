"""Reads the RSS and Atom that nearly all feeds are, as feedparser does and many times as fast.

What comes out are feedparser's values under its names, those that feedbot reads; but of dates that are understood,
moments. A document in which anything may mean something else to feedparser (another vocabulary, markup that stands
unescaped in a text) is left to it as a whole.
"""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from feedbot.sources.feed.address import UNSTATED
from feedbot.sources.feed.elements import OF_FEED, Elements
from feedbot.sources.feed.values import Context, Scope
from feedbot.sources.feed.vocabulary import ATOM, Names, UnclearError, attributes

_DOCTYPE = b"<!DOCTYPE"
_OF_OTHER_FORMATS = frozenset({"about", "href", "lastmod"})


def read(data: bytes) -> dict[str, Any] | None:
    """What feedparser gives for a document (UTF-8 without a declaration); None where only feedparser can tell."""
    if _DOCTYPE in data:  # or only in a text; it may declare what feedparser does not take
        return None
    try:
        parser: XMLPullParser[Any] = XMLPullParser(("start-ns", "start"))
        parser.feed(data)
        parser.close()
        events: list[tuple[Any, ...]] = list(parser.read_events())
        declared = [value for event, value in events if event == "start-ns"]
        root = next(value for event, value in events if event == "start")
        return _document(root, Names(declared))
    except (ParseError, UnclearError):
        return None


def _document(root: Element, names: Names) -> dict[str, Any]:
    atom = root.tag.lower() == f"{{{ATOM}}}feed"
    if not atom and names.of(root) != "rss":
        raise UnclearError
    scope = Scope(0, UNSTATED, None).of(attributes(root))
    feed = Context({"language": scope.language} if scope.language else {})
    head = root
    if not atom:
        if [names.of(child) for child in root] != ["channel"]:
            raise UnclearError
        head = root[0]
        scope = scope.of(_of_container(head))
    elements = Elements(names, atom)
    entries: list[dict[str, Any]] = []
    entry_name = "entry" if atom else "item"
    for element in head:
        if names.of(element) == entry_name:
            entries.append(elements.entry(element, scope.of(_of_container(element))))
        else:
            elements.children((element,), feed, OF_FEED, scope)
    elements.settle(feed)
    return {"feed": feed.values, "entries": entries, "version": "atom10" if atom else "rss20", "bozo": False}


def _of_container(element: Element) -> dict[str, str]:
    """The attributes of a channel or entry, unless some say what elements do, as other formats have it."""
    given = attributes(element) if element.attrib else {}
    if not given.keys().isdisjoint(_OF_OTHER_FORMATS):
        raise UnclearError
    return given
