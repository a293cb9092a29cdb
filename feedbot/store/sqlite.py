"""The state as a file of SQLite: never a fresh one in place of one that cannot be used."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from feedbot.errors import StateError
from feedbot.files import sync_folder
from feedbot.store import schema
from feedbot.store.codec import JSON

APPLICATION_ID = 0x66656564  # "feed": what PRAGMA application_id of a state file says
_CACHE = 1024  # KiB a connection, of which there are some; what they leave out the system's own cache has
_STATEMENTS = 32  # a connection that are kept prepared
_BUSY_SECONDS = 5
_JOURNAL = 4_000  # pages, 16 MB: a round writes the same ones again and again, each of which then goes to the file once


def open_state(path: Path, *, create: bool = True) -> sa.Engine:
    """Open the state file at ``path``, brought to the newest schema; made where none is, if ``create``.

    Raises StateError where it is no state file, damaged, newer than this program, locked or not writable.
    """
    if not path.exists():
        if not create:
            raise _no_state(path)
        journal = Path(f"{path}-wal")
        if journal.exists() and journal.stat().st_size:
            raise StateError(
                f"{path} is gone, but its journal {journal.name} is still there",
                "bring the file back, or remove the journal to begin anew",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path)
    else:
        _recognise(path)
    if not _writable(path):
        raise StateError(f"{path} cannot be written", "check who owns it and its folder")
    engine = _engine(f"file:{_quoted(path)}?mode=rw")
    try:
        _bring_up(engine, path, keep=True)
    except BaseException:
        engine.dispose()
        raise
    return engine


def open_to_read(path: Path) -> sa.Engine:
    """Open the state file at ``path`` to look at it, also where it and its folder may only be read.

    Raises StateError where there is none, and for what ``open_state`` raises it.
    """
    if not path.exists():
        raise _no_state(path)
    if _writable(path):  # with it come the locks that let a run go on meanwhile
        return open_state(path, create=False)
    _recognise(path)
    if Path(f"{path}-wal").exists():
        with contextlib.suppress(sa.exc.DBAPIError):
            return _engine_to_read(path, "mode=ro")
    # Without a journal at hand nobody writes, or nobody lets us see what is written.
    return _engine_to_read(path, "mode=ro&immutable=1")


def open_copy(path: Path) -> sa.Engine:
    """Open a copy in memory of the state at ``path`` (an empty one where there is none)."""
    engine = sa.create_engine(
        "sqlite://", poolclass=sa.pool.StaticPool, connect_args={"check_same_thread": False}, **JSON
    )
    _prepare(engine)
    if path.exists():
        _recognise(path)
        source = _engine(f"file:{_quoted(path)}?mode=rw") if _writable(path) else open_to_read(path)
        try:
            with source.connect() as read, engine.connect() as write:
                raw(read).backup(raw(write))
        finally:
            source.dispose()
        _bring_up(engine, path, keep=False)
    else:
        _fill(engine)
    return engine


def explain(path: Path, error: BaseException | None) -> StateError:
    """A sentence for an error of SQLite, with what to do."""
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        return StateError(f"{path} is locked by another program", "wait for it to end, or stop it")
    if "readonly" in text or "read-only" in text:
        return StateError(f"{path} cannot be written", "check who owns it and its folder")
    if "disk is full" in text or "disk i/o" in text:
        return StateError(f"{path}: {error}", "make room on the disk; nothing was announced that is not stored")
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return StateError(f"{path} is damaged, or no feedbot state: {error}", "restore a backup; it was left as it is")
    if "no such table" in text or "no such column" in text:
        return StateError(f"{path} is not whole: {error}", "restore a backup; it was left as it is")
    if "unable to open" in text:
        return StateError(f"{path} cannot be opened", "check the path and its permissions")
    return StateError(f"{path}: {error}", "the state was left as it is")


def raw(connection: sa.Connection) -> sqlite3.Connection:
    """The sqlite3 connection under a connection of SQLAlchemy."""
    driver: Any = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _no_state(path: Path) -> StateError:
    return StateError(f"there is no state at {path} yet", "feedbot run makes it")


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)


def _engine_to_read(path: Path, mode: str) -> sa.Engine:
    engine = _engine(f"file:{_quoted(path)}?{mode}", writes=False)
    try:
        if _version(engine) != schema.REVISION:
            raise StateError(
                f"{path} was written by another version of feedbot", "feedbot run by its owner brings it up to date"
            )
    except BaseException:
        engine.dispose()
        raise
    return engine


def _engine(uri: str, *, writes: bool = True) -> sa.Engine:
    engine = sa.create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(
            uri, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False, cached_statements=_STATEMENTS
        ),
        poolclass=sa.pool.QueuePool,
        pool_size=8,
        max_overflow=64,
        pool_use_lifo=True,  # each connection has a cache of its own: as few of them as will do
        **JSON,
    )
    _prepare(engine, writes=writes)
    return engine


def _prepare(engine: sa.Engine, *, writes: bool = True) -> None:
    @sa.event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where SQLAlchemy says so, see below
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
        cursor.execute(f"PRAGMA cache_size = -{_CACHE}")
        if writes:
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.execute(f"PRAGMA wal_autocheckpoint = {_JOURNAL}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begun(connection: sa.Connection) -> None:
        # A deferred transaction that turns into a writing one fails at once when another writes.
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _make(path: Path) -> None:
    """Make a state file whole or not at all: under another name first."""
    handle, name = tempfile.mkstemp(prefix=".feedbot-", suffix=".part", dir=path.parent)
    os.close(handle)
    part = Path(name)
    try:
        with contextlib.closing(sqlite3.connect(part)) as fresh:
            fresh.execute("PRAGMA auto_vacuum = INCREMENTAL")  # room is given back in small steps
            fresh.execute("VACUUM")
        engine = _engine(f"file:{_quoted(part)}?mode=rw")
        try:
            _fill(engine)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                raw(connection).execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            engine.dispose()
        part.chmod(0o600)
        part.replace(path)
        sync_folder(path.parent)
    finally:
        for leftover in (part, Path(f"{name}-wal"), Path(f"{name}-shm")):
            leftover.unlink(missing_ok=True)


def _fill(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        schema.make(connection)


def _recognise(path: Path) -> None:
    """Read the file's header, before a database library touches a file that is not feedbot's."""
    if path.stat().st_size == 0:
        raise StateError(
            f"{path} is empty, so that what was announced is not known",
            "restore a backup, or remove the file to begin anew",
        )
    with path.open("rb") as file:
        header = file.read(100)
    if not header.startswith(b"SQLite format 3\0") or len(header) < 100:
        raise StateError(f"{path} is damaged, or no feedbot state", "restore a backup; it was left as it is")
    if int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise StateError(f"{path} is a database of another program", "give another path as state")


def _bring_up(engine: sa.Engine, path: Path, *, keep: bool) -> None:
    """Bring the state at ``path``, or what was made of it, to the newest schema; to ``keep`` it, a copy stays there."""
    version = _version(engine)
    if version == schema.REVISION:
        return
    from feedbot.store.migrate import check_known, upgrade_file

    check_known(version, path)
    with engine.connect() as connection:
        # A table is changed by making it anew; as the former one goes, so would all that points to it.
        raw(connection).execute("PRAGMA foreign_keys = OFF")
        try:
            with connection.begin():
                upgrade_file(connection, path, keep=keep)
        finally:
            raw(connection).execute("PRAGMA foreign_keys = ON")


def _version(engine: sa.Engine) -> Any:
    with engine.connect().execution_options(reading=True) as connection:
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def _quoted(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
