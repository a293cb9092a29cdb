"""What pydantic has to say, in sentences for a person."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from urllib.parse import unquote

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from feedbot.core.text import one_line, shorten
from feedbot.core.units import format_duration
from feedbot.settings.interpolate import SECRET_NAME
from feedbot.settings.locate import Key

_WITH_PASSWORD = re.compile(r"(?<=://)[^/\s@\"']+@")
_PARAMETER = re.compile(r"(?P<begin>[?&;#](?P<name>[^=?&;#/\s\"'<>]{1,100})=)(?P<value>[^&;#\s\"'<>]+)")
_REFERENCE = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}|\$\{(?:file|cred):[^}]*\}")
_SECRET_PARAMETER = re.compile(r"jwt|pwd|session|signature|^si[dg]$", re.IGNORECASE)
_KEYWORD = re.compile(r"key(?=word|phrase)", re.IGNORECASE)

_KINDS = {
    "string_type": "text in quotes",
    "int": "a whole number",
    "float": "a number",
    "finite_number": "a number",
    "bool": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "iterable_type": "a list",
    "dict_type": "a table",
    "mapping_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "dataclass_type": "a table",
    "time_delta": 'a duration such as "30m"',
    "datetime": "a date and time",
    "date": "a date",
    "time": "a time",
    "url": "an address such as https://example.org/",
    "path": "a path",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "more than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}
_LENGTHS = {
    "too_short": ("min_length", "at least", "entries"),
    "too_long": ("max_length", "at most", "entries"),
    "string_too_short": ("min_length", "at least", "characters"),
    "string_too_long": ("max_length", "at most", "characters"),
}


class Complaint(NamedTuple):
    """What is wrong with the value at ``key`` (seen from the table): an unknown key, a missing one, or a
    sentence; ``choices`` are the values that would be right."""

    key: Key
    kind: str
    sentence: str = ""
    choices: tuple[str, ...] = ()
    found: Any = None


def complaints(error: ValidationError, values: Mapping[str, Any]) -> list[Complaint]:
    """One complaint for each value that is wrong, however many alternatives pydantic tried on it."""
    grouped: dict[tuple[Key, str], list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        key = _real(detail["loc"], values)
        kind = {"missing": "missing", "extra_forbidden": "unknown"}.get(detail["type"], "wrong")
        if kind == "missing":
            key = (*key, detail["loc"][-1])
        grouped.setdefault((key, kind), []).append(detail)
    within = {key[:length] for key, _ in grouped for length in range(1, len(key))}
    return [
        Complaint(key, kind, *_sentence(details), found=_at(values, key)) if kind == "wrong" else Complaint(key, kind)
        for (key, kind), details in grouped.items()
        if key not in within  # a list of one wrong value is not empty, although pydantic says so
    ]


def show(value: Any) -> str:
    """A value for a sentence, as it would stand in TOML; what is secret in addresses is left out."""
    if isinstance(value, str):
        return json.dumps(shorten(one_line(mask(value)), 60), ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return "a list" if value else "[]"
    return "a table" if isinstance(value, Mapping) else str(value)[:60]


def mask(text: str) -> str:
    """Text whose addresses have "***" for user and password, and for the secrets of their queries."""
    return without_secrets(_WITH_PASSWORD.sub("***@", text), "***")


def without_secrets(text: str, instead: str) -> str:
    """Text with something else for the values of parameters of addresses whose names tell that they are secret.

    References to such a value, which tell nothing, stay.
    """

    def told(match: re.Match[str]) -> str:
        kept = not is_secret_parameter(match["name"]) or _REFERENCE.fullmatch(match["value"])
        return match[0] if kept else f"{match['begin']}{instead}"

    return _PARAMETER.sub(told, text)


def is_secret_parameter(name: str) -> bool:
    """Whether the value of a parameter of this name, as it stands in an address, is not for everybody."""
    plain = _KEYWORD.sub("", unquote(name))
    return bool(SECRET_NAME.search(plain) or _SECRET_PARAMETER.search(plain))


def _real(loc: tuple[int | str, ...], values: Any) -> Key:
    """The part of a location that exists in the configuration; what follows names pydantic's alternatives."""
    key: list[str | int] = []
    for part in loc:
        if isinstance(values, Mapping) and part in values:
            values = values[str(part)]
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            break
        key.append(part)
    return tuple(key)


def _at(values: Any, key: Key) -> Any:
    for part in key:
        values = values[part]
    return values


def _sentence(details: list[ErrorDetails]) -> tuple[str, tuple[str, ...]]:
    """The sentence for all alternatives together, and the values that they would take."""
    own = [str(detail["ctx"]["error"]) for detail in details if detail["type"] in ("value_error", "assertion_error")]
    if own:
        return "; or ".join(dict.fromkeys(one_line(text) for text in own)), ()
    expected: dict[str, None] = {}
    choices: list[str] = []
    for detail in details:
        if detail["type"] == "none_required":
            continue
        if detail["type"] in ("literal_error", "enum"):
            choices += re.findall(r"'([^']*)'", str(detail["ctx"]["expected"]))
        else:
            expected[_expectation(detail)] = None
    alternatives = [*expected, *(json.dumps(choice) for choice in choices)]
    return f"expected {_either(alternatives)}", tuple(choices)


def _expectation(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _BOUNDS:
        name, words = _BOUNDS[kind]
        span = _span(context[name])
        return f"a number of {words} {context[name]}" if span is None else f"a duration of {words} {span}"
    if kind in _LENGTHS:
        name, words, noun = _LENGTHS[kind]
        if context[name] == 1 and words == "at least":
            return "text that is not empty" if noun == "characters" else "a list that is not empty"
        return f"{words} {context[name]} {noun}"
    if kind == "string_pattern_mismatch":
        return f"text of the form {context['pattern']}"
    for known, words in _KINDS.items():
        if kind == known or kind.startswith(f"{known}_"):
            return words
    return "something else"


def _span(bound: Any) -> str | None:
    """A bound that is a duration, which pydantic gives as the text of its Python expression."""
    if not isinstance(bound, str) or "timedelta" not in bound:
        return None
    parts = {unit: int(number) for unit, number in re.findall(r"(days|seconds)=(\d+)", bound)}
    return format_duration(timedelta(**parts))


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}" if words else "something else"
