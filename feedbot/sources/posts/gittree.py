"""Finds the files of a blog in a commit of a git repository."""

from __future__ import annotations

import posixpath
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import ClassVar, Protocol

from feedbot.errors import SourceError
from feedbot.files import write_atomic
from feedbot.sources.posts import datafiles
from feedbot.sources.posts.datafiles import DataFiles
from feedbot.sources.posts.git import Blob, FileDates
from feedbot.sources.posts.presets import Preset
from feedbot.sources.posts.scan import printable
from feedbot.sources.posts.tree import AUTHOR_FILES, IMAGES, MAX_IMAGE, Found, Globs, hidden

MAX_TOTAL = 2_000_000_000
"""Bytes that are read of a repository in one go."""
_LINK = "120000"
_NAMES = 20_000  # of files, of which is known what they tell
_AUTHOR_FILES = tuple(f".{suffix}" for suffix in sorted(AUTHOR_FILES))


class Archive(Protocol):
    """A repository, as far as reading a commit of it takes."""

    def files(self, commit: str) -> tuple[Blob, ...]: ...

    def read(self, blobs: Sequence[Blob], *, each: int, total: int) -> Iterator[tuple[Blob, bytes]]: ...

    def history(self, commit: str, path: str = "") -> Mapping[str, FileDates]: ...


class GitTree:
    """What lies in a commit (see tree.Tree); ``path`` is the folder of the blog in it.

    ``copies`` is the folder for the images to publish. Raises SourceError where there is no post, or no such commit.
    """

    near: ClassVar[bool] = False
    exact: ClassVar[bool] = True

    def __init__(self, repository: Archive, commit: str, copies: Path) -> None:
        self.commit = commit
        self.folder = ""
        self.posts: Sequence[Found] = ()
        self.images: Mapping[str, Found] = {}
        self.authors: Sequence[Found] = ()
        self.refused: Mapping[str, str] = {}
        self.data = DataFiles()
        self._repository = repository
        self._copies = copies
        self._blobs = {blob.name: blob for blob in repository.files(commit)}
        self._names = sorted(self._blobs)

    def top(self, path: str) -> tuple[str, ...]:
        """The names in a folder, those of folders with a slash."""
        start = f"{path}/" if path else ""
        below = (name.removeprefix(start).partition("/") for name in self._blobs if name.startswith(start))
        return tuple(dict.fromkeys(first + slash for first, slash, _ in below))

    def content(self, path: str) -> bytes:
        """The content of a small file anywhere in the commit. Raises OSError."""
        if path not in self._blobs:
            raise OSError(0, "it is not there")
        _, data = next(iter(self.read((self._found(path, self._blobs[path]),), MAX_IMAGE)))
        if isinstance(data, OSError):
            raise data
        return data

    def choose(self, path: str, rules: Preset, top: str = "") -> None:
        """Look for the posts, the images, the author and the data files of a blog in the folder ``path``.

        The data files are those of folders below ``top``.
        """
        self.folder = self._base(path, rules.folders)
        kind_of = _kinds(rules.files, rules.data_files)
        posts: list[Found] = []
        images: dict[str, Found] = {}
        refused: dict[str, str] = {}
        data: dict[str, Found | str] = {}
        for name, blob in self._below(self.folder):
            kind = kind_of(name)
            if not kind:
                continue
            reason = _refusal(name, blob)
            if kind == "data":
                data[name] = reason or self._found(name, blob)
            elif reason:
                refused[printable(name)] = reason
            elif kind == "image":
                images[name] = self._found(name, blob)
            else:
                posts.append(self._found(name, blob))
        if not posts:
            where = f'the folder "{self.folder}"' if self.folder else "the repository"
            raise SourceError(
                f"there are no posts in {where}", f"looked for {', '.join(rules.files)}; set path or files"
            )
        self.posts = sorted(posts, key=itemgetter(0))  # by name
        self.images = images
        self.refused = refused
        self.authors = self._authors(rules.authors_data)
        if rules.data_files:
            self.data = self._data(top, data)

    def read(self, files: Iterable[Found], limit: int) -> Iterator[tuple[Found, bytes | OSError]]:
        wanted = [(file, self._blobs[file.path]) for file in files]
        contents = self._repository.read([blob for _, blob in wanted], each=limit, total=MAX_TOTAL)
        got = next(contents, None)
        for file, blob in wanted:
            if got is not None and got[0] == blob:
                yield file, got[1]
                got = next(contents, None)
            else:
                yield file, OSError(0, f"it is larger than {limit / 1e6:g} MB")

    def beside(self, name: str) -> Found | str:
        path = posixpath.normpath(posixpath.join(self.folder, name))
        if path.startswith("../"):
            return "is outside of the repository"
        blob = self._blobs.get(path)
        if blob is None:
            return "does not exist"
        return self._found(name, blob, path) if blob.mode != _LINK else "is a link"

    def mark(self, name: str) -> str:
        found = self.beside(name)
        return found if isinstance(found, str) else found.stamp

    def where(self, name: str) -> str:
        return next(
            (file.path for file in self.authors if file.name == name),
            posixpath.normpath(posixpath.join(self.folder, name)),
        )

    def commits(self) -> Mapping[str, tuple[datetime, datetime, str]]:
        history = self._repository.history(self.commit, self.folder)
        return {_named(name): (told.first, told.last, told.author) for name, told in history.items()}

    def export(self, images: Mapping[str, Found]) -> Mapping[str, str]:
        paths = {name: self._copies / name for name in images}
        missing = {image: name for name, image in images.items() if not paths[name].is_file()}
        for image, data in self.read(missing, MAX_IMAGE):
            if isinstance(data, OSError):
                raise SourceError(f"{image.path} cannot be copied: {data.strerror}")
            write_atomic(paths[missing[image]], data)
        if self._copies.is_dir():
            for unused in {path.name for path in self._copies.iterdir()} - paths.keys():
                (self._copies / unused).unlink()
        return {name: str(path) for name, path in paths.items()}

    def _base(self, path: str, folders: Sequence[str]) -> str:
        if path and not self._is_folder(path):
            raise SourceError(f'there is no folder "{path}" in the repository', "set path to the folder of the blog")
        return next((base for folder in folders if self._is_folder(base := posixpath.join(path, folder))), path)

    def _is_folder(self, path: str) -> bool:
        return next(iter(self._inside(path)), None) is not None

    def _inside(self, folder: str) -> Sequence[str]:
        """The names of all files in a folder and below it."""
        if not folder:
            return self._names
        # "0" follows "/", so that what begins with the folder and "/" stands between the two.
        return self._names[bisect_left(self._names, f"{folder}/") : bisect_left(self._names, f"{folder}0")]

    def _below(self, folder: str) -> Iterator[tuple[str, Blob]]:
        start = len(folder) + 1 if folder else 0
        return ((_named(name[start:]), self._blobs[name]) for name in self._inside(folder))

    def _authors(self, globs: Sequence[str]) -> Sequence[Found]:
        wanted = Globs(globs)
        if not any(name.lower().endswith(_AUTHOR_FILES) for name in self._names):
            return ()
        for folder in (self.folder, *_parents(self.folder), *([""] if self.folder else [])):
            found = [
                self._found(name, blob)
                for name, blob in self._below(folder)
                if name.lower().endswith(_AUTHOR_FILES) and wanted.match(name) and not _refusal(name, blob)
            ]
            if found:
                return sorted(found, key=lambda file: file.name)
        return ()

    def _data(self, top: str, below: Mapping[str, Found | str]) -> DataFiles:
        """The data files of posts: those ``below`` their folder, and those of each folder from ``top`` to there."""
        parts = Path(self.folder).relative_to(top).parts
        paths = {name: posixpath.normpath(posixpath.join(top, path)) for name, path in datafiles.outer(parts)}
        outer = {
            name: _refusal(name, self._blobs[path]) or self._found(name, self._blobs[path])
            for name, path in paths.items()
            if path in self._blobs
        }
        return datafiles.chosen({**below, **outer}, self.posts, parts)

    def _found(self, name: str, blob: Blob, path: str = "") -> Found:
        return Found(name, path or blob.name, blob.size or 0, blob.id)


@lru_cache(maxsize=8)
def _kinds(files: tuple[str, ...], data_files: bool) -> Callable[[str], str]:
    """Tells of a name whether it is one of an "image", of a "post" by those globs, or of "data"; "" for none of these.

    What it told is kept, as the same names come with each commit.
    """
    matches = Globs(files).match
    data = datafiles.ENDINGS if data_files else ()

    @lru_cache(maxsize=_NAMES)
    def kind_of(name: str) -> str:
        if hidden(name):
            return ""
        if name.lower().endswith(IMAGES):
            return "image"
        return "post" if matches(name) else "data" if name.endswith(data) else ""

    return kind_of


def _refusal(name: str, blob: Blob) -> str:
    if blob.mode == _LINK:
        return "it is a link, and is not followed in a repository"
    return "" if _plain(name) else "its name is not UTF-8, or holds control characters or runs of blanks"


@lru_cache(maxsize=_NAMES)
def _plain(name: str) -> bool:
    return printable(name) == name


def _named(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def _parents(name: str) -> Iterator[str]:
    """The folders that a path is in, the nearest first, without the top."""
    while "/" in name:
        name = name.rpartition("/")[0]
        yield name
