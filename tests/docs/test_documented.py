"""Every configuration, command and link that the documentation shows, tried as it is written there."""

from __future__ import annotations

import io
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import jinja2
import pytest

from feedbot.cli.commands import feedbot
from feedbot.cli.context import Context
from feedbot.parts import Parts
from feedbot.settings import load
from tests.conftest import PROJECT
from tests.docs.pages import GENERATED, PAGES, Block, Command, anchors, blocks, commands, links, spans
from tests.docs.world import World, world

BLOCKS = [block for page in PAGES if page != GENERATED for block in blocks(page)]
CONFIGURATIONS = [
    block
    for block in BLOCKS
    if block.language == "toml" and block.page.name != "plugins.md" and "examples" not in block.page.parts
]
"""Those of the example package are tried with it, in test_example_package.py."""
WITH_COMMANDS = sorted({block.page for block in BLOCKS if any(commands(block))})
STAYING = {"daemon", "serve", "worker"}
"""What runs until it is ended: tests/cli runs these; here they are parsed."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.mark.parametrize("block", CONFIGURATIONS, ids=str)
def test_a_configuration_that_is_shown_is_right(block: Block, tmp_path: Path) -> None:
    path = tmp_path / "feedbot.toml"
    path.write_text(whole(block.text, tmp_path), "utf-8")

    names = re.findall(r"\$\{(\w+)\}", block.text)
    Parts(load(path, dict.fromkeys(names, "https://hooks.example.org/secret")), out=io.StringIO()).check()


def test_what_the_example_configuration_has_as_comments_is_right_too(tmp_path: Path) -> None:
    path = tmp_path / "feedbot.toml"
    text = (PROJECT / "config.example.toml").read_text("utf-8")
    path.write_text(re.sub(r"^# (?=\[|[a-z_]+ = )", "", text, flags=re.MULTILINE), "utf-8")

    found = load(path, dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "https://hooks.example.org/secret"))

    Parts(found, out=io.StringIO()).check()
    assert set(found.sinks) == {"terminal", "mails", "readers", "team", "program"}
    assert len(found.routes) == 2


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.stem)
def test_the_commands_of_a_page_run_as_they_are_shown(page: Path, made: World, tmp_path: Path) -> None:
    here = made.copied(tmp_path / "world")
    for block in blocks(page):
        if block.language == "toml" and "[sources." in block.text and "[sinks." in block.text:
            here.configure(block.text)
        for command in commands(block):
            if command.needs or command.arguments[0] in STAYING:
                parse(command)
                continue
            done = here.run(command.arguments)
            assert done.code == 0, f"{command}: {done.err}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_that_a_page_speaks_of_are_there(page: Path) -> None:
    for command in spans(page):
        parse(command)


def test_every_command_is_in_the_list_of_commands() -> None:
    rows = (PROJECT / "docs" / "commands.md").read_text("utf-8").splitlines()
    context = click.Context(feedbot)
    for name in feedbot.list_commands(context):
        listed = " ".join(row for row in rows if re.search(rf"^\|[^|]*`feedbot {name}[ `]", row))
        assert listed, name
        command = feedbot.get_command(context, name)
        for part in command.list_commands(context) if isinstance(command, click.Group) else ():
            assert re.search(rf"[` ]{part}[ `]", listed), f"{name} {part}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for line, path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}:{line}: {path} is not there"
        assert not anchor or anchor in anchors(target), f"{page.name}:{line}: {path} has no #{anchor}"


def test_every_page_is_in_the_list_of_pages() -> None:
    index = PROJECT / "docs" / "README.md"
    listed = {(index.parent / path).resolve() for _, path, _ in links(index)}
    assert set(PAGES) - {index, PROJECT / "README.md"} <= listed


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "json"], ids=str)
def test_json_that_is_shown_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "jinja"], ids=str)
def test_a_template_that_is_shown_is_one(block: Block) -> None:
    jinja2.Environment(autoescape=True).parse(block.text)


def parse(command: Command) -> None:
    """Parse the arguments of a command, whatever they name. Raises where there is no such command or option."""
    current: click.Command = feedbot
    context = click.Context(feedbot, info_name="feedbot", obj=Context())
    words = list(command.arguments)
    while isinstance(current, click.Group):
        if not words or words[0].startswith("-"):
            break
        name = words.pop(0)
        found = current.get_command(context, name)
        assert found is not None, f"{command}: there is no command {name}"
        current, context = found, click.Context(found, info_name=name, parent=context)
    context.resilient_parsing = True  # a span may leave out what a command takes
    try:
        current.make_parser(context).parse_args(words)
    except click.UsageError as error:
        raise AssertionError(f"{command}: {error.format_message()}") from None


def whole(text: str, folder: Path) -> str:
    """A configuration of which only a part is shown, with what it speaks of; and its files of secrets."""
    shown = tomllib.loads(text)
    if "feedbot" not in shown:
        text = f"[feedbot]\n{text}"
    if "base_url" not in shown.get("feedbot", {}):
        text = text.replace("[feedbot]\n", '[feedbot]\nbase_url = "https://example.org/feeds/"\n', 1)
    sources = {name.replace("*", "planet") for name in _named(shown, "sources")} or {"planet"}
    for name in sources - shown.get("sources", {}).keys():
        text += f'\n[sources.{name}]\ntype = "feed"\nurl = "https://{name}.example.org/feed.xml"\n'
    for name in _named(shown, "to") - shown.get("sinks", {}).keys():
        text += f'\n[sinks.{name}]\ntype = "console"\n'
    for table in (*shown.get("sources", {}).values(), *shown.get("sinks", {}).values()):
        for key, path in table.items():
            if key.endswith("_file"):
                (folder / path).write_text("secret", "utf-8")
    return text


def _named(shown: dict[str, Any], key: str) -> set[str]:
    """The sources or sinks that a part of a configuration speaks of."""
    tables = [*shown.get("feeds", {}).values(), *shown.get("routes", [])]
    return {name for table in tables for name in table.get(key, [])}
