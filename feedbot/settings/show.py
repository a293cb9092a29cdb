"""The configuration as feedbot understood it, fit to be shown to anyone: no secret is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

from pydantic import BaseModel, SecretStr

from feedbot.core.units import format_duration
from feedbot.settings.interpolate import SECRET_NAME
from feedbot.settings.locate import Key
from feedbot.settings.model import Configuration
from feedbot.settings.sentences import mask
from feedbot.settings.tables import field_keys

HIDDEN = "***"

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def redacted(configuration: Configuration) -> dict[str, Any]:
    """All settings, defaults too, as plain data for JSON.

    Secrets are "***"; what came through a reference such as ``${VAR}`` is shown as the reference.
    """
    references = configuration.references
    return {
        "feedbot": _plain(configuration.feedbot, ("feedbot",), references),
        **{
            kind: {name: _plain(table, (kind, name), references) for name, table in tables.items()}
            for kind, tables in (
                ("sources", configuration.sources),
                ("feeds", configuration.feeds),
                ("sinks", configuration.sinks),
            )
        },
        "routes": [_plain(route, ("routes", at), references) for at, route in enumerate(configuration.routes)],
    }


def as_toml(settings: Mapping[str, Any]) -> str:
    """Write what :func:`redacted` gives as TOML."""
    return "\n".join(_sections(settings)) + "\n"


def _plain(value: Any, key: Key, references: Mapping[Key, str]) -> Any:
    if isinstance(value, SecretStr):
        return HIDDEN if value.get_secret_value() else ""
    if isinstance(value, BaseModel):
        fields = ((name, getattr(value, field)) for name, field in field_keys(type(value)).items())
        return {name: _plain(item, (*key, name), references) for name, item in fields if item is not None}
    if isinstance(value, Mapping):
        return {str(name): _plain(item, (*key, name), references) for name, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item, (*key, index), references) for index, item in enumerate(value)]
    if key in references:
        return mask(references[key])
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (bool, int, float)):
        return value
    hidden = value and isinstance(key[-1], str) and SECRET_NAME.search(key[-1])
    return HIDDEN if hidden else mask(str(value))


def _sections(settings: Mapping[str, Any]) -> Iterator[str]:
    yield from _section("[feedbot]", settings["feedbot"])
    for kind in ("sources", "feeds", "sinks"):
        for name, table in settings[kind].items():
            yield ""
            yield from _section(f"[{kind}.{_key(name)}]", table)
    for route in settings["routes"]:
        yield ""
        yield from _section("[[routes]]", route)


def _section(header: str, table: Mapping[str, Any]) -> Iterator[str]:
    yield header
    for name, value in table.items():
        yield f"{_key(name)} = {_value(value)}"


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(name)} = {_value(item)}" for name, item in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):  # a JSON string is a TOML basic string, but for DEL
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    return json.dumps(value)
