"""The blocks of docs/sinks.md, loaded as they are written there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from feedbot.plugins import SINKS, load, names
from feedbot.settings import load as load_settings
from tests.conftest import PROJECT
from tests.sinks.builders import context

PAGE = (PROJECT / "docs" / "sinks.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SOURCE = '[sources.planet]\ntype = "feed"\nurl = "https://planet.example.org/rss20.xml"\n'


@pytest.mark.parametrize("block", BLOCKS)
def test_a_documented_sink_loads(block: str, tmp_path: Path) -> None:
    path = tmp_path / "feedbot.toml"
    path.write_text(SOURCE + block, encoding="utf-8")
    (settings,) = load_settings(path, {"HOME": "/nowhere"}).sinks.values()
    load(SINKS, settings.type)(settings, context(tmp_path)).close()


def test_every_sink_is_documented() -> None:
    shown = {next(iter(tomllib.loads(block)["sinks"].values()))["type"] for block in BLOCKS}
    in_table = set(re.findall(r"`([a-z]+)`", "".join(re.findall(r"^\| (`[a-z]+`[^|]*)\|", PAGE, re.MULTILINE))))
    assert shown | {"console", "file", "email"} == set(names(SINKS))
    assert set(names(SINKS)) <= in_table
