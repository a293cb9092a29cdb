"""feedbot man: the manual page."""

from __future__ import annotations

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context


@click.command(cls=Command)
@click.pass_obj
def man(context: Context) -> None:
    """Print the manual page, for man: feedbot man | man -l -"""
    from feedbot.cli.manual import manual

    root = click.get_current_context().find_root().command
    assert isinstance(root, click.Group)
    text = manual(root)
    if context.json:
        context.answer({"text": text})
    else:
        context.say(text.rstrip("\n"))
