"""Writes the files of one commit after another into a folder, each time only those that changed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from feedbot.sources.posts.git.objects import Blob

# What a blog is read from: posts, author files, images. A repository may hold a theme and a site beside it.
_SUFFIXES = frozenset("md mdx markdown mdown json toml yml yaml png jpg jpeg gif webp avif svg qmd rst".split())
_EACH = 5_000_000
_TOTAL = 1_000_000_000


class Archive(Protocol):
    """A repository, here or elsewhere."""

    def files(self, commit: str, path: str = "") -> tuple[Blob, ...]: ...

    def read(self, blobs: Sequence[Blob], *, each: int, total: int) -> Iterator[tuple[Blob, bytes]]: ...


class Checkout:
    """A folder that holds the regular files of a commit; those that no blog is read from are empty."""

    def __init__(self, archive: Archive, folder: Path) -> None:
        self._archive = archive
        self._folder = folder
        self._there: dict[str, Blob] = {}

    def prefetch(self, commits: Sequence[str]) -> None:
        """Have what all of these commits hold at hand, fetched at once."""
        wanted = {blob.id: blob for commit in commits for blob in self._wanted(commit).values() if _told(blob)}
        for _ in self._archive.read(list(wanted.values()), each=_EACH, total=_TOTAL):
            return  # with the first all are here

    def switch(self, commit: str) -> bool:
        """Make the folder hold the files of a commit; tells whether any is another. Raises SourceError, OSError."""
        wanted = self._wanted(commit)
        gone = [name for name in self._there if name not in wanted]
        come = [blob for name, blob in wanted.items() if self._id(name) != blob.id]
        for name in (*gone, *(blob.name for blob in come if blob.name in self._there)):
            self._remove(name)
        for blob in come:
            if not _told(blob):
                self._write(blob.name, b"")
        for blob, content in self._archive.read([b for b in come if _told(b)], each=_EACH, total=_TOTAL):
            self._write(blob.name, content)
        self._folder.mkdir(parents=True, exist_ok=True)
        self._there = wanted
        return bool(gone or come)

    def _wanted(self, commit: str) -> dict[str, Blob]:
        return {blob.name: blob for blob in self._archive.files(commit) if blob.mode != "120000"}

    def _write(self, name: str, content: bytes) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def _id(self, name: str) -> str:
        return self._there[name].id if name in self._there else ""

    def _remove(self, name: str) -> None:
        path = self._folder / name
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # it holds something else still
            os.removedirs(path.parent)


def _told(blob: Blob) -> bool:
    """Whether a blog may be read from a file; of the others, their names alone may tell what wrote it."""
    return "/" not in blob.name or blob.name.rpartition(".")[2].lower() in _SUFFIXES
