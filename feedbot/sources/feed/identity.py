"""What an item is called: its id, its link, or a hash of what it says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

from msgspec.structs import replace

from feedbot.core.text import one_line
from feedbot.model import Item

Identity = Literal["auto", "id", "link", "content"]

_NEVER = datetime.min.replace(tzinfo=UTC)


def identified(items: Sequence[Item], identity: Identity) -> tuple[Item, ...]:
    """Give each item the id it has as an entry. ``items`` carry the feed's own ids, "" where there is none.

    An id or a link that several items of the document share names none of them. By default and for "id" the
    feed's id comes first, then the link; for "link" the other way round; for "content" neither counts. Where
    nothing is left, the title and text are hashed. An item that is there twice comes out once, an empty one not at all.
    """
    items = _once(items)
    ids = Counter(item.id for item in items)
    links = Counter(item.url for item in items)

    def named(item: Item) -> Item:
        own = item.id if item.id and ids[item.id] == 1 else ""
        link = item.url if item.url and links[item.url] == 1 else ""
        if identity == "content":
            own = link = ""
        first, second = (link, own) if identity == "link" else (own, link)
        chosen = first or second or _content_id(item)
        return replace(item, id=chosen, keys=(f"id:{chosen}",) if first else ())

    return tuple({item.id: item for item in reversed([named(item) for item in items])}.values())[::-1]


def _once(items: Iterable[Item]) -> list[Item]:
    """Without copies, and with the newest of several states of one entry (RFC 4287, 4.1.1)."""
    newest: dict[tuple[str, ...], Item] = {}
    for item in filter(_says_something, items):
        same = (item.id, item.url, item.title) if item.id else (item.url, item.title, item.content, item.summary)
        known = newest.get(same)
        if known is None or _moment(item) > _moment(known):
            newest[same] = item
    return list(newest.values())


def _says_something(item: Item) -> bool:
    return any((item.id, item.url, item.title, item.content, item.summary, item.enclosures))


def _moment(item: Item) -> datetime:
    return item.updated or item.published or _NEVER


def _content_id(item: Item) -> str:
    from feedbot.core.html import to_text

    said: list[object] = [one_line(item.title), to_text(item.content or item.summary)]
    if not any(said):
        said += [item.url, str(item.published), [enclosure.url for enclosure in item.enclosures]]
    return f"urn:sha256:{sha256(json.dumps(said).encode()).hexdigest()}"
