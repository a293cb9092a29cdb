"""A configuration file as read: its values with references replaced, and the problems found in it."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from feedbot.core.text import one_line
from feedbot.errors import ConfigError, ConfigProblem
from feedbot.paths import plain
from feedbot.settings.interpolate import expand
from feedbot.settings.locate import Key, Lines

_MOST_BYTES = 16 * 2**20  # of a file: ten times what twenty thousand sources take

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_NAMESPACE = re.compile(r"\(('[^']*'|\"[^\"]*\"|, ?)+\)")
_POSITION = re.compile(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$")


class Document:
    """One configuration file, and what was found to be wrong with it so far.

    ``data`` are its values, references replaced; ``references`` has the text as written of every string that
    held one, ``broken`` those that lead nowhere, ``secrets`` what must not be shown.
    """

    def __init__(self, path: Path, text: str, data: dict[str, Any], env: Mapping[str, str]) -> None:
        self.path = path
        self.folder = plain(path.absolute()).parent
        self.lines = Lines(text)
        self.references: dict[Key, str] = {}
        self.broken: set[Key] = set()
        self.secrets: set[str] = set()
        self._problems: list[tuple[int, ConfigProblem]] = []
        self._warnings: list[tuple[int, ConfigProblem]] = []
        self.data: dict[str, Any] = self._expanded(data, (), env)

    def problem(self, key: Key, message: str, hint: str = "") -> None:
        """Note something that keeps the configuration from being used."""
        self._problems.append(self._placed(key, message, hint))

    def warn(self, key: Key, message: str, hint: str = "") -> None:
        """Note something that works, and should be looked at."""
        self._warnings.append(self._placed(key, message, hint))

    @property
    def problems(self) -> tuple[ConfigProblem, ...]:
        """What is wrong, in the order of the file."""
        return _in_order(self._problems)

    @property
    def warnings(self) -> tuple[ConfigProblem, ...]:
        """What should be looked at, in the order of the file."""
        return _in_order(self._warnings)

    def is_broken(self, key: Key) -> bool:
        """Whether the value at the key, or a part of it, is a reference that leads nowhere."""
        return any(broken[: len(key)] == key for broken in self.broken)

    def written(self, key: Key, value: Any) -> Any:
        """The value as it stands in the file, references and all."""
        return self.references.get(key, value)

    def _placed(self, key: Key, message: str, hint: str) -> tuple[int, ConfigProblem]:
        line = self.lines.of(key)
        where = f"{self.path.name}:{line}" if line else self.path.name
        return line or 0, ConfigProblem(where, one_line(message), one_line(hint))

    def _expanded(self, value: Any, key: Key, env: Mapping[str, str]) -> Any:
        if isinstance(value, dict):
            return {name: self._expanded(item, (*key, name), env) for name, item in value.items()}
        if isinstance(value, list):
            return [self._expanded(item, (*key, index), env) for index, item in enumerate(value)]
        if not isinstance(value, str) or "$" not in value:
            return value
        result = expand(value, env, self.folder)
        if "${" in value:
            self.references[key] = value
            self.secrets.update(result.secrets)
        for bad in result.bad:
            self.broken.add(key)
            self.problem(key, f"{label(key)}: {bad.message}", bad.hint)
        return result.text


def read(path: Path, env: Mapping[str, str], text: str | None = None) -> Document:
    """Read a file, or a ``text`` as if it said that. Raises ConfigError where it cannot be read or is not TOML."""
    text = (_text_of(path) if text is None else text.removeprefix("\ufeff")).replace("\r\n", "\n")
    try:
        return Document(path, text, tomllib.loads(text), env)
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, text, error) from None
    except RecursionError:
        raise _unusable(path, path.name, "is nested too deeply", "") from None
    except ValueError as error:  # such as a number of thousands of digits
        raise _unusable(path, path.name, f"is not TOML: {str(error).split(';')[0]}", "") from None


def label(key: Key) -> str:
    """A key for a sentence: ``"port" in [sinks.readers]``, or the table ``[sinks.readers]`` itself."""
    depth = 1 if key[:1] == ("feedbot",) else 2
    table, rest = key[:depth], key[depth:]
    if not rest:
        return _table(table)
    names = [str(part) for part in rest if isinstance(part, str)]
    return f'"{".".join(names)}" in {_table(table)}'


def nearest(name: str, known: Collection[str]) -> str:
    """The one of the known names that was most likely meant; "" when none is like it."""
    from difflib import get_close_matches  # most configurations are in order

    folded = {candidate.casefold(): candidate for candidate in sorted(known)}
    wanted = name.casefold()
    close = get_close_matches(wanted, folded, n=1, cutoff=0.6)
    close += [one for one in folded if len(wanted) > 2 and (one.startswith(wanted) or wanted.startswith(one))]
    return folded[close[0]] if close else ""


def suggestion(name: str, known: Collection[str]) -> str:
    """A hint that leads from a wrong name to the right one, else to all there are."""
    near = nearest(name, known)
    if near:
        return f'did you mean "{near}"?'
    return f"known: {', '.join(sorted(known))}" if known else ""


def _in_order(found: list[tuple[int, ConfigProblem]]) -> tuple[ConfigProblem, ...]:
    return tuple(dict.fromkeys(problem for _, problem in sorted(found, key=lambda one: one[0])))


def _table(key: Key) -> str:
    """A table as it stands in the file: [sources.a]."""
    if len(key) == 2 and isinstance(key[1], int):
        return f"[[{key[0]}]] number {key[1] + 1}"
    return "[" + ".".join(part if _BARE.fullmatch(part) else f'"{part}"' for part in map(str, key)) + "]"


def _text_of(path: Path) -> str:
    raw = _bytes_of(path)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _unusable(
            path, f"{path.name}:{line}", "is not text in UTF-8", "save the file in the encoding UTF-8"
        ) from None


def _bytes_of(path: Path) -> bytes:
    try:
        if path.resolve().is_fifo():  # a pipe that has a name; that of a shell's <(...) leads to none
            raise ConfigError(f"{path} is a pipe, which nobody may ever write to", "name a file")
        with path.open("rb") as file:
            raw = file.read(_MOST_BYTES + 1)
    except IsADirectoryError:
        inside = path / "feedbot.toml"
        hint = f"did you mean {inside}?" if inside.is_file() else "name the file in it"
        raise ConfigError(f"{path} is a folder, not a configuration file", hint) from None
    except (FileNotFoundError, NotADirectoryError):
        raise ConfigError(f"there is no configuration file {path}") from None
    except PermissionError:
        hint = "it must be readable by the user that runs feedbot"
        raise ConfigError(f"the configuration file {path} may not be read", hint) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"the configuration file {path} cannot be read: {reason}") from None
    if len(raw) > _MOST_BYTES:
        raise _unusable(path, path.name, f"is larger than {_MOST_BYTES // 2**20} MB", "is it a configuration?")
    return raw


def _syntax_error(path: Path, text: str, error: tomllib.TOMLDecodeError) -> ConfigError:
    message = str(error)
    position = _POSITION.search(message)
    what = _plainly(_POSITION.sub("", message))
    if position and position[1]:
        line, column = int(position[1]), int(position[2])
    else:
        line, column = text.rstrip("\n").count("\n") + 1, len(text.rstrip("\n").rpartition("\n")[2]) + 1
    return _unusable(
        path, f"{path.name}:{line}:{column}", f"is not TOML: {what[:1].lower()}{what[1:]}", _syntax_hint(what)
    )


def _plainly(what: str) -> str:
    """What tomllib says, with tables written as they stand in the file instead of as Python has them."""
    table = _NAMESPACE.search(what)
    if table is None:
        return what
    name = _table(ast.literal_eval(table[0]))
    if "twice" in what:
        return f"the table {name} is there already"
    return f"{name} is complete as it is written, and cannot be added to or written anew"


def _syntax_hint(what: str) -> str:
    if what.startswith("Invalid value"):
        return "text stands in quotes, true and false are written small"
    if "Cannot overwrite" in what:
        return "the same key is given twice"
    if "is there already" in what:
        return "write all of its keys in one place, or give one of them another name"
    if "Expected '='" in what:
        return 'a line is: key = "value"'
    if "hex" in what.lower() or "escape" in what.lower():
        return "in 'single quotes' a backslash is only a backslash"
    return ""


def _unusable(path: Path, where: str, message: str, hint: str) -> ConfigError:
    return unusable(path, (ConfigProblem(where, f"the file {message}", hint),))


def unusable(path: Path, problems: tuple[ConfigProblem, ...]) -> ConfigError:
    """The error that carries all problems of a file."""
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return ConfigError(f"{count} in {path}", problems=problems)
