"""The JSON Schema of the configuration, with which editors complete and check it."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from textwrap import dedent
from typing import Any

from pydantic import BaseModel

from feedbot.core.units import format_duration
from feedbot.errors import ConfigError
from feedbot.plugins import FORMATS, SINKS, SOURCES, Settings
from feedbot.plugins import load as load_plugin
from feedbot.plugins import names as plugin_names
from feedbot.settings.model import FeedbotSettings, FeedSettings, RouteSettings
from feedbot.settings.tables import field_keys, twins

Schema = dict[str, Any]

_NAME = {"pattern": "^[a-z0-9-]+$", "description": "A name: a-z, 0-9 and hyphens."}


def json_schema() -> Schema:
    """A JSON Schema (2020-12) for feedbot.toml that covers every installed plugin.

    Of a plugin that cannot be loaded nothing is known, so any keys are accepted.
    """
    definitions: Schema = {}
    feedbot = _table(FeedbotSettings, "feedbot", definitions)
    for key in ("state", "user_agent"):  # their defaults depend on the machine and the rest of the file
        feedbot["properties"][key].pop("default")
    feed = _table(FeedSettings, "feed", definitions)
    feed["properties"]["formats"]["items"] = {"enum": plugin_names(FORMATS)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "feedbot.toml",
        "description": "The configuration of feedbot. Strings may hold ${VAR}, ${VAR:-default}, ${file:PATH}.",
        "type": "object",
        "additionalProperties": False,
        "required": ["sources"],
        "properties": {
            "feedbot": feedbot,
            "sources": _plugins(SOURCES, "Where entries come from, by name.", definitions) | {"minProperties": 1},
            "feeds": _named("The feeds that are published, by name.", feed),
            "sinks": _plugins(SINKS, "Where notifications go, by name.", definitions),
            "routes": {
                "description": "Which changes go to which sinks. None given: every new entry to every sink.",
                "type": "array",
                "items": _table(RouteSettings, "route", definitions),
            },
        },
        "$defs": definitions,
    }


def _plugins(group: str, description: str, definitions: Schema) -> Schema:
    """Tables whose ``type`` says which plugin's settings they follow."""
    kind = group.removeprefix("feedbot.").removesuffix("s")
    names = plugin_names(group)
    for name in names:
        definition = f"{kind}-{name}"
        try:
            model = load_plugin(group, name).Settings
        except (ConfigError, AttributeError):
            definitions[definition] = {"type": "object", "description": "The plugin cannot be loaded."}
            continue
        table = _table(model, definition, definitions)
        given = table["properties"].get("type", {})
        table["properties"]["type"] = {"const": name, "description": given.get("description", f"The {kind}'s type.")}
        table["required"] = ["type", *(key for key in table.get("required", []) if key != "type")]
        definitions[definition] = table
    return _named(
        description,
        {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"enum": names}},
            "allOf": [
                {"if": {"properties": {"type": {"const": name}}}, "then": {"$ref": f"#/$defs/{kind}-{name}"}}
                for name in names
            ],
        },
    )


def _named(description: str, table: Schema) -> Schema:
    return {"description": description, "type": "object", "propertyNames": _NAME, "additionalProperties": table}


def _table(model: type[Settings], name: str, definitions: Schema) -> Schema:
    """The schema of one model, its own definitions moved to the shared ones under names of their own."""
    schema = model.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
    for inner, definition in schema.pop("$defs", {}).items():
        definitions[f"{name}.{inner}"] = definition
    schema["title"] = name
    schema["description"] = inspect.cleandoc(model.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    properties = schema.setdefault("properties", {})
    documented = _documentation(model)
    for key, field in field_keys(model).items():
        properties[key] = _as_toml(properties[key], model.model_fields[field].default)
        if field in documented:
            properties[key].setdefault("description", documented[field])
    _add_twins(model, schema)
    return schema


def _as_toml(schema: Schema, default: Any) -> Schema:
    """The schema of one key as TOML has it: no null, durations and sizes as they are written."""
    alternatives = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if len(alternatives) == 1:
        schema = {**{key: value for key, value in schema.items() if key != "anyOf"}, **alternatives[0]}
    elif alternatives:
        schema = {**schema, "anyOf": alternatives}
    plain = {key: value for key, value in schema.items() if key not in ("title", "gt", "ge", "lt", "le")}
    if default is None or default == "":
        plain.pop("default", None)
    if isinstance(default, timedelta):
        plain["default"] = format_duration(default)
    if plain.get("type") == "string" and isinstance(plain.get("default"), int):
        plain["type"] = ["string", "integer"]
    return plain


def _add_twins(model: type[Settings], schema: Schema) -> None:
    """Beside each secret the key of a file that holds it; one of both where the secret is required."""
    required: list[str] = schema.get("required", [])
    for twin, secret in twins(model).items():
        schema["properties"][twin] = {"type": "string", "description": f'A file that holds "{secret}".'}
        if secret in required:
            required.remove(secret)
            schema.setdefault("allOf", []).append({"oneOf": [{"required": [secret]}, {"required": [twin]}]})
        else:
            schema.setdefault("allOf", []).append({"not": {"required": [secret, twin]}})


def _documentation(model: type[BaseModel]) -> dict[str, str]:
    """The docstrings below the fields of a model and its bases, from the source where there is one."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if issubclass(base, BaseModel) and base is not BaseModel:
            found.update(_docstrings(base))
    return found


def _docstrings(model: type[BaseModel]) -> Iterable[tuple[str, str]]:
    try:
        tree = ast.parse(dedent(inspect.getsource(model)))
    except (OSError, TypeError, SyntaxError):
        return
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    for statement, following in pairwise(body):
        match statement, following:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, re.sub(r"\s+", " ", text).strip()
