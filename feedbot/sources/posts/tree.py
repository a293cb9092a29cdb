"""What the posts of a blog are read from: files with names, wherever they lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

if TYPE_CHECKING:
    from feedbot.sources.posts.datafiles import DataFiles

IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".svg")
"""What the names of images end in, in lower case."""
AUTHOR_FILES = frozenset({"json", "yml", "yaml"})
MAX_POST = 5_000_000
MAX_AUTHOR = 1_000_000
MAX_IMAGE = 20_000_000


class Found(NamedTuple):
    """A regular file. ``name`` is its path from the posts' folder with ``/``, in NFC; ``path`` is for its tree.

    ``stamp`` is another one whenever the content may be another. Where it is not ``settled``, one more write
    might leave the same stamp.
    """

    name: str
    path: str
    size: int
    stamp: str
    settled: bool = True


class Tree(Protocol):
    """The files of a blog at one moment, each kind sorted by name.

    ``refused`` has the names of what may not or cannot be read, with the reason in words.
    """

    near: ClassVar[bool]
    """Whether files are read one by one at no more cost than all at once."""
    exact: ClassVar[bool]
    """Whether another stamp is sure to stand for another content."""

    @property
    def folder(self) -> str:
        """The path of the posts' folder."""
        ...

    @property
    def posts(self) -> Sequence[Found]: ...

    @property
    def images(self) -> Mapping[str, Found]:
        """The images in the posts' folder, by name."""
        ...

    @property
    def authors(self) -> Sequence[Found]: ...

    @property
    def data(self) -> DataFiles:
        """What says of posts what their front matter leaves open."""
        ...

    @property
    def refused(self) -> Mapping[str, str]: ...

    def read(self, files: Iterable[Found], limit: int) -> Iterator[tuple[Found, bytes | OSError]]:
        """The content of each file, of at most ``limit`` bytes, or what stands in the way, in words."""
        ...

    def beside(self, name: str) -> Found | str:
        """The image of this name, which may lead out of the posts' folder; or in words why there is none."""
        ...

    def mark(self, name: str) -> str:
        """What is another text as soon as the image of this name is another, or is there or not."""
        ...

    def where(self, name: str) -> str:
        """Where a post, an image or an author file is, for a person."""
        ...

    def commits(self) -> Mapping[str, tuple[datetime, datetime, str]]:
        """When posts were first and last committed, and who did so first, by name, where that is known; may be slow."""
        ...

    def export(self, images: Mapping[str, Found]) -> Mapping[str, str]:
        """The paths of files with the content of images, by the names that these have of their content."""
        ...


class Globs:
    """Globs of which a path must ``match`` one, and none of those after ``!``; ``**/`` is any folders, or none."""

    def __init__(self, globs: Iterable[str]) -> None:
        wanted: list[str] = []
        unwanted: list[str] = []
        for glob in globs:
            (unwanted if glob.startswith("!") else wanted).append(_pattern(glob.removeprefix("!")))
        # One pattern, and no method around it, as there may be very many paths.
        pattern = re.compile(rf"(?!{_either(unwanted)}\Z){_either(wanted)}", re.DOTALL)
        self.match: Callable[[str], object] = pattern.fullmatch


def suffix(name: str) -> str:
    """The suffix of a name in lower case, without its dot."""
    return name.rpartition("/")[2].rpartition(".")[2].lower()


def hidden(name: str) -> bool:
    """Whether a path has a step that blog tools keep to themselves."""
    steps = f"/{name}/"
    return "/." in steps or "/node_modules/" in steps


def _either(patterns: Sequence[str]) -> str:
    return f"(?:{'|'.join(patterns) or '(?!)'})"


def _pattern(glob: str) -> str:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    translated = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(translated.get(part, re.escape(part)) for part in parts)
