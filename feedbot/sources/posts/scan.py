"""Finds the files of a blog by looking at the folder alone, and tells whether any of them changed."""

from __future__ import annotations

import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from feedbot.core.text import one_line
from feedbot.errors import SourceError

IMAGES = frozenset({"png", "jpg", "jpeg", "gif", "webp", "avif", "svg"})
MAX_POST = 5_000_000
MAX_AUTHOR = 1_000_000
_SETTLED = 2_000_000_000
"""Nanoseconds after which a further write to a file surely shows in its time of change."""


@dataclass(frozen=True, slots=True)
class Found:
    """A regular file. ``name`` is its path below the posts' folder with ``/``, in NFC; ``path`` opens it."""

    name: str
    path: str
    size: int
    modified: int
    changed: int
    inode: int


@dataclass(frozen=True)
class Scan:
    """What lies in a blog's folder, sorted by name. ``base`` is the folder of the posts, inside ``root``.

    ``refused`` has the names of what may not or cannot be read, with the reason in words.
    """

    root: Path
    base: Path
    posts: tuple[Found, ...]
    images: tuple[Found, ...]
    authors: tuple[Found, ...]
    refused: Mapping[str, str]

    def digest(self, now: datetime, salt: str) -> str:
        """A digest that is another one as soon as any file is; ``salt`` is what else the outcome hangs on.

        Files are told apart by size, times and inode, so that nothing is opened, but for those changed so
        shortly before ``now`` (or after it) that one more write might leave the same times: these are read.
        """
        recent = int(now.timestamp() * 1e9) - _SETTLED
        digest = hashlib.blake2b(salt.encode(), digest_size=16)
        for found in (*self.posts, *self.images, *self.authors):
            digest.update(f"\n{found.name}\0{found.size}\0{found.modified}\0{found.changed}\0{found.inode}".encode())
            if max(found.modified, found.changed) >= recent:
                digest.update(_content_digest(found.path))
        for name, reason in sorted(self.refused.items()):
            digest.update(f"\n{name}\0{reason}".encode())
        return digest.hexdigest()

    @cached_property
    def real_root(self) -> str:
        """The folder that nothing read may lead out of."""
        return os.path.realpath(self.root)


def scan(root: Path, folders: Sequence[str], files: Sequence[str], authors: Sequence[str]) -> Scan:
    """Look for posts, images and author files without opening any. Raises SourceError where there is no post.

    ``folders`` are tried below ``root`` for the posts; ``files`` and ``authors`` are globs, the latter from each
    folder between the posts and two above ``root``.
    """
    base = _base(root, folders)
    wanted = _Globs(files)
    posts: list[Found] = []
    images: list[Found] = []
    refused: dict[str, str] = {}
    for name, entry in _walk(base):
        suffix = name.rpartition(".")[2].lower()
        if not wanted.match(name) and suffix not in IMAGES:
            continue
        try:
            found = _found(name, entry, os.path.realpath(root))
        except OSError as error:
            found = f"it cannot be looked at: {error.strerror}"
        if isinstance(found, str):
            refused[printable(name)] = found
        elif suffix in IMAGES:
            images.append(found)
        else:
            posts.append(found)
    if not posts:
        raise SourceError(f"there are no posts in {base}", f"looked for {', '.join(files)}; set path or files")
    return Scan(root, base, _sorted(posts), _sorted(images), _authors(root, base, authors), refused)


def read(path: str, limit: int) -> bytes:
    """The content of a regular file of at most ``limit`` bytes. Raises OSError, with words for a person."""
    # A name may have become a FIFO or a link since it was looked at: neither waited for nor followed.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(0, "it is no regular file")
        content = file.read(limit + 1)
    if len(content) > limit:
        raise OSError(0, f"it is larger than {limit / 1e6:g} MB")
    return content


def inside(path: str, folder: str) -> bool:
    """Whether a resolved path lies in a resolved folder."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def printable(name: str) -> str:
    """A file name as it can be shown, whatever bytes it has."""
    return one_line(os.fsencode(name).decode("utf-8", "replace"))


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
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "node_modules":
                continue
            name = prefix + unicodedata.normalize("NFC", entry.name)
            if entry.is_dir(follow_symlinks=False):
                pending.append((name + "/", entry.path))
            else:
                yield name, entry


def _found(name: str, entry: os.DirEntry[str], real_root: str) -> Found | str:
    """The file, or in words why it is none that may be read."""
    if printable(name) != name:
        return "its name is not UTF-8, or holds control characters or runs of blanks"
    path = entry.path
    if entry.is_symlink():
        path = os.path.realpath(path)
        if not inside(path, real_root):
            return "it is a link that leads out of the folder, and is not read"
    status = Path(path).stat()
    if not stat.S_ISREG(status.st_mode):
        return "it is no regular file"
    return Found(name, path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _authors(root: Path, base: Path, globs: Sequence[str]) -> tuple[Found, ...]:
    above = [folder for folder in (base, *base.parents) if folder.is_relative_to(root)]
    for folder in (*above, *list(root.absolute().parents)[:2]):
        real = os.path.realpath(folder)
        found = []
        for path in {path for glob in globs for path in folder.glob(glob) if path.suffix == ".json"}:
            target = Path(os.path.realpath(path))
            name = path.relative_to(folder).as_posix()
            if inside(str(target), real) and target.is_file() and printable(name) == name:
                status = target.stat()
                times = status.st_mtime_ns, status.st_ctime_ns
                found.append(Found(name, str(target), status.st_size, *times, status.st_ino))
        if found:
            return _sorted(found)
    return ()


def _sorted(found: list[Found]) -> tuple[Found, ...]:
    return tuple(sorted(found, key=lambda each: each.name))


def _content_digest(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError as error:
        return str(error).encode()


class _Globs:
    """Globs of which a path must match one, and none of those after ``!``; ``**/`` is any folders, or none."""

    def __init__(self, globs: Sequence[str]) -> None:
        self._wanted = [_pattern(glob) for glob in globs if not glob.startswith("!")]
        self._unwanted = [_pattern(glob[1:]) for glob in globs if glob.startswith("!")]

    def match(self, name: str) -> bool:
        return any(glob.fullmatch(name) for glob in self._wanted) and not any(
            glob.fullmatch(name) for glob in self._unwanted
        )


def _pattern(glob: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    translated = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(translated.get(part, re.escape(part)) for part in parts), re.DOTALL)
