"""feedbot preset: how the blogs of each tool are read, and which tool a blog is made with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from feedbot.sources.posts.presets import Preset


@click.group(cls=Group)
def preset() -> None:
    """Look at the presets of posts: which files are posts, and what their front matter means."""


@preset.command("list", cls=Command)
@click.pass_obj
def list_presets(context: Context) -> None:
    """List the presets."""
    from feedbot.sources.posts.presets import PRESETS

    if context.json:
        context.answer({"presets": {name: _described(rules) for name, rules in PRESETS.items()}})
        return
    head = ("preset", "address", "posts in")
    rows = [(name, rules.permalink, _places(rules)) for name, rules in PRESETS.items()]
    first, second = (max(len(row[column]) for row in (head, *rows)) for column in (0, 1))
    for row in (head, *rows):
        context.say(f"{row[0]:<{first}}  {row[1]:<{second}}  {row[2]}".rstrip())


@preset.command(cls=Command)
@click.argument("name")
@click.pass_obj
def show(context: Context, name: str) -> None:
    """Print a preset as a source to paste: of its keys keep those that are to be different."""
    from feedbot.errors import UsageError
    from feedbot.settings.document import suggestion
    from feedbot.sources.posts.presets import PRESETS

    if name not in PRESETS:
        hint = "auto chooses one of them: feedbot preset detect" if name == "auto" else suggestion(name, list(PRESETS))
        raise UsageError(f'there is no preset "{name}"', hint)
    described = _described(PRESETS[name])
    if context.json:
        context.answer({"preset": name, **described})
        return
    context.say(f'[sources.blog]\ntype = "posts"\npath = "."\npreset = "{name}"')
    context.say("# Posts are looked for in " + _places(PRESETS[name]) + ". The keys below are the preset's own:")
    context.say("# keep those that are to be different.")
    for key, value in described["keys"].items():
        context.say(f"{key} = {json.dumps(value)}")  # lists of plain texts are the same in TOML


@preset.command(cls=Command)
@click.argument("path", default=".")
@click.pass_obj
def detect(context: Context, path: str) -> None:
    """Tell which preset a folder of posts would be read with, and why."""
    from feedbot.errors import UsageError
    from feedbot.sources.posts.detect import detect_at

    place = Path(path).expanduser()
    try:
        found = detect_at(place)
    except OSError as error:
        raise UsageError(f"{os.fspath(place)} cannot be looked at: {error.strerror}") from None
    if context.json:
        context.answer({"path": str(place), "preset": found.preset, "reason": found.reason})
    else:
        context.say(f"{found.preset} ({found.reason})")


def _described(rules: Preset) -> dict[str, Any]:
    """A preset for a person: the keys that a source may set, and where it looks for posts."""
    from feedbot.sources.posts.presets import OVERRIDABLE

    keys = {key: getattr(rules, key) for key in OVERRIDABLE}
    told = {key: list(value) if isinstance(value, tuple) else value for key, value in keys.items()}
    return {"folders": list(rules.folders), "keys": told}


def _places(rules: Preset) -> str:
    return ", ".join(rules.folders) if rules.folders else "the whole folder"
