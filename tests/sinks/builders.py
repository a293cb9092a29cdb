"""Deliveries and sinks for the tests of sinks and messages, with speaking defaults."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feedbot.http import Fetcher
from feedbot.model import Author, ChangeKind, Delivery, Digest, Entry
from feedbot.plugins import SinkContext

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def entry(**values: Any) -> Entry:
    return Entry(
        **{
            "id": "https://example.org/welcome/",
            "source": "planet",
            "first_seen": NOW,
            "url": "https://example.org/welcome/",
            "title": "Welcome",
            "authors": (Author("Ada"),),
            "published": datetime(2026, 11, 20, 9, 30, tzinfo=UTC),
            "content": "<p>Hello, <b>reader</b>.</p>",
            **values,
        }
    )


def digest(*deliveries: Delivery, key: str = "feedfeedfeedfeed") -> Digest:
    return Digest(key=key, sink="readers", deliveries=deliveries or (delivery(),), created=NOW)


def delivery(
    key: str = "0123456789abcdef",
    change: str = "new",
    diff: str = "",
    delivered: tuple[str, ...] = (),
    sink: str = "readers",
    created: datetime = NOW,
    first_key: str = "",
    receipt: str = "",
    **values: Any,
) -> Delivery:
    return Delivery(
        pk=1,
        key=key,
        sink=sink,
        change=ChangeKind(change),
        entry=entry(**values),
        diff=diff,
        created=created,
        not_before=NOW,
        delivered=frozenset(delivered),
        first_key=first_key,
        receipt=receipt,
    )


def _no_http() -> Fetcher:
    raise AssertionError("no HTTP is expected here")


def context(folder: Path, fetcher: Callable[[], Fetcher] = _no_http, out: io.TextIOBase | None = None) -> SinkContext:
    return SinkContext(name="readers", folder=folder, fetcher=fetcher, out=out or io.StringIO())  # type: ignore[arg-type]
