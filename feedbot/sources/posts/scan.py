"""Finds the files of a blog in a folder by looking at the folder alone, and tells whether any of them changed."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from feedbot.core.text import one_line
from feedbot.errors import SourceError
from feedbot.sources.posts import datafiles
from feedbot.sources.posts.datafiles import DataFiles
from feedbot.sources.posts.tree import AUTHOR_FILES, IMAGES, MAX_IMAGE, Found, Globs, hidden, suffix

_SETTLED = 2_000_000_000
"""Nanoseconds after which a further write to a file surely shows in its time of change."""
_USUAL = 16_000  # bytes of a post
_PLAIN = re.compile(r"[!-~]+(?: [!-~]+)*")


class FolderTree(Struct, frozen=True, dict=True):
    """What lies in a blog's folder (see tree.Tree). ``base`` is the folder of the posts, inside ``root``.

    What changed after ``recent``, in nanoseconds since 1970, is not settled yet.
    """

    root: Path
    base: Path
    recent: int
    posts: tuple[Found, ...]
    images: Mapping[str, Found]
    authors: tuple[Found, ...]
    refused: Mapping[str, str]
    data: DataFiles = field(default_factory=DataFiles)
    near: ClassVar[bool] = True
    exact: ClassVar[bool] = False

    @property
    def folder(self) -> str:
        return str(self.base)

    def digest(self, salt: str) -> str:
        """A digest that is another one as soon as any file is; ``salt`` is what else the outcome hangs on.

        Files are told apart by size, times and inode, so that nothing is opened, but for those changed so
        shortly ago that one more write might leave the same times: these are read.
        """
        digest = hashlib.blake2b(salt.encode(), digest_size=16)
        tables = [file for file in self.data.files.values() if isinstance(file, Found)]
        for files in (self.posts, self.images.values(), self.authors, tables):
            digest.update("".join(f"\n{file.name}\0{file.stamp}" for file in files).encode())
            for file in files:
                if not file.settled:
                    digest.update(_content_digest(file.path))
        unread = {name: reason for name, reason in self.data.files.items() if isinstance(reason, str)}
        for name, reason in sorted({**self.refused, **unread}.items()):
            digest.update(f"\n{name}\0{reason}".encode())
        return digest.hexdigest()

    def read(self, files: Iterable[Found], limit: int) -> Iterator[tuple[Found, bytes | OSError]]:
        for file in files:
            try:
                yield file, read(file.path, limit)
            except OSError as error:
                yield file, error

    def beside(self, name: str) -> Found | str:
        known = self.images.get(name)
        if known is not None:
            return known
        try:
            path = os.path.realpath(self.base / name)
            if not inside(path, self._real_root):
                return "is outside of the folder"
            status = Path(path).stat()
        except FileNotFoundError:
            return "does not exist"
        except (OSError, ValueError) as error:
            return f"cannot be read: {getattr(error, 'strerror', None) or error}"
        if not stat.S_ISREG(status.st_mode):
            return "is no file"
        return _file(name, path, status, self.recent)

    def mark(self, name: str) -> str:
        """What is another text as soon as the image of this name is another, or is there or not."""
        found = self.beside(name)
        if isinstance(found, str):
            return found
        return found.stamp if found.settled else found.stamp + _content_digest(found.path).hex()

    def commits(self) -> Mapping[str, tuple[datetime, datetime, str]]:
        return {}

    def export(self, images: Mapping[str, Found]) -> Mapping[str, str]:
        return {name: image.path for name, image in images.items()}

    def where(self, name: str) -> str:
        """The path of a post, an image or an author file, for a person to open."""
        return next((file.path for file in self.authors if file.name == name), str(self.base / name))

    @cached_property
    def _real_root(self) -> str:
        """The folder that nothing read may lead out of."""
        return os.path.realpath(self.root)


def scan(
    root: Path,
    folders: Sequence[str],
    files: Sequence[str],
    authors: Sequence[str],
    now: datetime,
    data_top: Path | None = None,
) -> FolderTree:
    """Look for posts, images and author files without opening any. Raises SourceError where there is no post.

    ``folders`` are tried below ``root`` for the posts; ``files`` and ``authors`` are globs, the latter from each
    folder between the posts and two above ``root``. Data files are looked for where ``data_top`` is given, at or above
    ``root``: those of the folders below it.
    """
    base = _base(root, folders)
    real_root, recent = os.path.realpath(root), int(now.timestamp() * 1e9) - _SETTLED
    matches = Globs(files).match
    posts: list[Found] = []
    images: list[Found] = []
    refused: dict[str, str] = {}
    data: dict[str, Found | str] = {}
    data_endings = datafiles.ENDINGS if data_top is not None else ()
    for name, entry in _walk(base):
        image = name.lower().endswith(IMAGES)
        is_data = not image and not matches(name)
        if is_data and not name.endswith(data_endings):
            continue
        found = _found(name, entry.path, entry.stat, real_root, recent)
        if is_data:
            data[name] = found
        elif isinstance(found, str):
            refused[printable(name)] = found
        else:
            (images if image else posts).append(found)
    if not posts:
        raise SourceError(f"there are no posts in {base}", f"looked for {', '.join(files)}; set path or files")
    pictures = {image.name: image for image in _sorted(images)}
    tree = FolderTree(root, base, recent, _sorted(posts), pictures, _authors(root, base, authors, recent), refused)
    return tree if data_top is None else replace(tree, data=_data(root, base, data_top, data, tree.posts, recent))


def read(path: str, limit: int) -> bytes:
    """The content of a regular file of at most ``limit`` bytes. Raises OSError, with words for a person."""
    # A name may have become a FIFO or a link since it was looked at: neither waited for nor followed.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is no regular file")
        content = b""
        # To have room for all that is allowed costs more than to read most files.
        room = min(max(status.st_size, _USUAL), limit) + 1
        while len(content) <= limit and (more := os.read(handle, room)):
            content += more
    finally:
        os.close(handle)
    if len(content) > limit:
        raise OSError(0, f"it is larger than {limit / 1e6:g} MB")
    return content


def inside(path: str, folder: str) -> bool:
    """Whether a resolved path lies in a resolved folder."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def printable(name: str) -> str:
    """A file name as it can be shown, whatever bytes it has."""
    return name if _PLAIN.fullmatch(name) else one_line(os.fsencode(name).decode("utf-8", "replace"))


def _base(root: Path, folders: Sequence[str]) -> Path:
    if not root.is_dir():
        missing = "is no folder" if root.exists() else "does not exist"
        raise SourceError(f"the folder {root} {missing}", "path is read from the folder of the configuration file")
    base = next((root / folder for folder in folders if (root / folder).is_dir()), root)
    if not inside(os.path.realpath(base), os.path.realpath(root)):
        raise SourceError(f"{base} is a link out of {root}", "set path to the folder that the posts are in")
    return base


def _walk(base: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    pending = [("", str(base))]
    while pending:
        prefix, folder = pending.pop()
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:  # what is in it must not be taken for deleted
            raise SourceError(f"the folder {folder} cannot be read: {error.strerror}") from error
        while entries:
            entry = entries.pop()  # each keeps its status, which takes more memory than all that is remembered
            if hidden(entry.name):
                continue
            name = prefix + (entry.name if entry.name.isascii() else unicodedata.normalize("NFC", entry.name))
            if entry.is_dir(follow_symlinks=False):
                pending.append((name + "/", entry.path))
            else:
                yield name, entry


def _found(name: str, path: str, look: Callable[..., os.stat_result], real_root: str, recent: int) -> Found | str:
    """The file, or in words why it is none that may be read."""
    if printable(name) != name:
        return "its name is not UTF-8, or holds control characters or runs of blanks"
    try:
        status = look(follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            path = os.path.realpath(path)
            if not inside(path, real_root):
                return "it is a link that leads out of the folder, and is not read"
            status = Path(path).stat()
    except OSError as error:
        return f"it cannot be looked at: {error.strerror}"
    return _file(name, path, status, recent) if stat.S_ISREG(status.st_mode) else "it is no regular file"


def _authors(root: Path, base: Path, globs: Sequence[str], recent: int) -> tuple[Found, ...]:
    above = [folder for folder in (base, *base.parents) if folder.is_relative_to(root)]
    for folder in (*above, *list(root.absolute().parents)[:2]):
        real = os.path.realpath(folder)
        found = []
        for path in {path for glob in globs for path in folder.glob(glob) if suffix(path.name) in AUTHOR_FILES}:
            target = Path(os.path.realpath(path))
            name = path.relative_to(folder).as_posix()
            if inside(str(target), real) and target.is_file() and printable(name) == name:
                found.append(_file(name, str(target), target.stat(), recent))
        if found:
            return _sorted(found)
    return ()


def _data(
    root: Path, base: Path, top: Path, below: Mapping[str, Found | str], posts: Sequence[Found], recent: int
) -> DataFiles:
    """The data files of posts: those ``below`` their folder, and those of each folder from ``top`` to there."""
    parts = (*root.resolve().relative_to(top).parts, *base.relative_to(root).parts)
    paths = {name: top / path for name, path in datafiles.outer(parts)}
    outer = {
        name: _found(name, str(path), path.stat, os.path.realpath(top), recent)
        for name, path in paths.items()
        if os.path.lexists(path)
    }
    return datafiles.chosen({**below, **outer}, posts, parts)


def _file(name: str, path: str, status: os.stat_result, recent: int) -> Found:
    size, modified, changed = status.st_size, status.st_mtime_ns, status.st_ctime_ns
    stamp = "%x.%x.%x.%x" % (size, modified, changed, status.st_ino)  # noqa: UP031 - takes half the time
    return Found(name, path, size, stamp, modified < recent and changed < recent)


def _sorted(found: list[Found]) -> tuple[Found, ...]:
    return tuple(sorted(found, key=itemgetter(0)))  # by name


def _content_digest(path: str) -> bytes:
    try:
        return hashlib.blake2b(read(path, MAX_IMAGE), digest_size=16).digest()
    except OSError as error:
        return str(error).encode()
