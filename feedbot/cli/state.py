"""feedbot state: care for the file that holds all that feedbot remembers."""

from __future__ import annotations

from pathlib import Path

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context


@click.group(cls=Group, later=frozenset({"prune", "copy"}))
def state() -> None:
    """Care for the file that holds all that feedbot remembers."""


@state.command(cls=Command)
@click.argument("target", required=False, type=click.Path(path_type=Path), metavar="[FILE]")
@click.pass_obj
def backup(context: Context, target: Path | None) -> None:
    """Copy the state while it is in use. Default: beside it, with the time in the name.

    A copy put in its place announces again what was sent since it was made, under the same keys.
    """
    from feedbot.store.upkeep import backup as copy

    path = context.load().state_path
    if target is None:
        target = path.with_name(f"{path.stem}-{context.now():%Y-%m-%dT%H%M%SZ}{path.suffix}")
    elif target.is_dir():
        target = target / f"{path.stem}-{context.now():%Y-%m-%dT%H%M%SZ}{path.suffix}"
    size = copy(path, target)
    if context.json:
        context.answer({"file": str(target), "bytes": size})
    elif not context.quiet:
        context.say(f"{target}: {size / 1e6:.1f} MB")


@state.command(cls=Command)
@click.pass_obj
def check(context: Context) -> int:
    """Look whether the state is sound; leaves with 5 where it is not."""
    from feedbot.store.upkeep import faults

    path = context.load().state_path
    found = faults(path)
    if context.json:
        context.answer({"file": str(path), "problems": found})
    else:
        for line in found:
            context.tell(f"{path}: {line}")
        if not found and not context.quiet:
            context.say(f"{path}: sound")
    if found and not context.json:
        context.tell("restore a backup; until then nothing is lost that can be read (feedbot entry list)")
    return 5 if found else 0
