"""Writes a feed as RSS 2.0, with the extensions that readers know.

Texts follow the Best Practices Profile of the RSS Advisory Board: titles are plain text, escaped once;
``description`` is the summary, and ``content:encoded`` the content, or ``description`` is whichever of
the two there is. Several enclosures of one entry are all written, though the profile advises one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from typing import ClassVar

from feedbot.core.text import one_line
from feedbot.formats.feedtree import Element, FeedTree, put
from feedbot.formats.legal import UNKNOWN_TYPE, is_web, legal_channel, legal_entry, web_address
from feedbot.model import Channel, Entry

_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
}
_PODCAST = ("duration", "episode", "season", "explicit")
"""What a feed tells of a podcast's episode; kept in ``extra`` under the name with ``itunes_`` before it."""


class RssFormat:
    """RSS 2.0: authors as ``dc:creator``, an image as ``media:thumbnail``, podcasts with iTunes elements."""

    extension: ClassVar[str] = "rss"
    media_type: ClassVar[str] = "application/rss+xml"
    version: ClassVar[int] = 1

    def render(self, channel: Channel, entries: Sequence[Entry]) -> bytes:
        """Write the entries in the order given, as UTF-8. No input makes it raise."""
        legal = [legal_entry(entry) for entry in entries]
        channel = legal_channel(channel, legal)
        address = channel.urls.get(self.extension, "")
        required = replace(
            channel,
            description=channel.description or channel.title,
            link=channel.link or address or channel.id,
        )
        tree = FeedTree(required, address, self.media_type, _NAMESPACES, partial(_finish_channel, channel))
        for entry in legal:
            permalink = entry.id == entry.url and is_web(entry.id)
            tree.add(entry, partial(_finish_item, entry), permalink=permalink)
        return tree.rss()


def _finish_channel(channel: Channel, rss: Element) -> None:
    if channel.updated:
        put(rss[0], "lastBuildDate", _rfc822(channel.updated))


def _finish_item(entry: Entry, item: Element) -> None:
    put(item, "pubDate", _rfc822(entry.published or entry.updated or entry.first_seen))
    for author in entry.authors:
        put(item, f"{{{_NAMESPACES['dc']}}}creator", author.name)
    for enclosure in entry.enclosures:  # all three attributes are required
        length = str(enclosure.length or 0)
        put(item, "enclosure", url=enclosure.url, length=length, type=enclosure.type or UNKNOWN_TYPE)
    if comments := web_address(entry.extra.get("comments")):
        put(item, "comments", comments)
    if entry.image:
        put(item, f"{{{_NAMESPACES['media']}}}thumbnail", url=entry.image)
    for name in _PODCAST:
        value = entry.extra.get(f"itunes_{name}")
        if isinstance(value, str) and (text := one_line(value)):
            put(item, f"{{{_NAMESPACES['itunes']}}}{name}", text)


def _rfc822(moment: datetime) -> str:
    """A moment as RSS wants it: RFC 822 with four digits for the year, in English whatever the locale."""
    return format_datetime(moment, usegmt=True)
