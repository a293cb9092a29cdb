"""One-line builders with speaking defaults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from feedbot.model import Document, Item

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def at(**later: float) -> datetime:
    """A moment so much after NOW."""
    return NOW + timedelta(**later)


def item(name: str = "a", text: str = "hello", **fields: Any) -> Item:
    """An item of a feed, named by its guid."""
    values: dict[str, Any] = {
        "id": name,
        "keys": (f"id:{name}",),
        "url": f"https://blog.example/{name}/",
        "title": name.upper(),
        "content": f"<p>{text}</p>",
        "published": NOW - timedelta(days=1),
    }
    return Item(**{**values, **fields})


def post(slug: str = "a", text: str = "hello", **fields: Any) -> Item:
    """An item of a folder of posts, named by its file."""
    address = f"https://blog.example/2026/11/{slug}/"
    return item(slug, text, **{"id": address, "keys": (f"path:{slug}/index.md",), "url": address, **fields})


def feed(*items: Item, **fields: Any) -> Document:
    """What a feed says now."""
    return Document(items=items, **fields)


def folder(*items: Item, **fields: Any) -> Document:
    """All posts of a folder."""
    return Document(items=items, complete=True, trusted_dates=True, **fields)


def rss(*names: str) -> str:
    """A feed as it is written, of an entry for each name."""
    items = "".join(f"<item><guid>{name}</guid><title>{name}</title></item>" for name in names)
    return f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'
