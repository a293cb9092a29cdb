"""Each feed in tests/data/feeds beside what must come out of it; to add a case is to add two files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins

from feedbot.core.dates import rfc3339
from feedbot.model import Document, Memory
from tests.sources.feeds import NOW, from_file

DATA = Path(__file__).resolve().parents[1] / "data" / "feeds"
FEEDS = sorted(path for path in DATA.iterdir() if not path.name.endswith(".expected.json"))


@pytest.mark.parametrize("feed", FEEDS, ids=lambda path: path.name)
def test_a_feed_gives_what_stands_beside_it(feed: Path) -> None:
    expected = json.loads(feed.with_name(f"{feed.name}.expected.json").read_text())

    document = from_file(DATA, feed.name).poll(Memory(), NOW)

    assert plain(document) == expected


@pytest.mark.parametrize("feed", FEEDS, ids=lambda path: path.name)
def test_reading_the_same_bytes_again_gives_the_same_items_unless_they_are_known(feed: Path) -> None:
    source = from_file(DATA, feed.name)

    first, second = source.poll(Memory(), NOW), source.poll(Memory(), NOW)
    third = source.poll(first.memory, NOW)

    assert first == second
    assert third.not_modified
    assert third.memory == first.memory


def plain(document: Document) -> dict[str, Any]:
    """What a document says, without what it does not."""
    return {
        "title": document.title,
        "link": document.link,
        "notes": list(document.notes),
        "items": [_said(to_builtins(item)) for item in document.items],
    }


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _said(inner) for key, inner in value.items() if inner not in ("", (), [], {}, None)}
    if isinstance(value, list | tuple):
        return [_said(inner) for inner in value]
    return rfc3339(value) if isinstance(value, datetime) else value


def test_dates_in_expectations_are_in_utc() -> None:
    assert _said(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00Z"
