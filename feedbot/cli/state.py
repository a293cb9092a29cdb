"""feedbot state: care for the file that holds all that feedbot remembers."""

from __future__ import annotations

import os
from pathlib import Path

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context
from feedbot.errors import UsageError
from feedbot.location import Database, Location, is_database
from feedbot.message.terminal import counted


@click.group(cls=Group)
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

    path = context.load().state
    if isinstance(path, Database):
        raise UsageError(f"{path} is kept on a server", "back it up there: pg_dump, or feedbot state copy into a file")
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

    path = context.load().state
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


@state.command(cls=Command)
@click.option("--older-than", "age", metavar="AGE", help='Let go of entries, too, that are older: "730d".')
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Of each source keep the newest N in any case.")
@click.option("--dry-run", is_flag=True, help="Only tell what it would let go of.")
@click.pass_obj
def prune(context: Context, age: str | None, keep: int | None, dry_run: bool) -> None:
    """Let go of what is old, and give its room back to the disk.

    These are deliveries that were done longer ago than `retention`; with --older-than entries, too, that nothing
    happened to since and their source does not list any more. They are never announced again. Sources whose feeds
    have an archive keep all entries.
    """
    from feedbot.core.units import parse_duration
    from feedbot.engine.upkeep import prune as let_go

    try:
        older_than = parse_duration(age) if age else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--older-than") from error
    pruned = let_go(context.load(), context.now(), age=older_than, keep=keep, dry_run=dry_run)
    if context.json:
        context.answer({**pruned._asdict(), "dry_run": dry_run})
    elif not context.quiet:
        for name, number in pruned.entries.items():
            context.say(f"{name}: {counted(number, 'entry', 'entries')}")
        what = f"{counted(pruned.deliveries, 'delivery', 'deliveries')} done long ago"
        if older_than is not None:
            what = f"{counted(sum(pruned.entries.values()), 'entry', 'entries')}, {what}"
        room = f"; {pruned.bytes / 1e6:.1f} MB given back"
        context.say(f"would let go of {what}" if dry_run else f"let go of {what}{room}")


@state.command(cls=Command)
@click.argument("origin", metavar="FROM")
@click.argument("target", metavar="TO")
@click.pass_obj
def copy(context: Context, origin: str, target: str) -> None:
    """Copy a whole state from a file to a database or back: paths of files, or URLs that begin with postgresql://.

    A target that holds something is refused. A run on the copy goes on where the other one was, and announces
    nothing again. References such as '${DB_PASSWORD}' in a URL are replaced, so that no password has to stand here.
    """
    from feedbot.locking import run_lock
    from feedbot.store.copying import copy as copy_state

    places = _place(origin), _place(target)
    with run_lock(places[0]), run_lock(places[1]):
        rows = copy_state(*places, context.now())
    if context.json:
        context.answer({"from": str(places[0]), "to": str(places[1]), "rows": rows})
    elif not context.quiet:
        for table, number in rows.items():
            if number:
                context.say(f"{table}: {counted(number, 'row', 'rows')}")
        context.say(f"copied and counted: {places[1]}; now name it as state in the configuration")


def _place(text: str) -> Location:
    """What names a state on the command line. Raises UsageError."""
    from feedbot.settings.interpolate import expand

    expanded = expand(text, os.environ, Path())
    if expanded.bad:
        raise UsageError(expanded.bad[0].message, expanded.bad[0].hint)
    if is_database(expanded.text):
        return Database(expanded.text)
    path = expanded.text.removeprefix("sqlite:")
    return Path(path.removeprefix("//") if path.startswith("///") else path).expanduser()
