"""What a poll and a claim cost beside an empty state and one of millions, and what a first poll costs to store.

    python -m benchmarks.state [--postgres] [ENTRIES ...]

Run in the folder that has ``tests``, which --postgres has its server from. The figures are CPU milliseconds, medians
over some rounds: of this process and, with --postgres, of the server's processes that work for it. Each entry has a
key and two deliveries that were sent. The ratios are to the first, which is the empty state where none is named.
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from feedbot.core import identity
from feedbot.core.fingerprint import fingerprints
from feedbot.engine.compare import compare
from feedbot.location import Location
from feedbot.model import DeliveryState, Document, EditKind, Item, Memory
from feedbot.store.outbox import Outcome
from feedbot.store.poll import AddedEntry, EditedEntry, Planned, Poll
from feedbot.store.store import Store

SIZES = (0, 5_000_000)
SOURCES = 500
DELIVERIES = 2  # of each entry
ROUNDS = 60
WINDOW = 35  # items of a feed
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PARTS = ("poll", "claim", "mark", "newest", "look", "forget")
COLUMNS = {
    "sources": "pk, name, polled, entries",
    "entries": "source_pk, id, id_key, sort_at, first_seen, text_print, metadata_print, whole_print, data",
    "aliases": "source_pk, key, entry_pk",
    "outbox": "key, sink, entry_pk, change, revision, state, created_at, not_before, planned_at, done_at, delivered",
}

_SIZES = """
SELECT name, pg_relation_size(name::regclass), rows FROM (
    SELECT relname AS name, reltuples AS rows FROM pg_class WHERE relnamespace = 'public'::regnamespace
       AND relkind IN ('r', 'i')) AS every WHERE rows >= 1000 ORDER BY name
"""

_INDEXES = """
SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
   AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""

T = TypeVar("T")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="on a server that is started for it, not on SQLite")
    parser.add_argument("sizes", nargs="*", type=int, metavar="ENTRIES")
    given = parser.parse_args()
    print(f"{'entries':>10}  " + "  ".join(f"{name:>14}" for name in PARTS) + "   CPU ms, times the first")
    first: dict[str, float] = {}
    for size in given.sizes or SIZES:
        with _on_postgres(size) if given.postgres else _on_sqlite(size) as (location, watch):
            found = beside(location, watch)
        first = first or found
        shown = (f"{found[name]:7.2f} ({found[name] / first[name]:3.1f})" for name in PARTS)
        print(f"{size:>10}  " + "  ".join(f"{text:>14}" for text in shown), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(f"a first poll of {WINDOW} entries: {first_polls(Path(folder) / 'feedbot.db'):.2f} CPU ms to store")


@contextlib.contextmanager
def _on_sqlite(number: int) -> Iterator[tuple[Location, Callable[[], float]]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "feedbot.db"
        Store.open(path).close()
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA synchronous = OFF")
            numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {number}) "
            rows = numbers + "SELECT {values} FROM n"
            for statement in _filling(number, rows, "printf('%032x', i)", "CAST(printf('%016d', i) AS BLOB)"):
                database.execute(statement)
            database.commit()
        yield path, lambda: 0.0


@contextlib.contextmanager
def _on_postgres(number: int) -> Iterator[tuple[Location, Callable[[], float]]]:
    import psycopg

    from tests.support.postgres import Databases, own_server

    with own_server() as server:
        database = Databases(server.url).empty()
        Store.open(database).close()
        with psycopg.connect(database.url, autocommit=True) as connection:
            connection.execute("SET session_replication_role = replica")  # what is made here refers to what is there
            connection.execute("SET maintenance_work_mem = '512MB'")
            indexes = connection.execute(_INDEXES).fetchall()  # made anew of all rows at once
            for name, _ in indexes:
                connection.execute(f"DROP INDEX {name}")
            rows = "SELECT {values} FROM generate_series(1, {number}) AS n(i)"
            text = "lpad(to_hex(i), 32, '0')"
            for statement in _filling(number, rows, text, f"decode({text}, 'hex')", "({})::json"):
                connection.execute(statement)
            for _, definition in indexes:
                connection.execute(definition)
            connection.execute("VACUUM ANALYZE")
            yield database, lambda: _server_cpu(connection)
            for name, size, rows in connection.execute(_SIZES).fetchall() if number else ():
                print(f"{name:>40}  {size / 1e6:9.1f} MB  {size / max(rows, 1):6.0f} bytes a row")


def _filling(number: int, rows: str, text: str, key: str, json: str = "{}") -> Iterator[str]:
    """Statements that make so many entries of many sources, with their keys and deliveries."""
    micros = int(NOW.timestamp()) * 1_000_000
    data = f"""'{{"title":"T","content":"<p>' || {text} || ' said a post of some length, and went on a while</p>"}}'"""
    none, done = json.format("'[]'"), f"{micros} - 60000000"
    source, at, prints = f"1 + i % {SOURCES}", f"{micros} - CAST(i AS BIGINT) * 1000000", f"{text}, {text}, {text}"
    values = {
        "sources": (SOURCES, f"i, 's' || i, TRUE, {number // SOURCES}"),
        "entries": (number, f"{source}, 'old-' || i, {key}, {at}, {at}, {prints}, {json.format(data)}"),
        "aliases": (number, f"{source}, {key}, i"),
        "outbox": (
            number * DELIVERIES,
            f"{text}, 'log', 1 + (i - 1) / {DELIVERIES}, 'new', 1, 'sent', {at}, {at}, {at}, {done}, {none}",
        ),
    }
    for table, (count, columns) in values.items():
        if count:
            yield f"INSERT INTO {table} ({COLUMNS[table]}) " + rows.format(values=columns, number=count)


def _server_cpu(connection: Any) -> float:
    """Seconds of CPU that the server's processes took that work on this database, but this one."""
    pids = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    ).fetchall()
    return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for (pid,) in pids) / 1e9


def beside(location: Location, server_cpu: Callable[[], float]) -> dict[str, float]:
    """What each part of a poll that brings an entry and an edit, and of what follows it, costs.

    "poll" claims the source, compares and commits; "claim" and "mark" are of one delivery.
    """
    store = Store.open(location)
    items = [made(f"first-{n}") for n in range(WINDOW)]
    commit(store, "s1", tuple(map(added, items)))
    parts: dict[str, list[float]] = {name: [] for name in PARTS}

    def measured(name: str, work: Callable[[], T]) -> T:
        before = server_cpu()  # which takes none of the time that is measured
        begun = time.process_time()
        result = work()
        spent = time.process_time() - begun
        parts[name].append((spent + server_cpu() - before) * 1000)
        return result

    for number in range(ROUNDS):
        measured("poll", lambda number=number: poll(store, items, number))  # type: ignore[misc]
        (claimed,) = measured("claim", lambda: store.outbox.claim("log", "lease", NOW + timedelta(minutes=2), NOW))
        sent = Outcome(pks=[claimed.delivery.pk], state=DeliveryState.SENT, at=NOW)
        measured("mark", lambda sent=sent: store.outbox.mark([sent], "lease"))  # type: ignore[misc]
        measured("newest", lambda: list(islice(store.entries.newest(["s1", "s2", "s3"]), 50)))
        measured("look", lambda: look(store))
        measured("forget", lambda: store.retention.prune(NOW - timedelta(days=90)))
    store.close()
    return {name: statistics.median(figures) for name, figures in parts.items()}


def poll(store: Store, items: list[Item], number: int) -> None:
    """A poll whose document has one entry more and one with another text, from the claim to the commit."""
    store.sources.claim(["s1"], "lease", NOW + timedelta(minutes=15), NOW)
    fresh, edited = made(f"new-{number}"), replace(items[0], content=f"<p>edit {number}</p>")
    found = compare(Document(items=(fresh, edited, *items[1:])), "s1", store.knowledge)
    known = found.edited[0].known
    edit = EditedEntry(
        pk=known.pk, revision=known.revision + 1, content=edited, sort_at=NOW, edit=EditKind.TEXT, revised=True,
        restored=False, fingerprints=found.edited[0].fingerprints, keys=found.edited[0].keys.all,
    )  # fmt: skip
    new = replace(added(fresh), deliveries=(Planned(sink="log", key=f"k{number}"),))
    written(store, "s1", (new,), (edit,))


def look(store: Store) -> None:
    """What is asked beside the work: what waits, for whom, since when, and what a dead process left."""
    store.deliveries.waiting()
    store.outbox.due_sinks(NOW)
    store.deliveries.backlog()
    store.outbox.recover(NOW)


def first_polls(location: Location, feeds: int = 100) -> float:
    """What storing the first poll of a feed costs."""
    store = Store.open(location)
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


if __name__ == "__main__":
    main()
