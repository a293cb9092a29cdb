"""Writes a feed as Atom 1.0 (RFC 4287)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

from feedbot.core.dates import rfc3339
from feedbot.formats.feedtree import Element, FeedTree, overwrite, put
from feedbot.formats.legal import legal_channel, legal_entry
from feedbot.model import Channel, Entry

_MEDIA = "http://search.yahoo.com/mrss/"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""When a feed changed that has neither entries nor a time of its own: Atom wants a time."""


class AtomFormat:
    """Atom: texts as HTML, all enclosures as links, the title of the feed as author of last resort."""

    extension: ClassVar[str] = "atom"
    media_type: ClassVar[str] = "application/atom+xml"
    version: ClassVar[int] = 1

    def render(self, channel: Channel, entries: Sequence[Entry]) -> bytes:
        """Write the entries in the order given, as UTF-8. No input makes it raise."""
        legal = [legal_entry(entry) for entry in entries]
        channel = legal_channel(channel, legal)
        tree = FeedTree(
            channel,
            channel.urls.get(self.extension, ""),
            self.media_type,
            {"media": _MEDIA} if any(entry.image for entry in legal) else {},
            partial(_finish_feed, channel),
        )
        for entry in legal:
            tree.add(entry, partial(_finish_entry, channel, entry), authors=entry.authors)
        return tree.atom()


def _finish_feed(channel: Channel, feed: Element) -> None:
    overwrite(feed, "updated", rfc3339(channel.updated or _NEVER))


def _finish_entry(channel: Channel, entry: Entry, element: Element) -> None:
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
