"""Splits a post into front matter and body, and reads the front matter: YAML, TOML, JSON or lines of "Key: value"."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct, field

from feedbot.sources.posts.values import FrontMatterError, Pair, is_header, of_header, of_json, of_toml, of_yaml

__all__ = ["FrontMatter", "FrontMatterError", "Parts", "normal", "parse", "read", "split"]

MAX_SIZE = 64_000
"""Characters of front matter."""

Kind = Literal["yaml", "toml", "json", "header"]

_OPENING = re.compile(r"---[ \t]*(ya?ml|toml|json|js|javascript)?[ \t]*")
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*$", re.MULTILINE)
_TOML_CLOSING = re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE)
_JSON_OPENING = re.compile(r"\{\s*[\"}]")  # as no component, shortcode or template starts
_NEWLINE = re.compile(r"\r\n?")
_BLANK_ABOVE = re.compile(r"""(?:[ \t]*\n)+(?=---[ \t]*\n["']?[A-Za-z][\w.-]*["']?:(?:\s|$)|\+\+\+[ \t]*\n)""")


class FrontMatter(Struct, frozen=True):
    """What a post says of itself. Keys are in their normal form (``normal``), of the top table.

    ``names`` has the spelling of each key, ``lines`` the line of the file that it stands in.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        """The value of a key, in any spelling; ``a.b`` is the key b of the table a. None where there is none."""
        name = normal(key)
        if name in self.values or "." not in key:
            return self.values.get(name)
        outer, _, inner = key.partition(".")
        table = self.values.get(normal(outer))
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

    def lifted(self, tables: Iterable[str]) -> FrontMatter:
        """The same with the keys of ``tables`` as keys of the top, where these are not there themselves."""
        values, names, lines = dict(self.values), dict(self.names), dict(self.lines)
        for outer in map(normal, tables):
            if isinstance(values.get(outer), dict):
                line = lines.pop(outer, 1)
                names.pop(outer, None)
                for name, value in values.pop(outer).items():
                    if normal(name) not in values:
                        values[normal(name)], names[normal(name)], lines[normal(name)] = value, name, line
        return FrontMatter(values, names, lines)


class Parts(Struct, frozen=True):
    """A post in its two parts. ``matter`` is None where it has no front matter; lines count from 1."""

    matter: str | None
    matter_line: int
    body: str
    body_line: int
    kind: Kind = "yaml"


@lru_cache(maxsize=1024)  # the same few are asked for of each post
def normal(key: str) -> str:
    """The form in which keys are compared: case does not count, and ``-`` is ``_``."""
    return key.strip().casefold().replace("-", "_")


def read(text: str, *, headers: bool = False) -> tuple[FrontMatter | None, str, int]:
    """The front matter of a file (None without any), its body, and the line that the body starts in.

    Raises FrontMatterError as ``split`` and ``parse`` do.
    """
    parts = split(text, headers=headers)
    matter = None if parts.matter is None else parse(parts.matter, parts.matter_line, parts.kind)
    return matter, parts.body, parts.body_line


def split(text: str, *, headers: bool = False) -> Parts:
    """Split a file at its fences: ``---`` for YAML (closed by ``---`` or ``...``), ``+++`` for TOML, an object of JSON.

    ``---toml`` and ``---json`` name what follows; a program (``---js``) is refused.
    With ``headers``, lines of "Key: value" at the top are front matter too, if one of them is a title or a date.
    Blank lines above a fence are passed over. All line ends become "\\n". Raises FrontMatterError where it is opened
    and not closed, or too long.
    """
    text = _NEWLINE.sub("\n", text.removeprefix("\ufeff"))
    blank = _BLANK_ABOVE.match(text)
    above = blank[0].count("\n") if blank else 0
    first, _, rest = text[blank.end() if blank else 0 :].partition("\n")
    if first.rstrip() == "+++":
        return _fenced(rest, _TOML_CLOSING, "toml", "+++", above)
    if opening := _OPENING.fullmatch(first):
        return _fenced(rest, _CLOSING, _kind(opening[1] or "", above + 1), "---", above)
    if _JSON_OPENING.match(text):
        return _json(text)
    if headers and is_header(first):
        return _header(text)
    return Parts(None, 1, text, 1)


def parse(matter: str, first_line: int = 2, kind: Kind = "yaml") -> FrontMatter:
    """Read front matter; ``first_line`` is the line of the file that it starts in.

    Raises FrontMatterError, with the line, for what is no table, has a key twice, or is too deep or too large.
    """
    pairs: list[Pair]
    if kind == "header":
        pairs = of_header(matter.split("\n"), first_line)
    else:
        pairs = {"yaml": of_yaml, "toml": of_toml, "json": of_json}[kind](matter, first_line)
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    lines: dict[str, int] = {}
    for name, value, line in pairs:
        key = normal(name)
        if key in values:
            raise FrontMatterError(f"{name} is given twice in its front matter (also in line {lines[key]})", line,
                                   "keep one of them")  # fmt: skip
        values[key], names[key], lines[key] = value, name, line
    return FrontMatter(values, names, lines)


def _kind(language: str, line: int) -> Kind:
    """What stands below a fence that names a language."""
    if language in ("js", "javascript"):
        raise FrontMatterError("its front matter is a program, and is not run", line, "write it in YAML, TOML or JSON")
    return "toml" if language == "toml" else "json" if language == "json" else "yaml"


def _fenced(rest: str, closing: re.Pattern[str], kind: Kind, fence: str, above: int) -> Parts:
    """The parts below a fence, which has so many lines ``above`` it."""
    end = closing.search(rest)
    if end is None:
        hint = f"end it with a line that holds {fence} alone"
        raise FrontMatterError("its front matter is not closed", above + 1, hint)
    if end.start() > MAX_SIZE:
        raise _too_long()
    body_line = above + 2 + rest.count("\n", 0, end.end()) + 1
    return Parts(rest[: end.start()], above + 2, rest[end.end() + 1 :], body_line, kind)


def _json(text: str) -> Parts:
    try:
        _, end = json.JSONDecoder(strict=False).raw_decode(text[: MAX_SIZE + 1])
    except (ValueError, RecursionError):
        # Where it ends is not known: the reader tells what is wrong, in its first lines.
        if len(text) > MAX_SIZE:
            raise _too_long() from None
        return Parts(text, 1, "", text.count("\n") + 1, "json")
    if end > MAX_SIZE:
        raise _too_long()
    body = text[end:]
    skipped = len(body) - len(body.lstrip(" \t"))
    skipped += body[skipped : skipped + 1] == "\n"
    return Parts(text[:end], 1, body[skipped:], 1 + text.count("\n", 0, end + skipped), "json")


def _header(text: str) -> Parts:
    lines: list[str] = []
    for line in text[:MAX_SIZE].split("\n"):
        if not is_header(line) and not (lines and line.strip() and line[0] in " \t"):
            break
        lines.append(line)
    keys = {normal(line.lstrip(":").partition(":")[0]) for line in lines}
    if keys.isdisjoint({"title", "date"}):
        return Parts(None, 1, text, 1)
    head = "\n".join(lines)
    body = text[len(head) + 1 :]
    blank = body.startswith("\n")
    return Parts(head, 1, body[blank:], len(lines) + 1 + blank, "header")


def _too_long() -> FrontMatterError:
    return FrontMatterError(f"its front matter is longer than {MAX_SIZE // 1000} kB", 1)
