"""feedbot config: where the configuration is, and what it says."""

from __future__ import annotations

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context


@click.group(cls=Group)
def config() -> None:
    """Show the configuration as feedbot understands it."""


@config.command(cls=Command)
@click.pass_obj
def path(context: Context) -> None:
    """Print which configuration file is used, and why."""
    found, why = context.find()
    if context.json:
        context.answer({"path": str(found.absolute()), "why": why})
    else:
        context.say(f"{found.absolute()} ({why})")


@config.command(cls=Command)
@click.pass_obj
def show(context: Context) -> None:
    """Print all settings, defaults too, without secrets."""
    from feedbot.settings.show import as_toml, redacted

    settings = redacted(context.load())
    if context.json:
        context.answer(settings)
    else:
        context.say(as_toml(settings).rstrip("\n"))


@config.command(cls=Command)
@click.pass_obj
def schema(context: Context) -> None:
    """Print the JSON Schema of the configuration, for editors."""
    from feedbot.settings.schema import json_schema

    context.answer(json_schema())
