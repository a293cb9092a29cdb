"""Writes a feed as RSS 2.0, with the extensions that readers know.

Texts follow the Best Practices Profile of the RSS Advisory Board: titles are plain text, escaped once;
``description`` is the summary, and ``content:encoded`` the content, or ``description`` is whichever of
the two there is. An item has one enclosure, as the profile advises; further files are ``media:content``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import partial
from typing import ClassVar

from msgspec.structs import replace

from feedbot.core.publication import Publication, address
from feedbot.core.uri import as_uri
from feedbot.formats.feedtree import HISTORY, Element, FeedTree, put
from feedbot.formats.legal import UNKNOWN_TYPE, is_web, legal_channel, legal_entry, web_address, with_uris
from feedbot.model import Channel, Enclosure, Entry

_NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
}
_LINK = "{http://www.w3.org/2005/Atom}link"
_PODCAST: Mapping[str, tuple[str, re.Pattern[str]]] = {
    "duration": ("duration", re.compile(r"\d{1,9}|(\d{1,4}:)?[0-5]?\d:[0-5]\d", re.ASCII)),
    "episode": ("episode", re.compile(r"[1-9]\d{0,8}", re.ASCII)),
    "season": ("season", re.compile(r"[1-9]\d{0,8}", re.ASCII)),
    "explicit": ("explicit", re.compile(r"true|false")),
    "episodeType": ("episode_type", re.compile(r"full|trailer|bonus")),
}
"""What a feed tells of a podcast's episode, by its element: what ``extra`` calls it, and what it may be."""
_EXPLICIT = {"yes": "true", "explicit": "true", "no": "false", "clean": "false"}  # what older forms are called now


class RssFormat:
    """RSS 2.0: authors as ``dc:creator``, an image as ``media:thumbnail``, podcasts with iTunes elements."""

    extension: ClassVar[str] = "rss"
    media_type: ClassVar[str] = "application/rss+xml"
    version: ClassVar[int] = 5

    def render(self, channel: Channel, entries: Sequence[Entry]) -> bytes:
        """Write the entries in the order given, as UTF-8. No input makes it raise."""
        legal = [with_uris(legal_entry(entry)) for entry in entries]
        channel = legal_channel(channel, legal)
        own = channel.urls.get(self.extension, "")
        required = replace(
            channel,
            description=channel.description or channel.title,
            link=as_uri(channel.link or own or channel.id),
        )
        namespaces = _NAMESPACES | ({"fh": HISTORY} if channel.archived else {})
        tree = FeedTree(required, own, self.media_type, namespaces, partial(_finish_channel, channel))
        for entry in legal:
            permalink = entry.id == entry.url and is_web(entry.id)
            tree.add(entry, partial(_finish_item, channel, entry), permalink=permalink)
        return tree.rss()


def _finish_channel(channel: Publication, rss: Element) -> None:
    if channel.updated:
        put(rss[0], "lastBuildDate", _rfc822(channel.updated))
    if channel.hub:
        put(rss[0], _LINK, rel="hub", href=channel.hub)
    for relation, path in (
        ("current", channel.current), ("prev-archive", channel.previous), ("next-archive", channel.next),
    ):  # fmt: skip
        if href := address(channel, path, RssFormat.extension):
            put(rss[0], _LINK, rel=relation, href=href)
    if channel.archived:
        put(rss[0], f"{{{HISTORY}}}archive")


def _finish_item(channel: Publication, entry: Entry, item: Element) -> None:
    put(item, "pubDate", _rfc822(entry.published or entry.updated or entry.first_seen))
    for author in entry.authors:
        put(item, f"{{{_NAMESPACES['dc']}}}creator", author.name)
    _put_files(item, entry.enclosures)
    if comments := web_address(entry.extra.get("comments")):
        put(item, "comments", as_uri(comments))
    if entry.image:
        put(item, f"{{{_NAMESPACES['media']}}}thumbnail", url=entry.image)
    if entry.enclosures:
        for name, text in _episode(entry.extra):
            put(item, f"{{{_NAMESPACES['itunes']}}}{name}", text)
        if is_web(entry.image):
            put(item, f"{{{_NAMESPACES['itunes']}}}image", href=entry.image)
    origin = channel.origins.get(entry.source)
    if origin and origin.url:  # which the address is required for
        put(item, "source", origin.title, url=as_uri(origin.url))


def _put_files(item: Element, enclosures: Sequence[Enclosure]) -> None:
    """The first file on the web as the enclosure, all three attributes of which are required; the others beside it."""
    first = next((one for one in enclosures if is_web(one.url)), None)
    for one in enclosures:
        if one is first:
            put(item, "enclosure", url=one.url, length=str(one.length or 0), type=one.type or UNKNOWN_TYPE)
        else:
            known = {"type": one.type, "fileSize": str(one.length or "")}
            told = {name: value for name, value in known.items() if value}
            put(item, f"{{{_NAMESPACES['media']}}}content", url=one.url, **told)


def _episode(extra: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """The iTunes elements of an episode, as far as what is known of it is what they may say."""
    for name, (key, legal) in _PODCAST.items():
        value = extra.get(key)
        if isinstance(value, str):
            text = value.strip().lower()
            text = _EXPLICIT.get(text, text)
            if legal.fullmatch(text):
                yield name, text


def _rfc822(moment: datetime) -> str:
    """A moment as RSS wants it: RFC 822 with four digits for the year, in English whatever the locale."""
    return format_datetime(moment, usegmt=True)
