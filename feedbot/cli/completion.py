"""feedbot completion: completion of commands for a shell."""

from __future__ import annotations

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context

_PLACES = {
    "bash": "~/.local/share/bash-completion/completions/feedbot",
    "zsh": "a folder of $fpath, as _feedbot",
    "fish": "~/.config/fish/completions/feedbot.fish",
}


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(list(_PLACES)))
@click.pass_obj
def completion(context: Context, shell: str) -> None:
    """Print what makes a shell complete feedbot's commands and options."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    root = click.get_current_context().find_root().command
    text = kind(root, {}, "feedbot", "_FEEDBOT_COMPLETE").source()
    if context.json:
        context.answer({"shell": shell, "text": text, "place": _PLACES[shell]})
        return
    context.say(text)
    if not context.quiet:
        context.tell(f"keep this in {_PLACES[shell]}")
