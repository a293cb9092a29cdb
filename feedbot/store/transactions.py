"""Transactions on the state, with what goes wrong told in a sentence."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from feedbot.store.database import explained

_CHUNK = 500  # bound variables a statement, far below any database's limit


class Transactions:
    """Reading and writing transactions on one database."""

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self._engine = engine
        self._path = path
        # SQLite lets one write at a time, has the others guess when to ask again, and gives up on the unlucky.
        self._writing = threading.Lock()

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state and changes nothing."""
        with explained(self._path), self._engine.connect().execution_options(reading=True) as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that is committed whole at its end, or not at all."""
        with self._writing, explained(self._path), self._engine.begin() as connection:
            yield connection

    def close(self) -> None:
        self._engine.dispose()


def upsert(table: sa.Table) -> sqlite.Insert:
    """An INSERT that may go on with ``on_conflict_do_...``; PostgreSQL's own has the same methods."""
    return sqlite.insert(table)


def in_chunks(
    connection: sa.Connection, values: Sequence[Any], query: Callable[[Sequence[Any]], sa.Executable]
) -> Iterator[Any]:
    """The rows of a query that asks for many values, a bounded number at a time."""
    for start in range(0, len(values), _CHUNK):
        yield from connection.execute(query(values[start : start + _CHUNK]))
