"""The lines on which the keys of a TOML document stand, which tomllib does not tell."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from contextlib import suppress
from functools import cached_property

Key = tuple[str | int, ...]
"""The way to a value: keys of tables and indexes of arrays, from the top."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[^\s.=\[\]{},#\"']+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*"{3,5}' r"|'''(?:[^']|'(?!''))*'{3,5}" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")


class Lines:
    """The lines of a document that tomllib has read without complaint; worked out when first asked for."""

    def __init__(self, text: str) -> None:
        self._text = text

    def of(self, key: Key) -> int | None:
        """The line (from 1) of a key, else of the nearest table around it; None at the top."""
        for length in range(len(key), 0, -1):
            if key[:length] in self._found:
                return self._found[key[:length]]
        return None

    @property
    def keys(self) -> frozenset[Key]:
        """Every key that was found."""
        return frozenset(self._found)

    @cached_property
    def _found(self) -> dict[Key, int]:
        scanner = _Scanner(self._text)
        with suppress(RecursionError):  # what was found until then is of use as well
            scanner.document()
        return scanner.found


class _Scanner:
    """Walks through well-formed TOML and notes the line of each key.

    Where it meets something it does not understand it goes on with the next line: a missing line number is
    better than no message.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Key, int] = {}
        self.breaks = [match.start() for match in re.finditer("\n", text)]
        self.array_tables: dict[Key, int] = {}

    def document(self) -> None:
        table: Key = ()
        while self._skip_blank():
            start = self.at
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            if self.at == start:
                self._skip_line()

    def _header(self) -> Key:
        line = self._line()
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        names = self._dotted()
        self._skip_line()
        path: Key = ()
        for name in names[:-1]:
            path = self._last((*path, name), line)
        path = (*path, *names[-1:])
        if double:
            self.found.setdefault(path, line)
            self.array_tables[path] = self.array_tables.get(path, -1) + 1
            path = (*path, self.array_tables[path])
        self.found[path] = line
        return path

    def _last(self, path: Key, line: int) -> Key:
        """The path itself, or where it is an array of tables that of its last table."""
        self.found.setdefault(path, line)
        return (*path, self.array_tables[path]) if path in self.array_tables else path

    def _pair(self, table: Key) -> None:
        line = self._line()
        names = self._dotted()
        if not names:
            return
        path = table
        for name in names:
            path = (*path, name)
            self.found.setdefault(path, line)
        self._skip_blank()
        if self.text.startswith("=", self.at):
            self.at += 1
            self._skip_blank()
            self._value(path)

    def _value(self, path: Key) -> None:
        opening = self.text[self.at : self.at + 1]
        if opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            match = _STRING.match(self.text, self.at) or _SCALAR.match(self.text, self.at)
            self.at = match.end() if match else self.at

    def _array(self, path: Key) -> None:
        self.at += 1
        index = 0
        while self._skip_blank() and self.text[self.at] != "]":
            start = self.at
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self.found[(*path, index)] = self._line()
            self._value((*path, index))
            index += 1
            if self.at == start:
                return
        self.at += 1

    def _inline_table(self, path: Key) -> None:
        self.at += 1
        while self._skip_blank() and self.text[self.at] != "}":
            start = self.at
            if self.text[self.at] == ",":
                self.at += 1
                continue
            self._pair(path)
            if self.at == start:
                return
        self.at += 1

    def _dotted(self) -> list[str]:
        names: list[str] = []
        while True:
            self._skip_blank()
            quoted = _STRING.match(self.text, self.at)
            match = quoted or _BARE_KEY.match(self.text, self.at)
            if match is None:
                return names
            self.at = match.end()
            names.append(_unquoted(match[0]) if quoted else match[0])
            self._skip_blank()
            if not self.text.startswith(".", self.at):
                return names
            self.at += 1

    def _line(self) -> int:
        return bisect_right(self.breaks, self.at - 1) + 1

    def _skip_blank(self) -> bool:
        """Go over white space and comments; False at the end of the text."""
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at < len(self.text)

    def _skip_line(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end


def _unquoted(text: str) -> str:
    try:
        return str(tomllib.loads(f"key = {text}")["key"])
    except tomllib.TOMLDecodeError:
        return text
