"""Writes a feed as JSON Feed 1.1 (jsonfeed.org)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import orjson

from feedbot.core.dates import rfc3339
from feedbot.core.publication import address
from feedbot.core.uri import as_uri
from feedbot.formats.legal import UNKNOWN_TYPE, legal_channel, legal_entry, with_uris
from feedbot.model import Author, Channel, Enclosure, Entry


class JsonFormat:
    """JSON Feed: ``content_html`` in every item, titles only where there are any, keys in a fixed order."""

    extension: ClassVar[str] = "json"
    media_type: ClassVar[str] = "application/feed+json"
    version: ClassVar[int] = 5

    def render(self, channel: Channel, entries: Sequence[Entry]) -> bytes:
        """Write the entries in the order given, as UTF-8, ended by a line feed. No input makes it raise."""
        legal = [with_uris(legal_entry(entry)) for entry in entries]
        channel = legal_channel(channel, legal)
        head = {
            "version": "https://jsonfeed.org/version/1.1",
            "title": channel.title,
            **_told(
                home_page_url=as_uri(channel.link),
                feed_url=as_uri(channel.urls.get(self.extension, "")),
                description=channel.description,
                language=channel.language,
                hubs=[{"type": "WebSub", "url": as_uri(channel.hub)}] if channel.hub else [],
                next_url=as_uri(address(channel, channel.previous, self.extension)),
            ),
        }
        # An item a line, which is good to compare.
        items = b",\n".join(orjson.dumps(_item(entry, channel.language)) for entry in legal)
        return b'%b,"items":[\n%b\n]}\n' % (orjson.dumps(head)[:-1], items)


def _item(entry: Entry, language: str) -> dict[str, Any]:
    from feedbot.core.html import to_text  # not above: most runs write no feed

    return {
        "id": entry.id,
        **_told(url=entry.url, title=entry.title),
        "content_html": entry.content or entry.summary,
        **_told(
            summary=to_text(entry.summary) if entry.content and entry.summary else "",
            image=entry.image,
            date_published=rfc3339(entry.published) if entry.published else "",
            date_modified=rfc3339(entry.updated or entry.first_seen),
            authors=[_author(author) for author in entry.authors],
            tags=list(entry.tags),
            language=entry.language if entry.language != language else "",
            attachments=[_attachment(enclosure) for enclosure in entry.enclosures],
        ),
    }


def _author(author: Author) -> Mapping[str, str]:
    return {"name": author.name, **_told(url=author.url)}


def _attachment(enclosure: Enclosure) -> Mapping[str, Any]:
    known = _told(size_in_bytes=enclosure.length)
    return {"url": enclosure.url, "mime_type": enclosure.type or UNKNOWN_TYPE, **known}


def _told(**values: Any) -> dict[str, Any]:
    """Those values that say something: JSON Feed leaves out what is unknown."""
    return {name: value for name, value in values.items() if value}
