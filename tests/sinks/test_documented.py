"""What docs/sinks.md has to tell of."""

from __future__ import annotations

import re
import tomllib

from feedbot.plugins import SINKS, names
from tests.conftest import PROJECT

PAGE = (PROJECT / "docs" / "sinks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_every_sink_is_documented() -> None:
    shown = {next(iter(tomllib.loads(block)["sinks"].values()))["type"] for block in BLOCKS}
    in_table = set(re.findall(r"`([a-z]+)`", "".join(re.findall(r"^\| (`[a-z]+`[^|]*)\|", PAGE, re.MULTILINE))))
    assert shown | {"console", "file", "email"} == set(names(SINKS))
    assert set(names(SINKS)) <= in_table
