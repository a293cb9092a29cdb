"""Reads tables of keys and values, however they are written, without the surprises of YAML, TOML or JSON.

Every scalar stays the text that was written, so that ``3.10``, ``no``, ``010`` and dates mean what their author meant;
only true, false and null are more than text. What is read is bounded in size and depth, aliases counted as what they
stand for.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import Any, NamedTuple

import yaml

from feedbot.core.text import shorten, storable
from feedbot.sources.posts.plainyaml import plain_pairs

try:
    from yaml import CSafeLoader as _SafeLoader
except ImportError:  # PyYAML built without libyaml: slower, the same answers
    from yaml import SafeLoader as _SafeLoader  # type: ignore[assignment]

MAX_DEPTH = 16
MAX_VALUES = 200_000
"""Characters of all values, where what an alias (``*name``) stands for counts each time."""

_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")
_BOOL = "tag:yaml.org,2002:bool"
_NULL = "tag:yaml.org,2002:null"
_HEADER = re.compile(r":?([A-Za-z][\w .-]*):(?:[ \t]+(.*))?")
_LISTS = frozenset({"tags", "authors"})
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)")


class FrontMatterError(ValueError):
    """Front matter, or another table, that cannot be read; ``line`` counts from the top of the file, from 1."""

    def __init__(self, message: str, line: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.hint = hint


class Pair(NamedTuple):
    """A key of a table, as it is spelt, with its value and the line that it stands in."""

    key: str
    value: Any
    line: int


def of_yaml(text: str, first_line: int, what: str = "its front matter") -> list[Pair]:
    """The pairs of a YAML table, in its order; ``first_line`` is the line of the file that the text starts in.

    Raises FrontMatterError, with the line and saying ``what`` it is, for what is no such table, has a key twice,
    or is too deep or too large.
    """
    plain = plain_pairs(text)
    if plain is not None:
        return [Pair(key, value, line) for line, (key, value) in enumerate(plain, start=first_line)]
    reader = _Yaml(first_line, what)
    node = reader.node(text)
    if node is None:
        return []
    if not isinstance(node, yaml.MappingNode):
        raise FrontMatterError(f"{what} is no table of keys and values", first_line,
                               'write it as lines of "key: value"')  # fmt: skip
    table = reader.value(node, 0)
    names = [(reader.key(key), reader.line(key)) for key, _ in node.value]
    return [Pair(name, table[name], line) for name, line in names]


def any_yaml(text: str, what: str) -> Any:
    """What a YAML file holds, table or list. Raises FrontMatterError as ``of_yaml`` does."""
    reader = _Yaml(1, what)
    node = reader.node(text)
    return None if node is None else reader.value(node, 0)


def any_json(text: str, what: str) -> Any:
    """What a JSON file holds, with values as front matter has them; of a key given twice the last one counts.

    Raises FrontMatterError, with the line, for what is no JSON or too deep.
    """
    return _plain(_json(text, 1, what, dict), 1, what=what)


def decoded(data: bytes) -> str:
    """The text of a file. Raises FrontMatterError, with the line, where it is not UTF-8."""
    try:
        return storable(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FrontMatterError("it is not UTF-8", line, "save it as UTF-8") from None


def of_toml(text: str, first_line: int) -> list[Pair]:
    """The pairs of a TOML table; dates are texts too. Raises FrontMatterError, with the line."""
    try:
        table = tomllib.loads(storable(text), parse_float=str)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        line = int(place[1]) if place and place[1] else text.count("\n") if place else 1
        reason = shorten(_TOML_PLACE.sub("", str(error)), 120)
        raise FrontMatterError(f"its front matter is not valid TOML: {reason}", first_line + max(line, 1) - 1) from None
    except RecursionError:
        raise _too_deep(first_line) from None
    return [Pair(key, _plain(value, first_line), _line_of(key, text, first_line)) for key, value in table.items()]


def of_json(text: str, first_line: int) -> list[Pair]:
    """The pairs of a JSON object. Raises FrontMatterError, with the line."""
    try:
        table = _json(text, first_line, "its front matter", _unique)
    except _TwiceError as error:
        raise FrontMatterError(f"{error} is given twice in its front matter", first_line, "keep one of them") from None
    return [Pair(key, _plain(value, first_line), _line_of(key, text, first_line)) for key, value in table.items()]


def of_header(lines: Iterable[str], first_line: int) -> list[Pair]:
    """The pairs of lines ``Key: value`` or ``:key: value``; indented ones go on with the value before them.

    Several tags and authors stand between commas, or semicolons where there is one (as Pelican has it).
    """
    pairs: list[Pair] = []
    for number, line in enumerate(lines, start=first_line):
        if pairs and line[:1] in (" ", "\t"):
            key, value, at = pairs.pop()
            pairs.append(Pair(key, f"{value}{', ' if key.casefold() in _LISTS else ' '}{line.strip()}", at))
            continue
        match = _HEADER.fullmatch(line.rstrip())
        if match is not None:
            pairs.append(Pair(match[1].strip(), storable((match[2] or "").strip()), number))
    return [Pair(key, _listed(value) if key.casefold() in _LISTS else value, at) for key, value, at in pairs]


def is_header(line: str) -> bool:
    """Whether a line may be the first one of a header."""
    return _HEADER.fullmatch(line.rstrip()) is not None


class _Loader(_SafeLoader):
    """Resolves true, false and null only."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own name and form
        **{letter: [(_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"))] for letter in "tTfF"},
        **{letter: [(_NULL, re.compile(r"(?:~|null|Null|NULL|)\Z"))] for letter in ("~", "n", "N", "")},
    }


class _Yaml:
    """Makes plain values of YAML, within a budget."""

    def __init__(self, first_line: int, what: str) -> None:
        self._first_line = first_line
        self._what = what
        self._budget = MAX_VALUES

    def node(self, text: str) -> yaml.Node | None:
        # YAML takes these for line ends, which files and editors do not.
        text = _OTHER_BREAKS.sub(" ", storable(text))
        try:
            self._guard(text)
            return yaml.compose(text, Loader=_Loader)
        except yaml.YAMLError as error:
            raise self._not_yaml(error, text.count("\n")) from None

    def line(self, node: yaml.Node) -> int:
        return self._first_line + (int(node.start_mark.line) if node.start_mark is not None else 0)

    def key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise FrontMatterError(f"a key of {self._what} is a list or a table", self.line(node))
        return storable(str(node.value))

    def value(self, node: yaml.Node, depth: int) -> Any:
        if depth:
            self._spend(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, depth + 1) for child in node.value]
        if isinstance(node, yaml.MappingNode):
            return self._table(node, depth)
        text = storable(str(node.value))
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL and text.lower() in ("true", "false"):
            return text.lower() == "true"
        return text

    def _table(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = self.key(key_node)
            if key in values:
                message = f"{key} is given twice in {self._what} (also in line {lines[key]})"
                raise FrontMatterError(message, self.line(key_node), "keep one of them")
            values[key], lines[key] = self.value(value_node, depth + 1), self.line(key_node)
        return values

    def _guard(self, text: str) -> None:
        """Stop at what is nested too deep while it is still read event by event, before anything recurses."""
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
            if depth > MAX_DEPTH:
                mark = event.start_mark
                raise _too_deep(self._first_line + (int(mark.line) if mark is not None else 0), self._what)

    def _spend(self, node: yaml.Node, depth: int) -> None:
        self._budget -= 1 + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
        if self._budget < 0 or depth > 2 * MAX_DEPTH:
            raise FrontMatterError(f"{self._what} is too large, or its aliases (*name) go in circles",
                                   self.line(node), "write the values out")  # fmt: skip

    def _not_yaml(self, error: yaml.YAMLError, lines: int) -> FrontMatterError:
        mark, context = getattr(error, "problem_mark", None), getattr(error, "context_mark", None)
        if context is not None and (mark is None or mark.line >= lines):  # what never ends is told where it begins
            mark = context
        line = self._first_line + (int(mark.line) if mark is not None else 0)
        reason = getattr(error, "problem", None) or str(error)
        hint = 'put a text that holds ": " or "#" in quotes' if "mapping values" in reason else ""
        return FrontMatterError(f"{self._what} is not valid YAML: {shorten(reason, 120)}", line, hint)


class _TwiceError(ValueError):
    """A key that is given twice in a JSON object."""


def _json(text: str, first_line: int, what: str, table: Callable[[list[tuple[str, Any]]], dict[str, Any]]) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str, object_pairs_hook=table)
    except json.JSONDecodeError as error:
        raise FrontMatterError(f"{what} is not valid JSON: {error.msg}", first_line + error.lineno - 1) from None
    except RecursionError:
        raise _too_deep(first_line, what) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for key, value in pairs:
        if key in table:
            raise _TwiceError(storable(key))
        table[key] = value
    return table


def _plain(value: Any, line: int, depth: int = 1, what: str = "its front matter") -> Any:
    """A value of TOML or JSON as front matter has it: texts, true, false, null, and tables and lists of them."""
    if depth > MAX_DEPTH:
        raise _too_deep(line, what)
    if isinstance(value, Mapping):
        return {storable(key): _plain(each, line, depth + 1, what) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each, line, depth + 1, what) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    return storable(value.isoformat() if isinstance(value, date | datetime | time) else str(value))


def _line_of(key: str, text: str, first_line: int) -> int:
    """The line in which a key of the top table stands, as well as it can be told of the text."""
    match = re.search(rf"""^\s*(?:\[+\s*)?["']?{re.escape(key)}["']?\s*[=:.\]]""", text, re.MULTILINE)
    return first_line + text.count("\n", 0, match.end()) if match else first_line


def _listed(value: str) -> list[str]:
    parts = value.split(";" if ";" in value else ",")
    return [part.strip() for part in parts if part.strip()]


def _too_deep(line: int, what: str = "its front matter") -> FrontMatterError:
    return FrontMatterError(f"{what} is nested deeper than {MAX_DEPTH} levels", line)
