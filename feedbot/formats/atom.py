"""Writes a feed as Atom 1.0 (RFC 4287)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

from msgspec.structs import replace

from feedbot.core.dates import rfc3339
from feedbot.core.publication import Origin, Publication, address
from feedbot.formats.feedtree import HISTORY, Element, FeedTree, overwrite, put
from feedbot.formats.iri import as_id, is_iri
from feedbot.formats.legal import legal_channel, legal_entry
from feedbot.model import Channel, Entry

_MEDIA = "http://search.yahoo.com/mrss/"
_TOMBSTONES = "http://purl.org/atompub/tombstones/1.0"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed changed that has neither entries nor a time of its own: Atom wants a time."""


class AtomFormat:
    """Atom: texts as HTML, all enclosures as links, the title of the feed as author of last resort.

    Ids that are no IRI are quoted (``iri.as_id``). Withdrawn entries are told as tombstones (RFC 6721), archive pages
    are linked (RFC 5005), and entries of other feeds name these (``source``, RFC 4287, 4.2.11).
    """

    extension: ClassVar[str] = "atom"
    media_type: ClassVar[str] = "application/atom+xml"
    version: ClassVar[int] = 3

    def render(self, channel: Channel, entries: Sequence[Entry]) -> bytes:
        """Write the entries in the order given, as UTF-8. No input makes it raise."""
        legal = [one if is_iri(one.id) else replace(one, id=as_id(one.id)) for one in map(legal_entry, entries)]
        channel = legal_channel(channel, legal)
        channel = replace(channel, id=as_id(channel.id))
        tree = FeedTree(
            channel,
            channel.urls.get(self.extension, ""),
            self.media_type,
            _namespaces(channel, legal),
            partial(_finish_feed, channel),
        )
        for entry in legal:
            tree.add(entry, partial(_finish_entry, channel, entry), authors=entry.authors)
        return tree.atom()


def _namespaces(channel: Publication, entries: Sequence[Entry]) -> dict[str, str]:
    """The prefixes that are made use of."""
    used = {
        "media": _MEDIA if any(entry.image for entry in entries) else "",
        "at": _TOMBSTONES if channel.withdrawn else "",
        "fh": HISTORY if channel.archived else "",
    }
    return {prefix: namespace for prefix, namespace in used.items() if namespace}


def _finish_feed(channel: Publication, feed: Element) -> None:
    overwrite(feed, "updated", rfc3339(channel.updated or _NEVER))
    if channel.hub:
        put(feed, "link", rel="hub", href=channel.hub)
    for relation, path in (
        ("current", channel.current), ("prev-archive", channel.previous), ("next-archive", channel.next),
    ):  # fmt: skip
        if href := address(channel, path, AtomFormat.extension):
            put(feed, "link", rel=relation, href=href)
    if channel.archived:
        put(feed, f"{{{HISTORY}}}archive")
    for gone in channel.withdrawn:
        put(feed, f"{{{_TOMBSTONES}}}deleted-entry", ref=as_id(gone.id), when=rfc3339(gone.at))


def _finish_entry(channel: Publication, entry: Entry, element: Element) -> None:
    overwrite(element, "updated", rfc3339(entry.updated or entry.first_seen))
    if entry.published:
        put(element, "published", rfc3339(entry.published))
    if entry.language and entry.language != channel.language:
        element.set(_LANG, entry.language)
    for link in element.findall("link"):
        link.set("rel", "alternate")
    for enclosure in entry.enclosures:
        known = {"type": enclosure.type, "length": str(enclosure.length or "")}
        told = {name: value for name, value in known.items() if value}
        put(element, "link", rel="enclosure", href=enclosure.url, **told)
    if entry.image:
        put(element, f"{{{_MEDIA}}}thumbnail", url=entry.image)
    if origin := channel.origins.get(entry.source):
        _put_source(element, entry, origin)


def _put_source(element: Element, entry: Entry, origin: Origin) -> None:
    """The feed that an entry was taken from: called by its address, as few feeds tell a better id.

    It was updated when it got this entry, at the earliest: readers want a time, and no later one is the entry's own.
    """
    source = put(element, "source")
    put(source, "id", origin.url or origin.link or as_id(f"source/{entry.source}"))
    put(source, "title", origin.title or entry.source)
    put(source, "updated", rfc3339(entry.updated or entry.first_seen))
    if origin.link:
        put(source, "link", rel="alternate", href=origin.link)
    if origin.url:
        put(source, "link", rel="self", href=origin.url)
