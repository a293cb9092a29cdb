"""Finds Eleventy's data files, which say of a post, or of a folder of them, what front matter leaves open."""

from __future__ import annotations

import posixpath
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile
from operator import itemgetter
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from feedbot.sources.posts.tree import Found

TABLES = (".json", ".11tydata.json")
"""What the names of data files end in that can be read; the last one counts most."""
_PROGRAMS = (".11tydata.js", ".11tydata.cjs", ".11tydata.mjs")
ENDINGS = (*_PROGRAMS, *reversed(TABLES))


class DataFiles(Struct, frozen=True):
    """The data files of a blog by name, which may lead out of the posts' folder; or in words why one may not be read.

    ``above`` are the names, without their endings, that count for all posts: those of the posts' folder and of the
    folders it lies in, the farthest first. ``programs`` are data files that would have to be run.
    """

    above: tuple[str, ...] = ()
    files: Mapping[str, Found | str] = field(default_factory=dict)
    programs: tuple[str, ...] = ()


def outer(parts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """The data files that may lie above the posts' folder, by name, and by path from the top of the blog.

    ``parts`` is the path of that folder from there.
    """
    for number, stem in enumerate(_above(parts)[:-1], start=1):
        for ending in ENDINGS:
            yield stem + ending, "/".join((*parts[:number], parts[number - 1])) + ending


def chosen(found: Mapping[str, Found | str], posts: Sequence[Found], parts: Sequence[str]) -> DataFiles:
    """Of files ``found`` with such endings, those that are called as a post, or as a folder of posts.

    ``posts`` are sorted by name.
    """
    above = _above(parts)
    told = {name: file for name, file in sorted(found.items()) if _tells(_stem(name), posts, above)}
    programs = tuple(name for name in told if name.endswith(_PROGRAMS))
    return DataFiles(above, {name: file for name, file in told.items() if name not in programs}, programs)


def stems(name: str) -> Iterator[str]:
    """The names, without their endings, of the data files of a post in the posts' folder, its own last."""
    bare = _bare(name)
    path = ""
    for folder in bare.split("/")[:-1]:
        path += f"{folder}/"
        yield path + folder
    yield bare


def _above(parts: Sequence[str]) -> tuple[str, ...]:
    depth = len(parts)
    named = (unicodedata.normalize("NFC", part) for part in parts)
    return tuple(f"{'../' * (depth - number)}{part}" for number, part in enumerate(named, start=1))


def _tells(stem: str, posts: Sequence[Found], above: Sequence[str]) -> bool:
    """Whether a data file of this name, without its ending, says something of any post."""
    folder, _, last = stem.rpartition("/")
    of_folder = folder.rpartition("/")[2] == last and next(_starting(f"{folder}/", posts), "")
    return stem in above or bool(of_folder) or any(_bare(name) == stem for name in _starting(f"{stem}.", posts))


def _starting(start: str, posts: Sequence[Found]) -> Iterator[str]:
    """The names of posts that start so."""
    names = (posts[index].name for index in range(bisect_left(posts, start, key=itemgetter(0)), len(posts)))
    return takewhile(lambda name: name.startswith(start), names)


def _bare(name: str) -> str:
    return posixpath.splitext(name)[0]


def _stem(name: str) -> str:
    return next(name.removesuffix(ending) for ending in ENDINGS if name.endswith(ending))
