"""What feedbot status found, as tables for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from feedbot.cli.statusfleet import fleet_line, fleet_rows
from feedbot.core.dates import in_words, parse_date, told
from feedbot.message.terminal import fit, inert, width

Told = Mapping[str, Any]


def tables(document: Told, now: datetime) -> Iterator[str]:
    """The lines of the tables of sources, feeds and sinks; below each, what is not well and what to do."""

    def age(text: str | None) -> str:
        return in_words(parse_date(text) if text else None, now)

    yield from _table(
        ("source", "type", "state", "entries", "last new", "last poll", "next poll"),
        [
            (name, s["type"], _state(s, now), str(s["entries"]), *(age(s[k]) for k in _MOMENTS))
            for name, s in document["sources"].items()
        ],
    )
    for name, source in document["sources"].items():
        yield from (f"  {name}: {inert(line)}" for line in _of_source(source))
    yield from _below(
        ("feed", "entries", "size", "updated", "files"),
        [
            (name, str(f["entries"]), _size(f["bytes"]), age(f["updated"]), ", ".join(f["files"]))
            for name, f in document["feeds"].items()
        ],
    )
    yield from _below(
        ("sink", "sent", "in 24 h", "pending", "oldest", "held", "dead"),
        [
            (
                name if s["configured"] else f"{name} (not configured)",
                *(str(s[key]) for key in ("sent", "sent_24h", "pending")),
                age(s["oldest"]) if s["oldest"] else "",
                *(str(s[key]) for key in ("held", "dead")),
            )
            for name, s in document["sinks"].items()
        ],
    )
    for name, sink in document["sinks"].items():
        yield from (f"  {name}: {inert(line)}" for line in _of_sink(name, sink, now))
    if document.get("workers") or document.get("queues"):
        yield ""
        yield from _table(*fleet_rows(document, age))
        yield fleet_line(document)


_MOMENTS = ("last_new", "last_poll", "next_poll")


def _state(source: Told, now: datetime) -> str:
    if source["state"] != "failing":
        return str(source["state"])
    waits = parse_date(source["not_before"]) if source["not_before"] else None
    return f"{'backing off' if waits and waits > now else 'failing'} ×{source['failures']}"


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1_000_000 else f"{-(-size // 1000)} kB"


def _of_source(source: Told) -> Iterator[str]:
    if source["error"]:
        yield source["error"]
    if source["elsewhere"]:
        yield f"is at {source['elsewhere']}; change its url"
    for problem in source["problems"]:
        yield f"{problem['where']}: {problem['message']}"


def _of_sink(name: str, sink: Told, now: datetime) -> Iterator[str]:
    if sink["disabled"]:
        yield f"wants no more deliveries: {sink['disabled']}; feedbot queue release --sink {name}"
    elif sink["failing_since"]:
        yield f"nothing could be delivered since {told(parse_date(sink['failing_since']), now)}"
    if sink["dead"]:
        yield f"{sink['dead']} given up: feedbot queue list --sink {name} --state dead"


def _below(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    """A table below another one, if there is anything in it."""
    if rows:
        yield ""
        yield from _table(head, rows)


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(width(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        yield "  ".join(fit(cell, wide) for cell, wide in zip(row, widths, strict=True)).rstrip()
