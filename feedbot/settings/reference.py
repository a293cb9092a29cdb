"""The configuration reference, made of the settings themselves, so that it cannot tell anything else.

python -m feedbot.settings.reference > docs/configuration.md
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from feedbot.settings.schema import json_schema

_INTRODUCTION = """\
# Configuration

One TOML file. feedbot looks for it in this order: `--config`, `$FEEDBOT_CONFIG`, `./feedbot.toml`,
`$XDG_CONFIG_HOME/feedbot/config.toml`, `/etc/feedbot/config.toml`; `feedbot config path` tells which one it took.
`feedbot check` finds everything that is wrong with it in one go, and `feedbot config schema` prints a JSON Schema that
editors understand.

* Relative paths start from the folder of the file.
* Durations are texts: `"90s"`, `"30m"`, `"2h"`, `"1d"`. Sizes too: `"10MB"`, `"512 KiB"`.
* In any text, `${VAR}` is an environment variable, `${VAR:-default}` one with a default, `${file:PATH}` what a file
  holds, `${cred:NAME}` a systemd credential, and `$$` a dollar sign.
* Every secret has a twin that ends in `_file` and names a file that holds it.
* Names of sources, feeds and sinks are made of a-z, 0-9 and hyphens.
* Private addresses (of your own network, or the machine itself) are refused unless `allow_private` lists them as
  `host:port`, host, address or network.

<!-- What follows is made by: python -m feedbot.settings.reference -->
"""


def reference() -> str:
    """The whole page, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    schema = json_schema()
    definitions = schema["$defs"]
    tables = schema["properties"]
    yield _INTRODUCTION
    yield from _table("[feedbot]", "", tables["feedbot"])
    for kind in ("source", "sink"):
        for name in sorted(name for name in definitions if name.startswith(f"{kind}-")):
            type_ = name.partition("-")[2]
            yield from _table(f"[{kind}s.NAME]", f' with `type = "{type_}"`', definitions[name])
        if kind == "source":
            yield from _table("[feeds.NAME]", "", tables["feeds"]["additionalProperties"])
    yield from _table("[[routes]]", "", tables["routes"]["items"])


def _table(title: str, note: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"## `{title}`{note}"
    yield ""
    yield "| key | default | what it is |"
    yield "|---|---|---|"
    yield from _rows(schema)
    yield ""


def _rows(schema: dict[str, Any]) -> Iterator[str]:
    required = schema.get("required", [])
    for key, about in schema["properties"].items():
        description = str(about.get("description", ""))
        if key == "type" or description.startswith("Not there yet"):
            continue
        default = "required" if key in required else f"`{json.dumps(about['default'])}`" if "default" in about else ""
        choices = about.get("enum")
        if choices:
            description += f" One of {', '.join(f'`{json.dumps(choice)}`' for choice in choices)}."
        yield f"| `{key}` | {default} | {description.replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    print(reference(), end="")
