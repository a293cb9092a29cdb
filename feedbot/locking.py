"""One feedbot at a time works on a state that is a file."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from feedbot.errors import LockedError, StateError
from feedbot.location import Database, Location


@contextlib.contextmanager
def run_lock(state: Location) -> Iterator[None]:
    """Hold the lock of a state, which ends with its process whatever happens. Raises LockedError, StateError.

    On a database of PostgreSQL any number may work, as each takes up rows that nobody else has (see feedbot.store).
    """
    if isinstance(state, Database):
        yield
        return
    from filelock import FileLock, Timeout

    lock = FileLock(f"{state}.lock", timeout=0, mode=0o600)
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise LockedError(f"another feedbot works on {state}", "wait for it to end, or stop it") from None
    except OSError as error:
        raise StateError(
            f"{error.filename or lock.lock_file}: {error.strerror}", "check the folder of the state"
        ) from error
    try:
        yield
    finally:
        lock.release()
