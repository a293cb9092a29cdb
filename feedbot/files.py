"""Files that are there whole or not at all, whatever happens while they are written."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from io import FileIO
from pathlib import Path

from feedbot import faults

_PREFIX = ".feedbot-"
_RUN = os.urandom(4).hex()
_SUFFIX = ".part"


def write_atomic(path: Path, data: bytes, mode: int = 0o644) -> bool:
    """Make ``path`` hold ``data``; False, with the file untouched, when it does already.

    The bytes go to a temporary file beside it, which is synced and renamed; then the folder is synced.
    Raises OSError; the old file stays then.
    """
    try:
        if path.stat().st_size == len(data) and path.read_bytes() == data:
            return False
    except OSError:
        pass  # not there or not readable: written anew, or the reason comes up below
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=_own(), suffix=_SUFFIX, dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        faults.reach("file-written")
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
    faults.reach("file-renamed")
    return True


def append(file: FileIO, data: bytes) -> None:
    """Add bytes at the end of a file for good: all, or none of them. Raises OSError."""
    size = file.seek(0, os.SEEK_END)
    try:
        left = memoryview(data)
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            file.truncate(size)
        raise


def sync_folder(folder: Path) -> None:
    """Make renames in a folder last through a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> int:
    """Remove temporary files that another run left in a folder when it was killed; gives how many."""
    found = [part for part in folder.glob(f"{_PREFIX}*{_SUFFIX}*") if not part.name.startswith(_own())]
    for part in found:
        part.unlink(missing_ok=True)
    return len(found)


def _own() -> str:
    """How the names of this process's temporary files begin."""
    return f"{_PREFIX}{_RUN}{os.getpid():x}-"
