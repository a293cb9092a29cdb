"""Writes Atom and RSS through feedgen, with what feedgen loses or invents put right.

feedgen 1.0 stamps feeds with the present moment, switches the locale of the whole process for each RSS date,
drops the attributes of entry links (lkiesow/python-feedgen#135), all RSS enclosures but one and RSS authors
without an address, takes the last link of a feed for the RSS one, and writes entries in reverse. So feedgen
is handed only what it writes right, in the order it needs, and the rest is written into its tree through
an extension, the hook feedgen offers for that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from feedbot.core.publication import Publication
from feedbot.formats.legal import headline
from feedbot.formats.markup import escape
from feedbot.model import Author, Entry

if TYPE_CHECKING:
    from lxml.etree import _Element

# feedgen and lxml are imported where they are used: most runs write no feed.
Element: TypeAlias = "_Element"
Finish: TypeAlias = Callable[["Element"], None]
"""Called with an element that feedgen has built, to write into it what feedgen cannot."""

HISTORY = "http://purl.org/syndication/history/1.0"
"""The namespace of RFC 5005."""

_EXTENSION = "feedbot"


class FeedTree:
    """A feed under construction, with entries in the order they are added.

    ``channel`` and entries are legal (see ``legal``). ``address`` is where the feed itself will be, or "";
    ``namespaces`` are the prefixes that extensions of entries use; ``finish`` completes the root element
    before the entries are in it.
    """

    def __init__(
        self, channel: Publication, address: str, media_type: str, namespaces: Mapping[str, str], finish: Finish
    ) -> None:
        from feedgen.feed import FeedGenerator

        feed = FeedGenerator()
        feed.id(channel.id)
        feed.title(channel.title)
        if channel.description:
            feed.description(channel.description)
        if channel.language:
            feed.language(channel.language)
        feed.generator("feedbot")
        feed.author({"name": channel.title})
        if address:
            feed.link({"href": address, "rel": "self", "type": media_type})
        if channel.link:  # last, as feedgen writes the last one as the <link> of RSS
            feed.link({"href": channel.link, "rel": "alternate"})
        # Set to the present moment by feedgen, and written by way of setlocale; there is no public way out.
        feed._FeedGenerator__rss_lastBuildDate = None
        feed.register_extension(_EXTENSION, lambda: _Extension(finish, namespaces))
        self._feed = feed
        self._stylesheet = channel.stylesheet

    def add(self, entry: Entry, finish: Finish, *, permalink: bool = False, authors: Sequence[Author] = ()) -> None:
        """Append an entry: id, title, link, texts and tags, and ``authors``, which feedgen can only in Atom.

        ``permalink``: the id is the address of the entry (the guid's ``isPermaLink`` of RSS).
        """
        from feedgen.entry import FeedEntry

        item = FeedEntry()
        item.guid(entry.id, permalink=permalink)
        item.title(headline(entry))
        if entry.url:
            item.link({"href": entry.url, "rel": "alternate"})
        if entry.content or not entry.url:
            item.content(entry.content, type="html")
        if entry.summary:
            item.summary(entry.summary, type="html")
        if authors:
            item.author([{"name": author.name, "uri": author.url, "email": author.email} for author in authors])
        if entry.tags:
            item.category([{"term": tag} for tag in entry.tags])
        item.register_extension(_EXTENSION, lambda: _Extension(finish))
        self._feed.add_entry(item, order="append")

    def atom(self) -> bytes:
        """The feed as an Atom document (RFC 4287)."""
        return self._styled(self._feed.atom_str(pretty=True))

    def rss(self) -> bytes:
        """The feed as an RSS 2.0 document; its channel needs a description and a link."""
        return self._styled(self._feed.rss_str(pretty=True))

    def _styled(self, written: bytes) -> bytes:
        """The document with its style sheet, for whoever opens it in a browser; feedgen has no way to say so."""
        if not self._stylesheet:
            return written
        declaration, end, document = written.partition(b"?>\n")
        instruction = f'<?xml-stylesheet type="text/css" href="{escape(self._stylesheet)}"?>\n'
        return declaration + end + instruction.encode() + document


def put(parent: Element, name: str, text: str = "", **attributes: str) -> Element:
    """Append an element with text and attributes, and give it."""
    from lxml import etree

    element = etree.SubElement(parent, name, attributes)
    element.text = text or None
    return element


def overwrite(parent: Element, name: str, text: str) -> None:
    """Give a child that feedgen has written another text."""
    child = parent.find(name)
    if child is not None:
        child.text = text


class _Extension:
    """What feedgen takes for an extension: declares namespaces, and gets each element once it is built."""

    def __init__(self, finish: Finish, namespaces: Mapping[str, str] | None = None) -> None:
        self._finish = finish
        self._namespaces = dict(namespaces or {})

    def extend_ns(self) -> dict[str, str]:
        return self._namespaces

    def extend_atom(self, element: Element) -> Any:
        self._finish(element)
        return element

    extend_rss = extend_atom
