"""Splits a post into front matter and body, reading the front matter as YAML without YAML's surprises.

Every scalar stays the text that was written, so that ``3.10``, ``no``, ``010`` and dates mean what their
author meant; only true, false and null are more than text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from feedbot.core.text import shorten, storable

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML built without libyaml: slower, the same answers
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

MAX_SIZE = 64_000
"""Characters of front matter."""
MAX_DEPTH = 16
MAX_VALUES = 200_000
"""Characters of all values, where what an alias (``*name``) stands for counts each time."""

_OPENING = re.compile(r"---[ \t]*(?:ya?ml)?[ \t]*")
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_NEWLINE = re.compile(r"\r\n?")
_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")
_BOOL = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"


class FrontMatterError(ValueError):
    """Front matter that cannot be read; ``line`` counts from the top of the file, from 1."""

    def __init__(self, message: str, line: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What a post says of itself. Keys are in their normal form (``normal``), of the top table.

    ``names`` has the spelling of each key, ``lines`` the line of the file that it stands in.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        """The value of a key, in any spelling; ``a.b`` is the key b of the table a. None where there is none."""
        if normal(key) in self.values:
            return self.values[normal(key)]
        outer, dot, inner = key.partition(".")
        table = self.values.get(normal(outer)) if dot else None
        if isinstance(table, dict):
            return next((value for name, value in table.items() if normal(name) == normal(inner)), None)
        return None

    def first(self, keys: Iterable[str]) -> tuple[str, Any]:
        """The first of ``keys`` with something in it, and what it holds; ``("", None)`` where none has."""
        for key in keys:
            value = self.get(key)
            if value is not None and value != "" and value != []:
                return key, value
        return "", None

    def line(self, key: str) -> int:
        """The line that a key stands in, 1 where it is not known."""
        return self.lines.get(normal(key), self.lines.get(normal(key.partition(".")[0]), 1))


@dataclass(frozen=True, slots=True)
class Parts:
    """A post in its two parts. ``matter`` is None where it has no front matter; lines count from 1."""

    matter: str | None
    matter_line: int
    body: str
    body_line: int


def normal(key: str) -> str:
    """The form in which keys are compared: case does not count, and ``-`` is ``_``."""
    return key.strip().casefold().replace("-", "_")


def split(text: str) -> Parts:
    """Split a file at its fences (``---``, closed by ``---`` or ``...``); all line ends become "\\n".

    Raises FrontMatterError where front matter is opened and not closed, too long, or TOML.
    """
    text = _NEWLINE.sub("\n", text.removeprefix("\ufeff"))
    first, _, rest = text.partition("\n")
    if first.rstrip() == "+++":
        raise FrontMatterError("its front matter is TOML (+++), which is not read yet", 1, "write it as YAML (---)")
    if not _OPENING.fullmatch(first):
        return Parts(None, 1, text, 1)
    closing = _CLOSING.search(rest)
    if closing is None:
        raise FrontMatterError("its front matter is not closed", 1, "end it with a line that holds --- alone")
    if closing.start() > MAX_SIZE:
        raise FrontMatterError(f"its front matter is longer than {MAX_SIZE // 1000} kB", 1)
    body_line = 2 + rest.count("\n", 0, closing.end()) + 1
    return Parts(rest[: closing.start()], 2, rest[closing.end() + 1 :], body_line)


def parse(matter: str, first_line: int = 2) -> FrontMatter:
    """Read front matter; ``first_line`` is the line of the file that it starts in.

    Raises FrontMatterError, with the line, for what is no YAML table, has a key twice, or is too deep or
    too large (aliases are counted as what they stand for).
    """
    # YAML takes these for line ends, which files and editors do not.
    matter = _OTHER_BREAKS.sub(" ", storable(matter))
    try:
        _guard(matter, first_line)
        node = yaml.compose(matter, Loader=_Loader)
    except yaml.YAMLError as error:
        raise _not_yaml(error, first_line) from None
    if node is None:
        return FrontMatter()
    if not isinstance(node, yaml.MappingNode):
        raise FrontMatterError("its front matter is no table of keys and values", first_line,
                               'write it as lines of "key: value"')  # fmt: skip
    reader = _Reader(first_line)
    table = reader.table(node, 0)
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    lines: dict[str, int] = {}
    for key_node, _ in node.value:
        name, line = reader.key(key_node), reader.line(key_node)
        key = normal(name)
        if key in values:
            raise FrontMatterError(f"{name} is given twice in its front matter (also in line {lines[key]})", line,
                                   "keep one of them")  # fmt: skip
        values[key], names[key], lines[key] = table[name], name, line
    return FrontMatter(values, names, lines)


class _Loader(_SafeLoader):
    """Resolves true, false and null only."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own name and form
        **{letter: [(_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"))] for letter in "tTfF"},
        **{letter: [(_NULL, re.compile(r"(?:~|null|Null|NULL|)\Z"))] for letter in ("~", "n", "N", "")},
    }


def _guard(matter: str, first_line: int) -> None:
    """Stop at what is nested too deep while it is still read event by event, before anything recurses."""
    depth = 0
    for event in yaml.parse(matter, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            mark = event.start_mark
            line = first_line + (int(mark.line) if mark is not None else 0)
            raise FrontMatterError(f"its front matter is nested deeper than {MAX_DEPTH} levels", line)


class _Reader:
    """Makes plain values of YAML nodes, within a budget."""

    def __init__(self, first_line: int) -> None:
        self._first_line = first_line
        self._budget = MAX_VALUES

    def line(self, node: yaml.Node) -> int:
        return self._first_line + (int(node.start_mark.line) if node.start_mark is not None else 0)

    def key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise FrontMatterError("a key of its front matter is a list or a table", self.line(node))
        return storable(str(node.value))

    def value(self, node: yaml.Node, depth: int) -> Any:
        self._spend(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, depth + 1) for child in node.value]
        if isinstance(node, yaml.MappingNode):
            return self.table(node, depth)
        text = storable(str(node.value))
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL and text.lower() in ("true", "false"):
            return text.lower() == "true"
        return text

    def table(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node)
            if key in values:
                message = f"{key} is given twice in its front matter"
                raise FrontMatterError(message, self.line(key_node), "keep one of them")
            values[key] = self.value(value_node, depth + 1)
        return values

    def _spend(self, node: yaml.Node, depth: int) -> None:
        self._budget -= 1 + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
        if self._budget < 0 or depth > 2 * MAX_DEPTH:
            raise FrontMatterError("its front matter is too large, or its aliases (*name) go in circles",
                                   self.line(node), "write the values out")  # fmt: skip


def _not_yaml(error: yaml.YAMLError, first_line: int) -> FrontMatterError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = first_line + (int(mark.line) if mark is not None else 0)
    reason = getattr(error, "problem", None) or str(error)
    hint = 'put a text that holds ": " or "#" in quotes' if "mapping values" in reason else ""
    return FrontMatterError(f"its front matter is not valid YAML: {shorten(reason, 120)}", line, hint)
