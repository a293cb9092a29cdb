"""Care for the state: backups while it is in use, and a look at whether it is sound."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from feedbot.errors import StateError
from feedbot.files import sync_folder
from feedbot.location import Location
from feedbot.store.database import explained, open_to_read
from feedbot.store.sqlite import raw

_SHOWN = 20


def backup(path: Path, target: Path) -> int:
    """Copy the state at ``path`` to ``target``, whole and of one moment, while others go on using it.

    Gives its size in bytes. Raises StateError where the state cannot be read, or ``target`` is there already or
    cannot be written.
    """
    with explained(path):
        engine = open_to_read(path)
    try:
        if target.exists():
            raise StateError(f"{target} is there already", "give another name; a backup replaces nothing")
        with explained(target), engine.connect() as connection:
            target.parent.mkdir(parents=True, exist_ok=True)
            copy(connection, target)
            return target.stat().st_size
    finally:
        engine.dispose()


def copy(connection: sa.Connection, target: Path) -> None:
    """Copy a state to ``target``, which is there whole or not at all."""
    handle, name = tempfile.mkstemp(prefix=".feedbot-", suffix=".part", dir=target.parent)
    os.close(handle)
    part = Path(name)
    try:
        written = sqlite3.connect(part)
        try:
            raw(connection).backup(written)
            written.execute("PRAGMA journal_mode = DELETE")
        finally:
            written.close()
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
        sync_folder(target.parent)
    finally:
        for leftover in (part, Path(f"{name}-journal"), Path(f"{name}-wal"), Path(f"{name}-shm")):
            leftover.unlink(missing_ok=True)


def faults(location: Location) -> list[str]:
    """What is wrong with the state, nothing where it is sound. Raises StateError where it cannot be read."""
    with explained(location):
        engine = open_to_read(location)
        try:
            with engine.connect() as connection:
                if isinstance(location, Path):
                    return list(_faults(raw(connection)))
                from feedbot.store import postgres

                return postgres.faults(connection)
        finally:
            engine.dispose()


def _faults(connection: sqlite3.Connection) -> Iterator[str]:
    for (line,) in connection.execute(f"PRAGMA integrity_check({_SHOWN})"):
        if line != "ok":
            yield str(line)
    for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check").fetchmany(_SHOWN):
        yield f"row {row} of {table} belongs to a row of {parent} that is not there"
