"""Reads a repository elsewhere: which commit is newest, which files it has, what is in those that changed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TypeVar

from feedbot.errors import SourceError
from feedbot.sources.posts.git import history
from feedbot.sources.posts.git.address import Access
from feedbot.sources.posts.git.clone import BRANCH, Clone
from feedbot.sources.posts.git.command import Git, TooLargeError, UnsoundError
from feedbot.sources.posts.git.history import Commit, FileDates, Touched, below
from feedbot.sources.posts.git.objects import SHOWN, Blob, Objects, clean, require_id, stream
from feedbot.sources.posts.git.remote import Remote

NOBODY = Access()
_ODD_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^[-/]|//|[./]$|\.lock$")
_FETCH = ("fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--no-auto-gc",
          "--filter=blob:none")  # fmt: skip
_HEAD_ROOM = 1_000_000  # bytes of a pack beside those of a content
Result = TypeVar("Result")


class Repository:
    """A repository at an address, of which a bare, shallow clone without contents is kept in ``folder``.

    All methods raise SourceError. What they do in one poll, which ``head`` begins, takes at most ``timeout`` seconds
    of git's; one fetch brings at most ``max_bytes``. A clone that is damaged is made anew.
    """

    def __init__(
        self,
        address: str,
        folder: Path,
        *,
        branch: str = "",
        access: Access = NOBODY,
        timeout: float = 30.0,
        max_bytes: int = 100_000_000,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clone = Clone(folder)
        self._git = Git(self._clone.path, timeout)
        self._remote = Remote(address, access, self._git, self._clone, clock)
        self._objects = Objects(self._git, lambda: self._remote.name)
        self._branch = branch.removeprefix("refs/heads/")
        self._max_bytes = max_bytes
        self._commit = ""
        self._sure = ""  # the commit that was seen to be here in this poll

    def head(self) -> str:
        """The id of the newest commit of the branch (none set: the repository's own), by asking the other side."""
        self._git.begin()
        self._remote.begin()
        self._sure = ""
        if _ODD_BRANCH.search(self._branch):
            raise SourceError(f'"{self._branch}" is no name of a branch', "write one such as main")
        wanted = f"refs/heads/{self._branch}" if self._branch else "HEAD"
        found = self._sound(lambda: self._references(wanted))
        if wanted in found:
            return found[wanted]
        heads = self._sound(lambda: self._references("refs/heads/*"))
        branches = sorted(name.removeprefix("refs/heads/") for name in heads)
        if not branches:
            raise SourceError(f"{self._remote.name} has no commit yet", "push a first one")
        near = difflib.get_close_matches(self._branch, branches, 3)
        listed = ", ".join(dict.fromkeys((*near, *branches[:SHOWN])))
        if not self._branch:
            raise SourceError(f"{self._remote.name} does not say which branch is its main one", f"set branch: {listed}")
        raise SourceError(f'{self._remote.name} has no branch "{self._branch}"', f"there are {listed}")

    def fetch(self, commit: str) -> None:
        """Have a commit here, with its tree and without contents: at no cost where it is here already."""
        self._sound(lambda: self._need(commit))

    def tree(self, commit: str, path: str = "") -> str:
        """The id of the folder at ``path``, which is equal as long as nothing in it changes."""
        return self._sound(lambda: self._tree(commit, path))

    def files(self, commit: str, path: str = "") -> tuple[Blob, ...]:
        """All files below ``path``, sorted by name; without submodules, and without names that lead out of it."""
        return self._sound(lambda: self._files(commit, path))

    def read(self, blobs: Sequence[Blob], *, each: int, total: int) -> Iterator[tuple[Blob, bytes]]:
        """The contents of files, all that are missing fetched in one request; in the order given.

        Those of more than ``each`` bytes are left out. Raises SourceError where all together have more than ``total``.
        """

        def gather(ids: Sequence[str], out: IO[bytes]) -> Mapping[str, int]:
            if self._commit:
                self._need(self._commit)
            here = self._objects.here(ids)
            if missing := [name for name in ids if name not in here]:
                self._fetch_blobs(missing, each + _HEAD_ROOM, self._max_bytes)
                here |= self._objects.here(missing)
            return self._objects.contents(ids, here, each, total, out)

        return stream(blobs, lambda ids, out: self._sound(lambda: gather(ids, out)))

    def renames(self, old: str, new: str, path: str = "") -> Mapping[str, str]:
        """New name to old name of the files below ``path`` that moved between two commits.

        Files that were edited as well count where their contents are here. Without ``old`` here nothing is told.
        """

        def read() -> Mapping[str, str]:
            require_id(old)
            self._need(new)
            return self._objects.renames(old, new, clean(path))

        return self._sound(read)

    def history(self, commit: str, path: str = "") -> Mapping[str, FileDates]:
        """When the files below ``path`` came in and were changed last, by name; fetches all commits for it.

        Nothing is told where the other side lacks commits itself: its oldest one seems to have brought all files.
        """

        def read() -> Mapping[str, FileDates]:
            dates = self._dates(commit)
            return below(dates, clean(path), (blob.name for blob in self._files(commit, path)))

        return self._sound(read)

    def commits(self, first: str, last: str) -> tuple[Commit, ...]:
        """The commits from ``first`` ("" for the oldest) to ``last``, both included, oldest first.

        Of a merge only what it was merged into is followed: that is what a reader of the branch saw.
        """

        def read() -> tuple[Commit, ...]:
            self._deepen(last)
            return self._objects.commits(first, last)

        return self._sound(read)

    def changes(self, first: str, last: str) -> Mapping[str, Sequence[Touched]]:
        """What each commit of the main line after ``first`` and up to ``last`` did to files, by its id."""

        def read() -> Mapping[str, Sequence[Touched]]:
            self._deepen(last)
            return self._objects.changes(first, last)

        return self._sound(read)

    def resolve(self, commit: str, revision: str) -> str:
        """The id of a revision as git writes it (a short id, ``HEAD~20``), where HEAD is ``commit``."""

        def read() -> str:
            self._deepen(commit)
            self._git.run("update-ref", BRANCH, commit)
            return self._objects.resolve(revision)

        return self._sound(read)

    def _sound(self, action: Callable[[], Result]) -> Result:
        """Do something with the clone; where that turns out to be damaged, once more with a new one."""
        with self._clone.held(self._git):
            try:
                return action()
            except UnsoundError:
                self._clone.discard()
                self._sure = ""
                return action()

    def _references(self, wanted: str) -> dict[str, str]:
        self._clone.prepare(self._git)
        return self._remote.references(wanted)

    def _need(self, commit: str) -> None:
        require_id(commit)
        if commit == self._sure:
            return
        if self._clone.worn:
            self._clone.discard()
        self._clone.prepare(self._git, "sha1" if len(commit) == 40 else "sha256")
        if commit not in self._objects.here([commit]):
            depth = ("--depth=1",) if self._clone.shallow or not self._clone.size() else ()
            try:
                self._remote.run(*_FETCH, *depth, "--", "feedbot", f"+{commit}:{BRANCH}", most=self._max_bytes)
            except TooLargeError:
                if self._clone.size() > self._max_bytes:  # it was all there before anybody looked
                    self._clone.discard()
                raise
        self._commit = self._sure = commit

    def _deepen(self, commit: str) -> None:
        self._need(commit)
        if self._clone.shallow:
            self._remote.run(*_FETCH, "--unshallow", "--", "feedbot", f"+{commit}:{BRANCH}", most=self._max_bytes)

    def _tree(self, commit: str, path: str) -> str:
        self._need(commit)
        return self._objects.tree(commit, clean(path))

    def _files(self, commit: str, path: str) -> tuple[Blob, ...]:
        self._need(commit)
        return self._objects.files(commit, clean(path))

    def _fetch_blobs(self, ids: Sequence[str], least: int, most: int) -> None:
        """Fetch contents in one request of at most ``most`` bytes.

        Where that is too little they are fetched in halves, each with half of it but not less than ``least``, so
        that one which is too large costs only itself.
        """
        listed = "".join(f"{name}\n" for name in ids)
        settings = {"fetch.negotiationAlgorithm": "noop"}
        self._clone.prepare(self._git, "sha1" if len(ids[0]) == 40 else "sha256")
        try:
            self._remote.run(*_FETCH, "--stdin", "feedbot", data=listed.encode(), settings=settings, most=most)
        except TooLargeError:
            if len(ids) == 1:
                return
            half = len(ids) // 2
            self._fetch_blobs(ids[:half], least, max(least, most // 2))
            self._fetch_blobs(ids[half:], least, max(least, most // 2))

    def _dates(self, commit: str) -> Mapping[str, FileDates]:
        kept, dates = history.load(self._clone.history)
        if kept == commit:
            return dates
        self._deepen(commit)
        if self._clone.shallow:
            return {}
        dates = self._objects.dates(commit, kept, dates)
        try:
            history.save(self._clone.history, commit, dates)
        except OSError as error:
            raise SourceError(f"{self._clone.history} cannot be written: {error.strerror}") from error
        return dates
