"""Goes through the commits of a repository one by one, all of which are read at once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from feedbot.sources.posts.git.history import Commit, FileDates, Touched
from feedbot.sources.posts.git.objects import Blob, harmless

# What a blog is read from: posts, author files, images. A repository may hold a theme and a site beside it.
_SUFFIXES = frozenset("md mdx markdown mdown json toml yml yaml png jpg jpeg gif webp avif svg qmd rst".split())
_EACH = 20_000_000
_TOTAL = 2_000_000_000
_FOLDER = "160000"  # another repository (a submodule)


class Archive(Protocol):
    """A repository, here or elsewhere."""

    def files(self, commit: str, path: str = "") -> tuple[Blob, ...]: ...

    def read(self, blobs: Sequence[Blob], *, each: int, total: int) -> Iterator[tuple[Blob, bytes]]: ...

    def changes(self, first: str, last: str) -> Mapping[str, Sequence[Touched]]: ...

    def renames(self, old: str, new: str, path: str = "") -> Mapping[str, str]: ...

    def history(self, commit: str, path: str = "") -> Mapping[str, FileDates]: ...


class Past:
    """A repository as it was at one of its commits (``switch``), with all that a blog is read from at hand.

    ``commits`` follow one another on one line. What is read of a commit costs no process of git's, but for files that
    moved, and for dates from the history. Raises SourceError.
    """

    def __init__(self, archive: Archive, commits: Sequence[Commit]) -> None:
        self._archive = archive
        self._ids = [commit.id for commit in commits]
        self._places: dict[str, tuple[int, int]] = {}
        self._contents = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._changes = archive.changes(self._ids[0], self._ids[-1])
        first = archive.files(self._ids[0])
        self._gather((*first, *(Blob(one.name, one.id, None, one.mode) for one in self._touched(self._ids[1:]))))
        self._files = {blob.name: self._sized(blob) for blob in first}
        self._number = 0

    def switch(self, commit: str) -> bool:
        """Go on to a later commit; tells whether any file is another then."""
        number = self._ids.index(commit, self._number)
        before = dict(self._files)
        for one in self._touched(self._ids[self._number + 1 : number + 1]):
            self._files.pop(one.name, None)
            if one.id:
                self._files[one.name] = self._sized(Blob(one.name, one.id, None, one.mode))
        self._number = number
        return self._files != before

    def close(self) -> None:
        """Let go of the contents."""
        self._contents.close()

    def head(self) -> str:
        """The commit that it is at."""
        return self._ids[self._number]

    def fetch(self, commit: str) -> None:
        """All is here."""

    def files(self, commit: str) -> tuple[Blob, ...]:
        """All files of the commit that it is at, sorted by name."""
        if commit != self.head():
            return self._archive.files(commit)
        return tuple(self._files[name] for name in sorted(self._files))

    def read(self, blobs: Sequence[Blob], *, each: int, total: int) -> Iterator[tuple[Blob, bytes]]:
        """The contents of files, in the order given; without those of more than ``each`` bytes."""
        for blob in blobs:
            if blob.id not in self._places:
                yield from self._archive.read([blob], each=each, total=total)
            elif self._places[blob.id][1] <= each:
                yield blob, self._content(blob.id)

    def renames(self, old: str, new: str, path: str = "") -> Mapping[str, str]:
        """New name to old name of the files below ``path`` that moved between two commits."""
        start = self._ids.index(old) + 1
        touched = list(self._touched(self._ids[start : self._ids.index(new) + 1]))
        moved = any(not one.id for one in touched) and any(one.id for one in touched)
        return self._archive.renames(old, new, path) if moved else {}

    def history(self, commit: str, path: str = "") -> Mapping[str, FileDates]:
        """When the files below ``path`` came in and were changed last, by name."""
        return self._archive.history(commit, path)

    def _touched(self, commits: Iterable[str]) -> Iterator[Touched]:
        """What commits did to the files that may be read."""
        for commit in commits:
            for one in self._changes.get(commit, ()):
                if harmless(one.name):
                    yield Touched(one.name, "", one.mode) if one.mode == _FOLDER else one

    def _gather(self, blobs: Iterable[Blob]) -> None:
        """Have all contents that are read at hand, fetched at once."""
        wanted = {blob.id: blob for blob in blobs if blob.id and _told(blob)}
        at = 0
        for blob, content in self._archive.read(list(wanted.values()), each=_EACH, total=_TOTAL):
            self._contents.write(content)
            self._places[blob.id] = (at, len(content))
            at += len(content)

    def _sized(self, blob: Blob) -> Blob:
        _, size = self._places.get(blob.id, (0, blob.size))
        return Blob(blob.name, blob.id, size, blob.mode)

    def _content(self, blob: str) -> bytes:
        at, size = self._places[blob]
        self._contents.seek(at)
        return self._contents.read(size)


def _told(blob: Blob) -> bool:
    """Whether a blog may be read from a file; of the others, their names alone may tell what wrote it."""
    return "/" not in blob.name or blob.name.rpartition(".")[2].lower() in _SUFFIXES
