"""The tables of the queue: made by Procrastinate's own statements, in a schema of their own beside the state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from feedbot.errors import StateError
from feedbot.location import Database
from feedbot.store import postgres
from feedbot.store.schema import meta
from feedbot.store.transactions import Transactions, persistent, upsert

_MAKING = 2  # the second half of the number of the advisory lock
_VERSION = "queue"  # the row of meta that has the version of the queue's tables
_SCHEMA = "current_schema() || '_jobs'"

_COUNTS = """
SELECT queue_name, count(*) FILTER (WHERE status = 'todo') AS waiting,
       count(*) FILTER (WHERE status = 'doing') AS running
FROM procrastinate_jobs WHERE status IN ('todo', 'doing') GROUP BY queue_name
"""


class Depth(Struct, frozen=True):
    """How many jobs of a queue wait, and how many are being done."""

    waiting: int = 0
    running: int = 0


class Jobs:
    """The tables of the queue; only a state in PostgreSQL has them."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def prepare(self) -> str:
        """Make the tables, or bring them up to the library's version; gives the name of their schema.

        Raises StateError where they are newer than the library, or may not be made.
        """
        with self._transactions.write() as connection:
            postgres.lock(connection, _MAKING)
            name = str(connection.exec_driver_sql(f"SELECT {_SCHEMA}").scalar_one())
            noted = connection.execute(sa.select(meta.c.value).where(meta.c.name == _VERSION)).scalar()
            known = noted if _there(connection) else None  # as the note may have come here with a copied state
            steps = _migrations()
            newest = steps[-1][0]
            if known == newest:
                return name
            if known is not None and known > newest:
                raise StateError(
                    f"the queue was made by a newer procrastinate (tables {known}, this one knows {newest})",
                    "pip install --upgrade 'feedbot[scale]'",
                )
            quoted = connection.dialect.identifier_preparer.quote_identifier(name)
            row = upsert(meta).values(name=_VERSION, value=newest)
            connection.execute(row.on_conflict_do_update(index_elements=["name"], set_={"value": newest}))
            if known is None:
                # Tables of unknown age go, with jobs that are no more than hints at what the state says.
                if _there(connection):
                    connection.exec_driver_sql(f"DROP SCHEMA {quoted} CASCADE")
                connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {quoted}")
            connection.exec_driver_sql(f"SET LOCAL search_path TO {quoted}")
            for path in [_schema()] if known is None else [path for version, path in steps if version > known]:
                _run(connection, path)
            return name

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """A transaction in which jobs may be put on the queue: the driver's own connection."""
        with self._transactions.write() as connection:
            yield reaching_jobs(connection)

    @persistent
    def depths(self) -> dict[str, Depth]:
        """How much waits in each queue; nothing where no worker has ever been at work."""
        with self._transactions.read() as connection:
            if not _there(connection):
                return {}
            reaching_jobs(connection)
            rows = connection.exec_driver_sql(_COUNTS).all()
            return {row.queue_name: Depth(row.waiting, row.running) for row in rows}


def reaching_jobs(connection: sa.Connection) -> Any:
    """Have the tables of the queue found in a transaction too; gives the driver's own connection."""
    connection.exec_driver_sql(
        f"SELECT set_config('search_path', quote_ident({_SCHEMA}) || ',' || current_setting('search_path'), true)"
    )
    return connection.connection.driver_connection


def jobs_options(database: Database, schema: str) -> dict[str, str]:
    """What the library's own connections are opened with, so that they find its tables."""
    import psycopg

    given = psycopg.conninfo.conninfo_to_dict(database.url)
    path = schema.replace("\\", "\\\\").replace(" ", "\\ ")
    options = f"{given.get('options') or ''} -c search_path={path}"
    return {"conninfo": psycopg.conninfo.make_conninfo(database.url, options=options.strip())}


def _there(connection: sa.Connection) -> bool:
    table = f"SELECT to_regclass(quote_ident({_SCHEMA}) || '.procrastinate_jobs')"
    return connection.exec_driver_sql(table).scalar() is not None


def _schema() -> Path:
    return _migrations_folder().parent / "schema.sql"


def _migrations_folder() -> Path:
    from procrastinate.schema import SchemaManager

    return Path(SchemaManager.get_migrations_path())


def _migrations() -> list[tuple[str, Path]]:
    """The library's migrations in their order, by version."""
    return sorted((path.stem[: len("00.00.00_00")], path) for path in _migrations_folder().glob("*.sql"))


def _run(connection: sa.Connection, path: Path) -> None:
    # Without parameters, psycopg sends the text as it is: many statements at once.
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute(path.read_text(encoding="utf-8"))
