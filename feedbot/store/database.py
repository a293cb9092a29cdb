"""Opens the state wherever it is, and tells what goes wrong with it in a sentence."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from feedbot.errors import StateError
from feedbot.location import Database, Location
from feedbot.store import sqlite


class PassingError(StateError):
    """What may go well when it is tried again: the server was away for a moment, or two stood in each other's way."""


def open_state(location: Location, *, create: bool = True) -> sa.Engine:
    """Open the state, brought to the newest schema; made where none is, if ``create``.

    Raises StateError where it is none, damaged, newer than this program, or cannot be reached or written.
    """
    with explained(location):
        if isinstance(location, Path):
            return sqlite.open_state(location, create=create)
        from feedbot.store import postgres

        return postgres.open_state(location, create=create)


def open_to_read(location: Location) -> sa.Engine:
    """Open the state to look at it, also where it may only be read. Raises StateError as ``open_state``."""
    with explained(location):
        if isinstance(location, Path):
            return sqlite.open_to_read(location)
        from feedbot.store import postgres

        return postgres.open_to_read(location)


def there(location: Location) -> bool:
    """Whether there is a state. Raises StateError where that cannot be told."""
    if isinstance(location, Path):
        return location.exists()
    from feedbot.store import postgres

    with explained(location):
        return postgres.there(location)


@contextlib.contextmanager
def explained(location: Location) -> Iterator[None]:
    """Turn what a database says into a StateError that a person understands."""
    try:
        yield
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        said = error.orig if isinstance(error, sa.exc.DBAPIError) else error
        raise _explain(location, said) from error
    except sa.exc.TimeoutError as error:  # of the pool of connections
        raise PassingError(f"{location}: no connection was free for long", "lower concurrency in [feedbot]") from error
    except OSError as error:
        raise StateError(
            f"{error.filename or location}: {error.strerror}", "check the path and its permissions"
        ) from error


def _explain(location: Location, error: BaseException | None) -> StateError:
    if isinstance(location, Database):
        from feedbot.store import postgres

        return (PassingError if postgres.passes(error) else StateError)(*postgres.explain(location, error))
    return sqlite.explain(location, error)
