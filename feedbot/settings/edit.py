"""Changes a configuration file as a person would: what is meant changes, every other byte stays.

tomllib only reads, and what writes TOML anew loses comments and order. So tables are appended as text and single
values replaced where they stand; afterwards the text is read back, and has to say what was meant and nothing else.
"""

from __future__ import annotations

import copy
import json
import os
import re
import stat
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from feedbot.errors import ConfigError
from feedbot.files import write_atomic
from feedbot.settings.document import read
from feedbot.settings.load import load
from feedbot.settings.locate import Lines
from feedbot.settings.model import Configuration

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PAUSED = re.compile(r"(\bpaused[\"']?\s*=\s*)(?:true|false)\b")
_STAND_IN = "stands-in-for-the-first-source"


class Table(NamedTuple):
    """A table to append: ``[kind.name]``, or where it has no name one of the array ``[[kind]]``."""

    kind: str
    name: str
    values: Mapping[str, Any]
    comment: str = ""


class ConfigFile(Struct, frozen=True):
    """A configuration file as it was read, and as it shall be. Nothing is written but by :meth:`write`."""

    path: Path
    before: str
    text: str

    def __repr__(self) -> str:
        return f"ConfigFile({str(self.path)!r})"

    @classmethod
    def read(cls, path: Path, env: Mapping[str, str]) -> ConfigFile:
        """Read a file. Raises ConfigError where it cannot be read, or is not TOML."""
        read(path, env)
        text = path.read_bytes().decode()
        return cls(path, text, text)

    @property
    def changed(self) -> bool:
        return self.text != self.before

    @property
    def data(self) -> dict[str, Any]:
        """What the file says, as TOML has it: references are not replaced, and nothing is checked."""
        return _data(self.text)

    def with_tables(self, tables: Sequence[Table]) -> ConfigFile:
        """The file with tables at its end. Raises ConfigError where its way of writing leaves no room for them."""
        if not tables:
            return self
        line_break = "\r\n" if "\r\n" in self.text else "\n"
        blocks = [as_toml(table) for table in tables]
        start = self.text if not self.text or self.text.endswith("\n") else self.text + line_break
        gap = line_break if start.strip("\ufeff \t\r\n") else ""
        text = start + gap + "\n".join(blocks).replace("\n", line_break)
        wanted = copy.deepcopy(_data(self.text))
        try:
            for table in tables:
                _put(wanted, table)
            _demand(text, wanted)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ConfigError(
                f"{self.path.name} is written in a way that nothing can be appended to",
                f"add this by hand:\n{''.join(blocks)}",
            ) from None
        return replace(self, text=text)

    def with_paused(self, source: str, paused: bool) -> ConfigFile:
        """The file with ``paused`` of a source set. Raises ConfigError where it cannot be done as text."""
        wanted = copy.deepcopy(_data(self.text))
        table = wanted["sources"][source]
        if table.get("paused", False) is paused:
            return self
        table["paused"] = paused
        word = "true" if paused else "false"
        where = Lines(_plain(self.text))
        key = ("sources", source, "paused")
        at = (where.of(key) or 1) - 1
        lines = self.text.split("\n")
        if key in where.keys:
            lines[at] = _PAUSED.sub(rf"\g<1>{word}", lines[at], count=1)
        elif lines[at].lstrip("\ufeff \t").startswith("["):
            lines.insert(at + 1, f"paused = {word}" + ("\r" if lines[at].endswith("\r") else ""))
        text = "\n".join(lines)
        try:
            _demand(text, wanted)
        except ValueError:
            place = f"{self.path.name}:{at + 1}"
            raise ConfigError(
                f"{place} is written in a way that feedbot cannot change", f"set paused = {word} there by hand"
            ) from None
        return replace(self, text=text)

    def standing(self, env: Mapping[str, str]) -> Configuration:
        """What the file says, which may be a configuration that has no source yet. Raises ConfigError."""
        if _data(self.text).get("sources"):
            return self.checked(env)
        stand_in = Table("sources", _STAND_IN, {"type": "posts", "path": "."})
        configuration = self.with_tables([stand_in]).checked(env)
        return replace(configuration, sources={}, source_types={})

    def checked(self, env: Mapping[str, str]) -> Configuration:
        """What the text says, read as the file itself would be. Raises ConfigError where that cannot be used."""
        return load(self.path, env, text=self.text)

    def write(self) -> None:
        """Put the text into the file, whole or not at all, with its mode and owner as they were.

        Raises ConfigError where somebody else changed the file meanwhile, OSError where it cannot be written.
        """
        target = self.path.resolve()  # a link stays one
        if target.read_bytes() != self.before.encode():
            raise ConfigError(f"{self.path} was changed by somebody else meanwhile", "run the command again")
        status = target.stat()
        write_atomic(target, self.text.encode(), stat.S_IMODE(status.st_mode))
        with suppress(OSError):  # only root may give a file away, and only to root does it matter
            os.chown(target, status.st_uid, status.st_gid)


def as_toml(table: Table) -> str:
    """A table as text, its comment above it."""
    header = f"[{table.kind}.{_key(table.name)}]" if table.name else f"[[{table.kind}]]"
    comment = [f"# {table.comment}"] if table.comment else []
    values = [f"{_key(name)} = {literal(value)}" for name, value in table.values.items()]
    return "".join(f"{line}\n" for line in (*comment, header, *values))


def literal(value: Any) -> str:
    """A value as TOML has it; a text means itself, whatever looks like a reference in it."""
    if isinstance(value, str):
        text = value.replace("$", "$$") if "${" in value or "$$" in value else value
        # A JSON string is a TOML basic string, but for DEL.
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(name)} = {literal(item)}" for name, item in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(literal, value))}]"
    return json.dumps(value)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else literal(name)


def _put(data: dict[str, Any], table: Table) -> None:
    """Do to the data what appending the table does to the text."""
    said = tomllib.loads("".join(f"{_key(name)} = {literal(value)}\n" for name, value in table.values.items()))
    if not table.name:
        data.setdefault(table.kind, []).append(said)
    elif table.name in data.setdefault(table.kind, {}):
        raise KeyError(table.name)
    else:
        data[table.kind][table.name] = said


def _demand(text: str, wanted: Mapping[str, Any]) -> None:
    """Raise ValueError unless the text says just this."""
    if _data(text) != wanted:
        raise ValueError("it says something else")


def _data(text: str) -> dict[str, Any]:
    return tomllib.loads(_plain(text))


def _plain(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n")
