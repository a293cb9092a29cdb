"""Builders for tests of the feed source."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedbot.http import Fetcher
from feedbot.http.client import Client
from feedbot.model import Document, Item, Memory
from feedbot.plugins import SourceContext
from feedbot.sources.feed import FeedSettings, FeedSource, jsonfeed, xmlfeed
from feedbot.sources.feed.decode import decode
from feedbot.sources.feed.identity import identified
from feedbot.sources.feed.parsed import Parsed

NOW = datetime(2026, 4, 1, tzinfo=UTC)


def rss(*items: str, head: str = "", before: str = '<?xml version="1.0"?>') -> str:
    """An RSS 2.0 feed of the items given."""
    body = "".join(f"<item>{item}</item>" for item in items)
    return f'{before}<rss version="2.0"><channel><title>Feed</title>{head}{body}</channel></rss>'


def atom(*entries: str, head: str = "") -> str:
    """An Atom 1.0 feed of the entries given."""
    body = "".join(f"<entry>{entry}</entry>" for entry in entries)
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>Feed</title>{head}{body}</feed>'


def read(data: str | bytes, content_type: str = "", url: str = "https://a.example/feed") -> tuple[Item, ...]:
    """The items of a body as they come out of a poll."""
    text = decode(data.encode() if isinstance(data, str) else data, content_type)
    reader = jsonfeed if jsonfeed.looks_like_json(text, content_type) else xmlfeed
    return identified(reader.read(text, url, NOW).items, "auto")


def one(data: str | bytes, content_type: str = "") -> Item:
    """The only item of a body."""
    (item,) = read(data, content_type)
    return item


def from_file(folder: Path, path: str, **settings: Any) -> FeedSource:
    """A source that reads a file below the folder."""
    return FeedSource(FeedSettings(type="feed", path=path, **settings), context(folder, _no_fetcher))


def over_http(url: str, address: str, folder: Path = Path(), **settings: Any) -> FeedSource:
    """A source that asks a server on loopback, which ``address`` allows."""
    client = Client(user_agent="feedbot-test", allow_private=(address,), timeout=10)
    return FeedSource(FeedSettings(type="feed", url=url, **settings), context(folder, lambda: client))


def context(folder: Path, fetcher: Any) -> SourceContext:
    return SourceContext(name="a", folder=folder, timezone=UTC, fetcher=fetcher)


def poll(source: FeedSource, memory: Memory | None = None) -> Document:
    return source.poll(memory or Memory(), NOW)


def ids(items: Iterable[Item]) -> list[str]:
    return [item.id for item in items]


def _no_fetcher() -> Fetcher:
    raise AssertionError("a file is read without HTTP")


def items_of(parsed: Parsed) -> dict[str, Item]:
    """What was read, by the ids that the items have as entries."""
    return {item.id: item for item in identified(parsed.items, "auto")}


def check_as_the_whole(understood: Callable[..., Parsed], first: Parsed, body: str) -> None:
    """After ``first``, reading only what changed gives what reading the whole of ``body`` does."""
    whole, before = understood(body), items_of(first)
    items = items_of(whole)
    parsed = understood(body, first.memory)

    read = items_of(parsed)
    for name, one in items.items():
        assert read.get(name) == one or (name not in read and before[name] == one)
    assert read.keys() <= items.keys()
    if not parsed.unchanged:
        assert read.keys() == items.keys() or parsed.standing == {f"id:{name}" for name in items.keys() - read.keys()}
    assert parsed.memory == whole.memory or parsed.unchanged
