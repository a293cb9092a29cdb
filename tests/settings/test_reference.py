"""The configuration reference tells what the settings are."""

from __future__ import annotations

from feedbot.settings.reference import reference
from feedbot.settings.schema import json_schema
from tests.conftest import PROJECT


def test_the_page_is_what_the_settings_say() -> None:
    page = (PROJECT / "docs" / "configuration.md").read_text()
    assert page == reference(), "make it anew: python -m feedbot.settings.reference > docs/configuration.md"


def test_every_key_of_feedbots_own_is_described() -> None:
    schema = json_schema()
    tables = [*schema["$defs"].values(), schema["properties"]["feedbot"]]
    silent = [
        (table.get("title"), key)
        for table in tables
        for key, about in table.get("properties", {}).items()
        if not about.get("description")
    ]
    assert silent == []
