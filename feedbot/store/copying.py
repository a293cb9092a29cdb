"""Copies a whole state from one database to another, of the same kind or the other."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from feedbot.core.text import storable
from feedbot.errors import StateError
from feedbot.files import sync_folder
from feedbot.location import Database, Location
from feedbot.model import DeliveryState
from feedbot.store import sqlite
from feedbot.store.database import explained, open_state, open_to_read
from feedbot.store.fleet import SILENCE
from feedbot.store.schema import Moment, metadata, outbox, sources, workers

_BATCH = 1000
_OF_PROCESSES = ("turns", "workers")
"""Tables of those who work on a state, and no part of it."""
_TABLES = [table for table in metadata.sorted_tables if table.name not in _OF_PROCESSES]
_OWN = ("meta",)
"""Tables that have rows as soon as there is a state."""


def copy(
    origin: Location,
    target: Location,
    now: datetime,
    progress: Callable[[str, int], None] = lambda _table, _rows: None,
) -> dict[str, int]:
    """Copy the state at ``origin`` to ``target``, which has none yet, or an empty one; gives the rows of each table.

    All is copied, of one moment, or nothing. ``progress`` is told what is done. Raises StateError where the target
    holds something, where a feedbot is at work on a database to be copied, and as ``open_state``.
    """
    if origin == target:
        raise StateError(f"{origin} is to be copied to itself", "name two states")
    with contextlib.ExitStack() as stack:
        with explained(origin):
            engine = open_to_read(origin)
            stack.callback(engine.dispose)
            reading = stack.enter_context(_snapshot(engine))
            _refuse_busy(reading, origin, now)
        writing = stack.enter_context(_filled(target))
        places = origin, target
        return {table.name: _copy_table(table, reading, writing, places, progress) for table in _TABLES}


@contextlib.contextmanager
def _snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection that sees the state of one moment, however long it takes."""
    how = {"reading": True} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.connect().execution_options(**how) as connection:
        if engine.dialect.name != "sqlite":
            connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield connection


def _refuse_busy(reading: sa.Connection, origin: Location, now: datetime) -> None:
    """What is done to a state while it is copied would be lost; a file has its run lock against that."""
    if not isinstance(origin, Database):
        return
    polled = sa.select(sources.c.pk).where(sources.c.lease_until > now)
    sent = sa.select(outbox.c.pk).where(outbox.c.state == DeliveryState.SENDING.value, outbox.c.lease_until > now)
    there = sa.select(workers.c.id).where(workers.c.seen_at > now - SILENCE)
    if any(reading.execute(query.limit(1)).first() for query in (there, polled, sent)):
        raise StateError(
            f"a feedbot works on {origin}",
            "stop all that do (feedbot status shows them); what a killed one had claimed is free in 15 minutes",
        )


@contextlib.contextmanager
def _filled(target: Location) -> Iterator[sa.Connection]:
    """A writing transaction on an empty state, which is there as a whole once the caller is done, or not at all."""
    if isinstance(target, Database):
        with explained(target):
            engine = open_state(target)
            try:
                with engine.begin() as writing:
                    writing.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
                    writing.exec_driver_sql("LOCK TABLE meta, sources, outbox IN EXCLUSIVE MODE")
                    _refuse_full(writing, target)
                    yield writing
                    _set_sequences(writing)
            finally:
                engine.dispose()
        return
    if target.exists():
        raise StateError(f"{target} is there already", "name another file, or move that one away")
    with explained(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".feedbot-", suffix=".part", dir=target.parent)
        os.close(handle)
        part = Path(name)
        try:
            part.unlink()
            engine = open_state(part)
            try:
                with engine.begin() as writing:
                    yield writing
                with engine.connect() as connection:
                    sqlite.raw(connection).executescript("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                engine.dispose()
            part.replace(target)
            sync_folder(target.parent)
        finally:
            for leftover in (part, Path(f"{name}-wal"), Path(f"{name}-shm")):
                leftover.unlink(missing_ok=True)


def _refuse_full(writing: sa.Connection, target: Location) -> None:
    for table in _TABLES:
        if table.name not in _OWN and writing.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise StateError(f"{target} holds a state that is in use: there are {table.name}", "name an empty database")


def _copy_table(
    table: sa.Table,
    reading: sa.Connection,
    writing: sa.Connection,
    places: tuple[Location, Location],
    progress: Callable[[str, int], None],
) -> int:
    origin, target = places
    written = 0
    with explained(target):
        writing.execute(sa.delete(table))  # of a table that has rows from the beginning
    rows = _rows(table, reading, origin)
    while some := list(islice(rows, _BATCH)):
        with explained(target):
            _insert(table, writing, some, target)
        written += len(some)
        progress(table.name, written)
    with explained(origin), explained(target):
        number = sa.select(sa.func.count()).select_from(table)
        before, there = reading.execute(number).scalar_one(), writing.execute(number).scalar_one()
    if not before == written == there:
        raise StateError(f"of {before} rows of {table.name} {there} came to {target}", "nothing was copied; try again")
    return written


def _rows(table: sa.Table, reading: sa.Connection, origin: Location) -> Iterator[tuple[Any, ...]]:
    """The rows of a table in the order of its key, as drivers take them: moments as numbers, JSON as text."""
    query = sa.select(*map(_plain, table.columns)).order_by(*table.primary_key.columns)
    with explained(origin):
        for row in reading.execute(query, execution_options={"yield_per": _BATCH}):
            yield tuple(storable(value) if isinstance(value, str) else value for value in row)


def _plain(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    if isinstance(column.type, sa.JSON):
        return sa.cast(column, sa.Text)
    return sa.type_coerce(column, sa.BigInteger) if isinstance(column.type, Moment) else column


def _insert(table: sa.Table, writing: sa.Connection, rows: Sequence[tuple[Any, ...]], target: Location) -> None:
    names = ", ".join(column.name for column in table.columns)
    if isinstance(target, Database):
        from feedbot.store import postgres

        postgres.load(writing, target, f"COPY {table.name} ({names}) FROM STDIN", rows)
    else:
        marks = ", ".join("?" * len(table.columns))
        writing.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", list(rows))


def _set_sequences(writing: sa.Connection) -> None:
    """Have further rows numbered after those that were copied, and the planner know how many there are."""
    for table in _TABLES:
        key = table.autoincrement_column
        if key is not None:
            last = f"SELECT max({key.name}) FROM {table.name}"
            sequence = f"pg_get_serial_sequence('{table.name}', '{key.name}')"
            writing.exec_driver_sql(f"SELECT setval({sequence}, ({last})) WHERE ({last}) IS NOT NULL")
    writing.exec_driver_sql("ANALYZE " + ", ".join(table.name for table in _TABLES))
