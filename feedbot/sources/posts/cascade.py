"""Puts together what front matter and data files say of a post (Eleventy's data cascade).

The nearer to the post, the more it counts: its front matter first, then the file that is called as the post, then those
that are called as the folders it lies in. While one of them cannot be read, the posts that it counts for stay as they
are known: it may have said that they are drafts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from feedbot.model import Problem
from feedbot.sources.posts.datafiles import TABLES, stems
from feedbot.sources.posts.frontmatter import MAX_SIZE, FrontMatter, FrontMatterError, normal
from feedbot.sources.posts.index import Copy, Index
from feedbot.sources.posts.tree import MAX_POST
from feedbot.sources.posts.values import any_json, decoded

if TYPE_CHECKING:
    from feedbot.sources.posts.tree import Found, Tree

MAX_VALUE = 10_000
"""Characters of a value in a data file, as JSON: what is longer is for a page to show, and left out."""
_OVERRIDE = "override:"
_COMPUTED = "eleventyComputed"


class Cascade(Struct, frozen=True):
    """What data files say, as JSON by name: "" of what is no table, after a "!" what is wrong with one."""

    above: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> Sequence[str]:
        """The data files that there are of a post, those that count most last."""
        if not self.texts:
            return ()
        possible = dict.fromkeys((*self.above, *stems(name)))
        return [file for stem in possible for ending in TABLES if (file := stem + ending) in self.texts]

    def problems(self, asked: Iterable[Iterable[str]]) -> Iterator[Problem]:
        """What is wrong with those data files that posts ``asked`` for."""
        wrong = {name: text for name, text in self.texts.items() if is_wrong(text)}
        posts = Counter(each for questions in asked for each in questions) if wrong else {}
        for name, text in wrong.items():
            line, message, hint = text[1:].split("\0")
            if count := posts.get(question(name)):
                stay = "1 post stays" if count == 1 else f"{count} posts stay"
                yield Problem(f"{name}:{line}", message, f"{hint or 'mend it'}; until then {stay} as known")


def load(tree: Tree, index: Index) -> tuple[Cascade, Mapping[str, Copy]]:
    """Read the data files that changed since ``index`` was made; with what tells the next time which these are.

    One that could not be opened is not among the latter.
    """
    texts: dict[str, str] = {}
    copies: dict[str, Copy] = {}
    unread: list[Found] = []
    for name, file in tree.data.files.items():
        former, text = index.copies.get(name), index.answers.get(question(name))
        if isinstance(file, str):
            texts[name], copies[name] = _wrong(file), Copy(stamp=file, settled=True, name="")
        elif text is not None and former is not None and former.stamp == file.stamp and former.settled:
            texts[name], copies[name] = text, former
        elif file.size > MAX_POST:
            texts[name] = _wrong(f"it is larger than {MAX_POST // 1_000_000} MB")
            copies[name] = Copy(file.stamp, file.settled, "")
        else:
            unread.append(file)
    for file, data in tree.read(unread, MAX_POST):
        if isinstance(data, OSError):
            texts[file.name] = _wrong(f"it cannot be read: {data.strerror}")
        else:
            texts[file.name], copies[file.name] = _text(data), Copy(file.stamp, file.settled, "")
    return Cascade(tree.data.above, texts), copies


def question(name: str) -> str:
    """What a post asks for a data file (see index.Record)."""
    return f"data:{name}"


def is_wrong(text: str) -> bool:
    """Whether a data file cannot be read, by what it says."""
    return text.startswith("!")


@lru_cache(maxsize=64)  # as many posts have the same
def together(texts: tuple[str, ...], *, deep: bool) -> FrontMatter:
    """What data files say, those that count most last."""
    said = FrontMatter()
    for text in filter(None, texts):
        table = json.loads(text)
        names = {normal(name): name for name in table}
        said = over(FrontMatter({key: table[name] for key, name in names.items()}, names), said, deep=deep)
    return said


def over(matter: FrontMatter, below: FrontMatter, *, deep: bool) -> FrontMatter:
    """What is said by ``matter``, and of the rest what is said ``below``.

    If ``deep``, tables of both become one and lists are put together, below first, unless the key begins with
    ``override:``.
    """
    values, names = dict(below.values), dict(below.names)
    for key, value in matter.values.items():
        plain = key.removeprefix(_OVERRIDE)
        if deep and plain == key == "tags" and key in values:
            values[key] = [*_listed(values[key]), *_listed(value)]
        else:
            values[plain] = _merged(values.get(key), value) if deep and plain == key else value
        names[plain] = matter.names[key].removeprefix(_OVERRIDE)
    return FrontMatter(values, names, matter.lines)


def _merged(below: Any, value: Any) -> Any:
    if isinstance(below, list) and isinstance(value, list):
        return [*below, *value]
    if isinstance(below, dict) and isinstance(value, dict):
        merged = dict(below)
        for key, each in value.items():
            plain = key.removeprefix(_OVERRIDE)
            merged[plain] = _merged(below.get(key), each) if plain == key else each
        return merged
    return value


def _listed(tags: Any) -> Sequence[Any]:
    if isinstance(tags, str):
        return tags.split(";" if ";" in tags else ",")
    return list(tags) if isinstance(tags, list | dict) else ()


def _text(data: bytes) -> str:
    """What a data file says, the same text whatever its blanks are."""
    try:
        found = any_json(decoded(data).removeprefix("\ufeff"), "it")
    except FrontMatterError as error:
        return _wrong(error.message, error.line, error.hint)
    if not isinstance(found, dict):
        return ""
    said = {key: value for key, value in found.items() if key != _COMPUTED and len(json.dumps(value)) <= MAX_VALUE}
    text = json.dumps(said) if said else ""
    return text if len(text) <= MAX_SIZE else _wrong(f"it says more than {MAX_SIZE // 1000} kB of posts")


def _wrong(message: str, line: int = 1, hint: str = "") -> str:
    return f"!{line}\0{message}\0{hint}"
