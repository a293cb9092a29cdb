"""The JSON Schema for editors, held against what the loader itself accepts."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from feedbot.errors import ConfigError
from feedbot.settings.schema import json_schema
from tests.settings.conftest import Config

TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
SOURCE = '[sources.a]\ntype = "web"\nurl = "x"\n'


def fits(value: Any, schema: Any, root: dict[str, Any]) -> bool:
    """Whether a value is valid, for those keywords of JSON Schema that the schema uses."""
    if isinstance(schema, bool):
        return schema
    checks: dict[str, Callable[[Any], bool]] = {
        "$ref": lambda ref: fits(value, root["$defs"][ref.removeprefix("#/$defs/")], root),
        "type": lambda names: any(
            isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name != "boolean")
            for name in ([names] if isinstance(names, str) else names)
        ),
        "enum": lambda choices: value in choices,
        "const": lambda only: value == only,
        "minimum": lambda bound: value >= bound,
        "maximum": lambda bound: value <= bound,
        "minItems": lambda bound: len(value) >= bound,
        "minLength": lambda bound: len(value) >= bound,
        "minProperties": lambda bound: len(value) >= bound,
        "required": lambda names: all(name in value for name in names),
        "items": lambda inner: all(fits(item, inner, root) for item in value),
        "propertyNames": lambda inner: all(re.search(inner["pattern"], name) for name in value),
        "properties": lambda inner: all(fits(value[name], inner[name], root) for name in inner if name in value),
        "additionalProperties": lambda inner: all(
            fits(value[name], inner, root) for name in value if name not in schema.get("properties", {})
        ),
        "allOf": lambda parts: all(fits(value, part, root) for part in parts),
        "anyOf": lambda parts: any(fits(value, part, root) for part in parts),
        "oneOf": lambda parts: sum(fits(value, part, root) for part in parts) == 1,
        "not": lambda part: not fits(value, part, root),
        "if": lambda part: not fits(value, part, root) or fits(value, schema["then"], root),
    }
    notes = {"$schema", "$defs", "title", "description", "default", "then", "format", "writeOnly"}
    assert schema.keys() <= checks.keys() | notes, schema.keys() - checks.keys() - notes
    order = ["type", *(key for key in schema if key not in notes | {"type"})]
    return all(checks[key](schema[key]) for key in order if key in schema)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (SOURCE, True),
        (SOURCE + 'interval = "2h"\nbackfill = "all"\nsettle = "0s"\nmax_bytes = 100\n', True),
        (SOURCE + 'intervall = "2h"\n', False),
        (SOURCE + "backfill = -1\n", False),
        (SOURCE + 'settle = "5m"\n', True),
        ('[sources.a]\ntype = "web"\n', False),
        ('[sources.a]\nurl = "x"\n', False),
        ('[sources.a]\ntype = "wbe"\nurl = "x"\n', False),
        ('[sources."A B"]\ntype = "web"\nurl = "x"\n', False),
        ("", False),
        (SOURCE + "[nonsense]\n", False),
        (SOURCE + '[sinks.a]\ntype = "hook"\nurl = "https://x.org"\n', True),
        (SOURCE + '[sinks.a]\ntype = "hook"\nurl_file = "address"\n', True),
        (SOURCE + '[sinks.a]\ntype = "hook"\n', False),
        (SOURCE + '[sinks.a]\ntype = "hook"\nurl = "https://x.org"\nurl_file = "u"\n', False),
        (SOURCE + '[sinks.a]\ntype = "mail"\nhost = "h"\nfrom = "a@b.c"\nto = ["x@y.z"]\npassword_file = "pw"\n', True),
        (SOURCE + '[sinks.a]\ntype = "mail"\nhost = "h"\nsender = "a@b.c"\nto = ["x@y.z"]\n', False),
        (SOURCE + '[feeds.all]\nformats = ["atom"]\narchive = false\nsplit = []\n', True),
        (SOURCE + '[feeds.all]\nformats = ["html"]\n', False),
        (SOURCE + '[sinks.a]\ntype = "print"\n[[routes]]\non = ["updated"]\nto = ["a"]\n', True),
        (SOURCE + '[sinks.a]\ntype = "print"\n[[routes]]\non = ["never"]\n', False),
        (SOURCE + "[feedbot]\nflood_limit = 0\n", False),
        (SOURCE + "[feedbot]\ntimeout = 30\n", False),
    ],
)
def test_the_schema_and_the_loader_agree(config: Config, text: str, right: bool) -> None:
    config.file("pw", "x")
    config.file("address", "https://x.org")
    try:
        config.load(text)
        loaded = True
    except ConfigError:
        loaded = False

    schema = json_schema()

    assert loaded is right
    assert fits(tomllib.loads(text), schema, schema) is right


def test_the_schema_is_json_and_all_its_references_lead_somewhere(stand_ins: None) -> None:
    schema = json_schema()

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    for name in re.findall(r'"#/\$defs/([^"]*)"', json.dumps(schema)):
        assert name in schema["$defs"]


def test_every_key_of_the_common_tables_is_described(stand_ins: None) -> None:
    properties = json_schema()["properties"]

    for table in (properties["feedbot"], properties["feeds"]["additionalProperties"], properties["routes"]["items"]):
        assert [key for key, schema in table["properties"].items() if not schema.get("description")] == []


def test_descriptions_come_from_the_docstrings_of_plugins(stand_ins: None) -> None:
    assert json_schema()["$defs"]["source-web"]["properties"]["url"]["description"] == "The address to read."


def test_defaults_are_written_as_in_toml(stand_ins: None) -> None:
    schema = json_schema()

    assert schema["properties"]["feedbot"]["properties"]["timeout"]["default"] == "30s"
    assert schema["$defs"]["source-web"]["properties"]["interval"]["default"] == "30m"
