"""Reads commits, folders and contents of a repository that is here, and never fetches any."""

from __future__ import annotations

import difflib
import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO, NamedTuple

from feedbot.errors import SourceError
from feedbot.sources.posts.git import history
from feedbot.sources.posts.git.command import Done, Git, TooLargeError, UnsoundError
from feedbot.sources.posts.git.history import Commit, FileDates, Touched

SHOWN = 10  # names that a hint lists
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HARMFUL = re.compile(r"/(?:\.{0,2}|\.git)/", re.IGNORECASE | re.ASCII)
_MAX_PAIRS = 200  # files gone and come between which likeness is looked for


class Blob(NamedTuple):
    """A file of a commit. ``name`` is its path below the folder asked for, with "/"; ``id`` that of its content.

    ``size`` is None where the content is not here yet. ``mode`` is git's: "100644", "100755", "120000" (a link).
    """

    name: str
    id: str
    size: int | None
    mode: str


class Objects:
    """What a repository holds; ``name`` is what messages call it. Raises UnsoundError where it is damaged."""

    def __init__(self, git: Git, name: Callable[[], str]) -> None:
        self._git = git
        self._name = name

    def here(self, ids: Iterable[str]) -> dict[str, int]:
        """The sizes of those objects that are here."""
        listed = "".join(f"{name}\n" for name in dict.fromkeys(ids))
        lines = self._run("cat-file", "--batch-check", data=listed.encode()).out.decode().splitlines()
        return {line.split()[0]: int(line.split()[2]) for line in lines if not line.endswith(" missing")}

    def tree(self, commit: str, path: str) -> str:
        """The id of the folder at a clean path. Raises SourceError where there is none."""
        if not path:
            return self._run("rev-parse", "--verify", commit + "^{tree}").out.decode().strip()
        for _, kind, tree, _, _ in _entries(self._run("ls-tree", "-z", "-l", commit, "--", path).out):
            if kind == "tree":
                return tree
            what = "another repository (a submodule)" if kind == "commit" else "a file, not a folder"
            raise SourceError(f'"{path}" is {what} in {self._name()}', "set path to the folder of the posts")
        there = sorted(name for _, kind, _, _, name in self._list(commit, "-d") if kind == "tree")
        near = difflib.get_close_matches(path, there, 3) or [name for name in there if "/" not in name][:SHOWN]
        hint = f"there are {', '.join(near)}" if near else "there are no folders in it"
        raise SourceError(f'there is no folder "{path}" in {self._name()}', hint)

    def files(self, commit: str, path: str) -> tuple[Blob, ...]:
        """All files below a clean path, sorted by name."""
        listed = (
            Blob(name, blob, int(size) if size.isdigit() else None, mode)
            for mode, kind, blob, size, name in self._list(self.tree(commit, path) if path else commit)
            if kind == "blob" and harmless(name)
        )
        return tuple(sorted(listed, key=lambda blob: blob.name))

    def contents(
        self, ids: Sequence[str], here: Mapping[str, int], each: int, total: int, out: IO[bytes]
    ) -> dict[str, int]:
        """Write contents into a file, as ``cat-file --batch`` does; gives the sizes of those of at most ``each`` bytes.

        ``here`` has the sizes of what is here. Raises TooLargeError where they have more than ``total`` together.
        """
        fitting = {name: here[name] for name in ids if here.get(name, each + 1) <= each}
        if sum(fitting.values()) > total:
            raise TooLargeError(
                f"the files of {self._name()} have more than {total / 1e6:g} MB", "narrow path or files"
            )
        out.seek(0)
        out.truncate()
        if fitting:
            self._run("cat-file", "--batch", data="".join(f"{name}\n" for name in fitting).encode(), out=out)
            _verify(out, fitting)
        return fitting

    def renames(self, old: str, new: str, path: str) -> dict[str, str]:
        """New name to old name of the files below a folder that moved; none where a commit is not here."""
        sides = [f"{commit}:{path}" if path else commit + "^{tree}" for commit in (old, new)]
        exact = self._git.run("diff-tree", "-r", "-z", "--raw", "-M100%", *sides)
        if exact.code:  # or the folder was not there before
            return {}
        found, gone, come = _moved(exact.out)
        if 0 < len(gone) <= _MAX_PAIRS and 0 < len(come) <= _MAX_PAIRS:
            here = self.here([*gone.values(), *come.values()])
            names = [name for name, blob in (*gone.items(), *come.items()) if blob in here]
            alike = self._git.run("diff-tree", "-r", "-z", "--raw", "-M50%", *sides, "--", *names)
            found |= _moved(alike.out)[0] if names and not alike.code else {}
        return found

    def dates(self, commit: str, kept: str, known: Mapping[str, FileDates]) -> dict[str, FileDates]:
        """When each file came in and was changed last; ``known`` has what is true of the commit ``kept``, if any."""
        follows = bool(kept) and self._git.run("merge-base", "--is-ancestor", kept, commit).code == 0
        options = ("--reverse", "--topo-order", "-z", "-c", "--name-status", "-M100%", history.FILES_FORMAT)
        out = self._run("log", *options, f"{kept}..{commit}" if follows else commit).out
        return history.follow(known if follows else {}, out)

    def commits(self, first: str, last: str) -> tuple[Commit, ...]:
        """The commits of the main line from ``first`` ("" for the oldest) to ``last``, oldest first."""
        out = self._run("log", "--first-parent", "--reverse", "-z", history.COMMIT_FORMAT, last).out
        found = history.commits_of(out)
        begin = next((index for index, commit in enumerate(found) if first in ("", commit.id)), None)
        if begin is None:
            raise SourceError(f"{first[:12]} is not in the history of {last[:12]}", "both must be on one branch")
        return found[begin:]

    def changes(self, first: str, last: str) -> dict[str, list[Touched]]:
        """What each commit of the main line after ``first`` and up to ``last`` did to files, by its id."""
        options = ("--first-parent", "-m", "--reverse", "-z", "--raw", "--no-abbrev", "--no-renames")
        out = self._run("log", *options, history.CHANGES_FORMAT, f"{first}..{last}").out
        return history.changes_of(out)

    def resolve(self, revision: str) -> str:
        """The id of a revision as git writes it. Raises SourceError."""
        done = self._git.run("rev-parse", "--verify", "--quiet", "--end-of-options", revision + "^{commit}")
        found = done.out.decode("utf-8", "replace").strip()
        if done.code or not _ID.fullmatch(found):
            raise SourceError(f'there is no commit "{revision}"', "write an id, or one such as HEAD~20")
        return found

    def _list(self, tree: str, *options: str) -> list[tuple[str, str, str, str, str]]:
        return list(_entries(self._run("ls-tree", "-r", "-z", "-l", *options, tree).out))

    def _run(self, *arguments: str, data: bytes = b"", out: IO[bytes] | None = None) -> Done:
        """Run a command that must succeed where nothing is damaged."""
        done = self._git.run(*arguments, data=data, out=out)
        if done.code:
            raise UnsoundError(f"the clone of {self._name()} is damaged")
        return done


def stream(
    blobs: Sequence[Blob], gather: Callable[[list[str], IO[bytes]], Mapping[str, int]]
) -> Iterator[tuple[Blob, bytes]]:
    """The contents of files in the order given, which ``gather`` puts into a file; those it leaves out are left out."""
    if not blobs:
        return
    for blob in blobs:
        require_id(blob.id)
    with tempfile.TemporaryFile() as contents:
        sizes = gather(list(dict.fromkeys(blob.id for blob in blobs)), contents)
        places = _places(sizes)
        for blob in blobs:
            if blob.id in places:
                contents.seek(places[blob.id])
                yield blob, contents.read(sizes[blob.id])


def clean(path: str) -> str:
    """A path inside a repository, as git writes it. Raises SourceError where it leads out."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts or "\0" in path:
        raise SourceError(f'the path "{path}" leads out of the repository', "write it from the repository's root")
    return "/".join(parts)


def harmless(name: str) -> bool:
    """Whether a name stays below the folder it is in: git's trees can be made by hand."""
    return not _HARMFUL.search(f"/{name}/")


def require_id(name: str) -> None:
    """Raises SourceError where it is no whole id."""
    if not _ID.fullmatch(name):
        raise SourceError(f'"{name}" is no id of a commit or file')


def _entries(out: bytes) -> Iterator[tuple[str, str, str, str, str]]:
    """Mode, kind, id, size and name of what ``ls-tree -z -l`` printed."""
    for line in out.decode("utf-8", "surrogateescape").split("\0"):
        head, tab, name = line.partition("\t")
        if tab:
            mode, kind, blob, size = head.split()
            yield mode, kind, blob, size, name


def _moved(out: bytes) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """Of what ``diff-tree -z --raw`` printed: new to old names, and the ids of what is gone and what has come."""
    moved: dict[str, str] = {}
    gone: dict[str, str] = {}
    come: dict[str, str] = {}
    tokens = iter(out.decode("utf-8", "surrogateescape").split("\0"))
    for head in tokens:
        if not head.startswith(":"):
            continue
        _, _, before, after, status = head.split(" ")
        name = next(tokens, "")
        if status[0] == "R":
            moved[next(tokens, "")] = name
        elif status == "D":
            gone[name] = before
        elif status == "A":
            come[name] = after
    return moved, gone, come


def _places(sizes: Mapping[str, int]) -> dict[str, int]:
    """Where each content begins: behind a line of its own each, and with a line end behind it."""
    places: dict[str, int] = {}
    at = 0
    for name, size in sizes.items():
        at += len(f"{name} blob {size}\n")
        places[name] = at
        at += size + 1
    return places


def _verify(contents: IO[bytes], sizes: Mapping[str, int]) -> None:
    """Raises UnsoundError where a content is not the one of its id, as git itself does not look."""
    for name, place in _places(sizes).items():
        contents.seek(place)
        size = sizes[name]
        digest = hashlib.new("sha1" if len(name) == 40 else "sha256", b"blob %d\0" % size, usedforsecurity=False)
        digest.update(contents.read(size))
        if digest.hexdigest() != name:
            raise UnsoundError("a content is damaged")
