"""Transactions on the state, with what goes wrong told in a sentence."""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from feedbot.core.text import storable
from feedbot.location import Location
from feedbot.store.database import PassingError, explained
from feedbot.store.schema import Text
from feedbot.store.sqlite import raw

_CHUNK = 500  # bound variables a statement, far below any database's limit
_PATIENCE = 30.0  # seconds that a server may be away
_PAUSES = (0.05, 0.2, 0.5, 1.0)

Method = TypeVar("Method", bound=Callable[..., Any])


class Transactions:
    """Reading and writing transactions on one database.

    ``alone``: the run lock sees to it that no other process works on it.
    """

    def __init__(self, engine: sa.Engine, location: Location) -> None:
        self.alone = isinstance(location, Path)
        self._engine = engine
        self._location = location
        self._closed = threading.Event()
        snapshot = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._reading = engine.execution_options(reading=True) if self.alone else engine.execution_options(**snapshot)
        # SQLite lets one write at a time, has the others guess when to ask again, and gives up on the unlucky.
        self._writing = threading.Lock() if self.alone else contextlib.nullcontext()

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        """A transaction that sees one state and changes nothing."""
        with explained(self._location), self._reading.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        """A transaction that is committed whole at its end, or not at all."""
        with self._writing, explained(self._location), self._engine.begin() as connection:
            yield connection

    def outside(self, statement: str) -> None:
        """Have the file of a state do what no transaction may hold."""
        with self._writing, explained(self._location), self._engine.connect() as connection:
            raw(connection).executescript(statement)  # as execute() does not run a PRAGMA to its end

    def rest(self, seconds: float) -> bool:
        """Wait; gives whether to go on."""
        return not self._closed.wait(seconds)

    def close(self) -> None:
        self._closed.set()
        self._engine.dispose()


class Rehearsal(Transactions):
    """Transactions of which nothing stays: all are parts of one, which is taken back at the end.

    On a file, which is a copy in memory anyway, it spares what beginning and ending each of them takes.
    """

    def __init__(
        self, engine: sa.Engine, location: Location, prepare: Callable[[sa.Connection], None] = lambda _: None
    ) -> None:
        super().__init__(engine, location)
        self._turn = threading.RLock()
        with explained(location):
            self._all = engine.connect()
            prepare(self._all)

    @contextlib.contextmanager
    def read(self) -> Iterator[sa.Connection]:
        with self._turn, explained(self._location):
            yield self._all

    @contextlib.contextmanager
    def write(self) -> Iterator[sa.Connection]:
        with self._turn, explained(self._location), self._all.begin_nested():
            yield self._all

    def close(self) -> None:
        with explained(self._location):
            self._all.close()
        super().close()


def persistent(method: Method) -> Method:
    """Have a method of the store, which may be run twice, run again for half a minute where a server is away.

    A transaction whose commit was not answered may have been committed: run again, it finds that its rows are no
    longer as it expects them, and changes nothing.
    """

    @functools.wraps(method)
    def patient(self: Any, *given: Any, **named: Any) -> Any:
        transactions: Transactions = self._transactions
        end, pauses = time.monotonic() + _PATIENCE, iter(_PAUSES)
        while True:
            try:
                return method(self, *given, **named)
            except PassingError:
                if time.monotonic() > end or not transactions.rest(next(pauses, _PAUSES[-1])):
                    raise

    return cast(Method, patient)


def upsert(table: sa.Table) -> sqlite.Insert:
    """An INSERT that may go on with ``on_conflict_do_...``, for PostgreSQL too (see feedbot.store.postgres)."""
    return sqlite.insert(table)


class Bulk:
    """A statement that writes many rows, compiled once for each kind of database.

    The rows are tuples of what the database's driver takes, in the order of the names, which are those of columns or
    of parameters: times as whole microseconds, JSON as text. What writing through expressions costs a row is spared.
    """

    def __init__(self, statement: sa.Insert | sa.Update, *names: str) -> None:
        self._statement = statement
        self._names = names
        self._compiled: dict[str, tuple[str, list[int], Callable[[Sequence[Any]], Any]]] = {}

    def __call__(self, connection: sa.Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """Write the rows; gives how many rows of the table that touched, where the driver can tell."""
        if not rows:
            return 0
        statement, texts, parameters = self._for(connection.dialect)
        values = [_storable(row, texts) for row in rows] if texts else rows
        return connection.exec_driver_sql(statement, list(map(parameters, values))).rowcount

    def _for(self, dialect: sa.Dialect) -> tuple[str, list[int], Callable[[Sequence[Any]], Any]]:
        """The statement as the database has it, where texts stand in a row, and what makes its parameters of one."""
        if dialect.name not in self._compiled:
            names = self._names
            compiled = self._statement.compile(dialect=dialect, column_keys=list(names), for_executemany=True)
            if compiled.positional:
                parameters: Callable[[Sequence[Any]], Any] = itemgetter(*map(names.index, compiled.positiontup or ()))
            else:

                def parameters(row: Sequence[Any]) -> Any:
                    return dict(zip(names, row, strict=True))

            texts = [at for at, name in enumerate(names) if isinstance(compiled.binds[name].type, Text)]
            self._compiled[dialect.name] = (str(compiled), texts, parameters)
        return self._compiled[dialect.name]


def _storable(row: tuple[Any, ...], texts: Sequence[int]) -> Sequence[Any]:
    values = list(row)
    for at in texts:
        if values[at] is not None:
            values[at] = storable(values[at])
    return values


def unless_taken(query: sa.Select[Any]) -> sa.Select[Any]:
    """The query as one that locks the rows it finds, and leaves out those that another transaction has locked.

    With SQLite it stays as it is: nobody else writes meanwhile.
    """
    return query.with_for_update(skip_locked=True)


def in_chunks(
    connection: sa.Connection, values: Sequence[Any], query: Callable[[Sequence[Any]], sa.Executable]
) -> Iterator[Any]:
    """The rows of a query that asks for many values, a bounded number at a time."""
    for start in range(0, len(values), _CHUNK):
        yield from connection.execute(query(values[start : start + _CHUNK]))


def in_parts(connection: sa.Connection, values: Sequence[Any], statement: sa.Executable, **given: Any) -> Iterator[Any]:
    """The same of a statement that takes the values as ``part``: made once, as making it costs more than running it."""
    for start in range(0, len(values), _CHUNK):
        yield from connection.execute(statement, {"part": values[start : start + _CHUNK], **given})


def one_of_part(column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Whether a column is among the values that ``in_parts`` gives a statement."""
    return column.in_(sa.bindparam("part", expanding=True))
