"""Reads a repository on this machine, which is never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from feedbot.errors import SourceError
from feedbot.sources.posts.git.command import Git
from feedbot.sources.posts.git.history import Commit, FileDates, Touched, below
from feedbot.sources.posts.git.objects import Blob, Objects, clean, stream


class LocalRepository:
    """The repository that a folder is in: ``root`` is its top, ``below`` the folder's path from there.

    ``shallow``: commits before its oldest one are missing. All methods raise SourceError.
    """

    def __init__(self, folder: Path, *, timeout: float = 30.0) -> None:
        self.root, git_folder = _find(folder.resolve())
        self.below = folder.resolve().relative_to(self.root).as_posix()
        common = git_folder / "commondir"  # of a linked working tree
        shared = git_folder / common.read_text().strip() if common.is_file() else git_folder
        self.shallow = (shared / "shallow").exists()
        self._objects = Objects(Git(git_folder, timeout), lambda: str(self.root))
        self._dates: tuple[str, Mapping[str, FileDates]] = ("", {})

    def files(self, commit: str, path: str = "") -> tuple[Blob, ...]:
        """All files of a commit below ``path``, sorted by name."""
        return self._objects.files(commit, clean(path))

    def read(self, blobs: Sequence[Blob], *, each: int, total: int) -> Iterator[tuple[Blob, bytes]]:
        """The contents of files, in the order given; without those of more than ``each`` bytes."""
        return stream(blobs, lambda ids, out: self._objects.contents(ids, self._objects.here(ids), each, total, out))

    def commits(self, first: str, last: str) -> tuple[Commit, ...]:
        """The commits of the main line from ``first`` ("" for the oldest) to ``last``, both included, oldest first."""
        return self._objects.commits(first, last)

    def changes(self, first: str, last: str) -> Mapping[str, Sequence[Touched]]:
        """What each commit of the main line after ``first`` and up to ``last`` did to files, by its id."""
        return self._objects.changes(first, last)

    def history(self, commit: str, path: str = "") -> Mapping[str, FileDates]:
        """When the files below ``path`` came in and were changed last, by name; nothing where commits are missing."""
        if self.shallow:
            return {}
        self._dates = commit, self._objects.dates(commit, *self._dates)
        return below(self._dates[1], clean(path), (blob.name for blob in self.files(commit, path)))

    def renames(self, old: str, new: str, path: str = "") -> Mapping[str, str]:
        """New name to old name of the files below ``path`` that moved between two commits."""
        return self._objects.renames(old, new, clean(path))

    def resolve(self, revision: str) -> str:
        """The id of a revision as git writes it."""
        return self._objects.resolve(revision)


def _find(folder: Path) -> tuple[Path, Path]:
    """The top of the repository that holds a folder, and the folder that git keeps it in."""
    for root in (folder, *folder.parents):
        inner = root / ".git"
        if inner.is_dir():
            return root, inner
        if inner.is_file():  # a linked working tree, or a submodule
            return root, root / inner.read_text().removeprefix("gitdir:").strip()
        if (root / "HEAD").is_file() and (root / "objects").is_dir():
            return root, root
    raise SourceError(f"{folder} is in no git repository", "a history is needed to replay")
