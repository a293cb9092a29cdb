"""What one poll costs beside a thousand and a million stored entries, and what a first poll costs to store.

    python benchmarks/state.py [ENTRIES ...]

The figures are CPU milliseconds of this process, medians over some rounds; the state is filled by plain inserts.
"""

from __future__ import annotations

import contextlib
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TypeVar

from feedbot.core import identity
from feedbot.core.fingerprint import fingerprints
from feedbot.engine.compare import compare
from feedbot.model import DeliveryState, Document, EditKind, Item, Memory
from feedbot.store.poll import AddedEntry, EditedEntry, Planned, Poll
from feedbot.store.store import Store

SIZES = (1_000, 1_000_000)
SOURCES = 500
ROUNDS = 30
WINDOW = 35  # items of a feed
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

T = TypeVar("T")

_FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :number)
INSERT INTO {table} SELECT {values} FROM n
"""
_DATA = """'{"title":"T","content":"<p>' || hex(i) || ' said a post of some length, and went on for a while</p>"}'"""


def main(sizes: list[int]) -> None:
    print(f"{'entries':>10}  {'compare':>8}  {'commit':>8}  {'newest':>8}  {'deliver':>8}  {'count':>8}   CPU ms")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "feedbot.db"
            fill(path, size)
            print(f"{size:>10}  " + "  ".join(f"{figure:8.2f}" for figure in beside(path)))
    with tempfile.TemporaryDirectory() as folder:
        print(f"a first poll of {WINDOW} entries: {first_polls(Path(folder) / 'feedbot.db'):.2f} CPU ms to store")


def fill(path: Path, number: int) -> None:
    """Make a state of so many entries of many sources, each with a key and a delivery that was sent."""
    Store.open(path).close()
    micros = int(NOW.timestamp()) * 1_000_000
    print_of = "printf('%032x', i)"
    values = {
        "sources (pk, name, polled, entries)": f"i, 's' || i, 1, {number // SOURCES}",
        "entries (source_pk, id, sort_at, first_seen, text_print, metadata_print, whole_print, data)":
            f"1 + i % {SOURCES}, 'old-' || i, {micros} - i * 60000000, {micros}, {print_of}, {print_of}, "
            f"{print_of}, {_DATA}",
        "aliases (source_pk, key, entry_pk)": f"1 + i % {SOURCES}, randomblob(16), i",
        "outbox (key, sink, entry_pk, change, revision, state, created_at, not_before, planned_at, delivered)":
            f"{print_of}, 'log', i, 'new', 1, 'sent', {micros}, {micros}, {micros}, '[]'",
    }  # fmt: skip
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous = OFF")
        for table, columns in values.items():
            rows = SOURCES if table.startswith("sources") else number
            database.execute(_FILL.format(table=table, values=columns), {"number": rows})


def beside(path: Path) -> list[float]:
    """What each part of a poll that brings an entry and an edit costs: compare, commit, newest, deliver, count."""
    store = Store.open(path)
    names = [f"s{n}" for n in range(1, 4)]
    items = [made(f"first-{n}") for n in range(WINDOW)]
    commit(store, "s1", tuple(map(added, items)))
    parts: list[list[float]] = [[] for _ in range(5)]
    for number in range(ROUNDS):
        fresh, edited = made(f"new-{number}"), replace(items[0], content=f"<p>edit {number}</p>")
        document = Document(items=(fresh, edited, *items[1:]))
        found, spent = timed(lambda document=document: compare(document, "s1", store.sources))  # type: ignore[misc]
        parts[0].append(spent)
        known = found.edited[0].known
        edit = EditedEntry(
            pk=known.pk, revision=known.revision + 1, content=edited, sort_at=NOW, edit=EditKind.TEXT, revised=True,
            restored=False, fingerprints=found.edited[0].fingerprints, keys=found.edited[0].keys.all,
        )  # fmt: skip
        planned = (Planned(sink="log", key=f"k{number}"),)
        new = (replace(added(fresh), deliveries=planned),)
        store.sources.claim(["s1"], "lease", NOW + timedelta(minutes=15), NOW)
        parts[1].append(timed(lambda new=new, edit=edit: written(store, "s1", new, (edit,)))[1])  # type: ignore[misc]
        parts[2].append(timed(lambda: list(islice(store.entries.newest(names), 50)))[1])
        parts[3].append(timed(lambda: deliver(store))[1])
        parts[4].append(
            timed(lambda: (store.outbox.waiting(), store.outbox.due_sinks(NOW), store.outbox.recover(NOW)))[1]
        )
    store.close()
    return [statistics.median(part) for part in parts]


def first_polls(path: Path, feeds: int = 100) -> float:
    """What storing the first poll of a feed costs."""
    store = Store.open(path)
    polls = [(f"f{feed}", tuple(added(made(f"{feed}-{n}", words=400)) for n in range(WINDOW))) for feed in range(feeds)]
    store.sources.claim([name for name, _ in polls], "lease", NOW + timedelta(minutes=15), NOW)
    begun = time.process_time()
    for name, new in polls:
        written(store, name, new)
    spent = (time.process_time() - begun) * 1000
    store.close()
    return spent / feeds


def made(name: str, words: int = 20) -> Item:
    return Item(
        id=name,
        keys=(f"id:{name}",),
        url=f"https://blog.example/{name}/",
        title=name,
        content=f"<p>{'word ' * words}{name}</p>",
        published=NOW,
    )


def added(item: Item) -> AddedEntry:
    keys = identity.with_text(identity.keys(item), item).all
    return AddedEntry(id=item.id, content=item, sort_at=NOW, fingerprints=fingerprints(item, False), keys=keys)


def commit(store: Store, name: str, new: tuple[AddedEntry, ...]) -> None:
    store.sources.claim([name], "lease", NOW + timedelta(minutes=15), NOW)
    written(store, name, new)


def written(store: Store, name: str, new: tuple[AddedEntry, ...], edits: tuple[EditedEntry, ...] = ()) -> None:
    due = NOW + timedelta(minutes=30)
    poll = Poll(source=name, lease="lease", at=NOW, next_poll=due, memory=Memory(), added=new, edited=edits)
    store.sources.commit([poll])


def deliver(store: Store) -> None:
    claimed = store.outbox.claim("log", "lease", NOW + timedelta(minutes=2), NOW)
    assert claimed is not None
    store.outbox.mark(claimed.pk, "lease", DeliveryState.SENT, NOW)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    begun = time.process_time()
    result = work()
    return result, (time.process_time() - begun) * 1000


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or list(SIZES))
