"""Where feeds are published to: a folder, or something else that files can be put into."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Protocol

from feedbot import files

Mark = list[int]
"""What a file is known again by: its size, when it was written in nanoseconds, and more where that does not do."""


class OutputError(OSError):
    """What could not be written or read, with what to do about it."""

    def __init__(self, place: str, message: str, hint: str = "") -> None:
        super().__init__(0, message, place)
        self.hint = hint


class OvertakenError(OutputError):
    """Another publisher wrote meanwhile, perhaps of what is newer: nothing was written."""


class Output(Protocol):
    """What publishing writes to. Paths are relative, with "/"; everything raises OSError."""

    def look(self) -> None:
        """Take note of what is there, before it is read from the state what is to be there."""
        ...

    def write(self, path: str, data: bytes, media_type: str) -> bool:
        """Put a file there, whole or not at all; False where it is there already. Raises OvertakenError."""
        ...

    def keep(self, path: str, file: Path) -> None:
        """Put a copy of a file there whose path names its content, unless it is there."""
        ...

    def read(self, path: str) -> bytes | None:
        """What a file holds, None where there is none."""
        ...

    def mark(self, path: str) -> Mark:
        """What a file that is there is known again by."""
        ...

    def as_written(self, written: Mapping[str, Mark]) -> bool:
        """Whether all files are there as they were written."""
        ...

    def has(self, path: str) -> bool:
        """Whether there is a file."""
        ...

    def remove(self, path: str, written: Mark) -> bool:
        """Remove a file that is as it was written; gives whether it is gone."""
        ...

    def sweep(self, folders: Iterable[str]) -> None:
        """Remove what a killed run left half written in these folders."""
        ...


class Folder:
    """A folder, which a web server serves."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def look(self) -> None:
        """Nothing: what is there is looked at when it is asked for."""

    def write(self, path: str, data: bytes, media_type: str) -> bool:  # noqa: ARG002
        return files.write_atomic(self._path / path, data)

    def keep(self, path: str, file: Path) -> None:
        if not (self._path / path).is_file():
            files.write_atomic(self._path / path, file.read_bytes())

    def read(self, path: str) -> bytes | None:
        try:
            return (self._path / path).read_bytes()
        except FileNotFoundError:
            if (self._path / path).is_symlink():
                raise
            return None

    def mark(self, path: str) -> Mark:
        stat = os.stat(f"{self._path}/{path}")  # noqa: PTH116 (a Path of each of many files costs more than the look)
        return [stat.st_size, stat.st_mtime_ns]

    def as_written(self, written: Mapping[str, Mark]) -> bool:
        try:
            return all(self.mark(path) == known for path, known in written.items())
        except OSError:
            return False

    def has(self, path: str) -> bool:
        return (self._path / path).is_file()

    def remove(self, path: str, written: Mark) -> bool:
        target = self._path / path
        try:
            if ".." in PurePosixPath(path).parts or target.is_symlink() or not target.is_file():
                return False
            if not target.parent.resolve().is_relative_to(self._path.resolve()) or self.mark(path) != written:
                return False
            target.unlink()
            for parent in self._below(target):
                parent.rmdir()
        except OSError:  # may not be removed, or the folder has other files: it stays
            return not target.exists()
        return True

    def sweep(self, folders: Iterable[str]) -> None:
        for folder in folders:
            files.sweep(self._path / folder)

    def _below(self, target: Path) -> Iterator[Path]:
        for parent in target.parents:
            if parent == self._path:
                return
            yield parent
