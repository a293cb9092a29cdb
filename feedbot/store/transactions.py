"""Transactions on the state, with what goes wrong told in a sentence."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
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


class Bulk:
    """An INSERT of many rows, compiled once for each kind of database.

    The rows are tuples of what the database's driver takes, in the order of the names: times as whole
    microseconds, JSON as text. What an INSERT through expressions costs a row is spared.
    """

    def __init__(self, statement: sa.Insert, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._compiled: dict[str, tuple[str, Callable[[tuple[Any, ...]], Any]]] = {}

    def __call__(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            text, parameters = self._for(connection.dialect)
            connection.exec_driver_sql(text, list(map(parameters, rows)))

    def _for(self, dialect: sa.Dialect) -> tuple[str, Callable[[tuple[Any, ...]], Any]]:
        """The statement as the database has it, and what makes its parameters of a row."""
        if dialect.name not in self._compiled:
            compiled = self._statement.compile(dialect=dialect, column_keys=list(self._names))
            names = self._names
            if compiled.positional:
                parameters: Callable[[tuple[Any, ...]], Any] = itemgetter(*map(names.index, compiled.positiontup or ()))
            else:

                def parameters(row: tuple[Any, ...]) -> Any:
                    return dict(zip(names, row, strict=True))

            self._compiled[dialect.name] = (str(compiled), parameters)
        return self._compiled[dialect.name]


def in_chunks(
    connection: sa.Connection, values: Sequence[Any], query: Callable[[Sequence[Any]], sa.Executable]
) -> Iterator[Any]:
    """The rows of a query that asks for many values, a bounded number at a time."""
    for start in range(0, len(values), _CHUNK):
        yield from connection.execute(query(values[start : start + _CHUNK]))
