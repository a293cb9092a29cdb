"""feedbot add: one more source in the configuration, found at an address or in a folder."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context
from feedbot.cli.naming import names_of

if TYPE_CHECKING:
    from feedbot.cli.lookup import Found
    from feedbot.settings import Configuration


@click.command(cls=Command)
@click.argument("place", metavar="URL|PATH")
@click.option("--name", default="", help="What to call the source. Default: made of its title.")
@click.option(
    "--to",
    "sink",
    default="",
    metavar="SINK",
    help="The sink that is told of its entries.",
    shell_complete=names_of("sinks"),
)
@click.pass_obj
def add(context: Context, place: str, name: str, sink: str) -> None:
    """Add a source: a feed, a web page with a feed, a folder or git repository of posts, or an export of Ghost."""
    from feedbot.cli.additions import free_name, routes
    from feedbot.cli.lookup import look_up
    from feedbot.errors import UsageError
    from feedbot.settings.document import suggestion
    from feedbot.settings.edit import ConfigFile, Table

    path, _ = context.find()
    file = ConfigFile.read(path, os.environ)
    configuration = file.standing(os.environ)
    if name and not re.fullmatch("[a-z0-9-]+", name):
        raise UsageError(f'"{name}" is no name for a source', "only a-z, 0-9 and hyphens are allowed")
    if name in configuration.sources:
        raise UsageError(f'there is a source named "{name}" already', "choose another --name")
    if sink and sink not in configuration.sinks:
        hint = suggestion(sink, list(configuration.sinks)) or f"add a table [sinks.{sink}] first; there is no sink yet"
        raise UsageError(f'there is no sink named "{sink}"', hint)
    found = look_up(context, configuration, place)
    name = name or free_name(found.document.title or found.shown, configuration.sources)
    tables = [Table("sources", name, found.settings)]
    if sink:
        tables += routes(file, configuration, {(sink, ("new",)): [name]})
    changed = file.with_tables(tables)
    after = changed.checked(os.environ)
    changed.write()
    _tell(context, after, name, found, first_route=bool(sink) and "routes" not in file.data)


def _tell(context: Context, configuration: Configuration, name: str, found: Found, *, first_route: bool) -> None:
    from feedbot.cli.additions import unrouted
    from feedbot.message.terminal import inert
    from feedbot.settings.sentences import mask

    entries, nowhere = len(found.document.items), unrouted(configuration, name)
    if context.json:
        context.answer(
            {
                "source": name,
                "file": str(configuration.path.absolute()),
                "settings": {key: mask(value) for key, value in found.settings.items()},
                "title": found.document.title,
                "entries": entries,
                "others": [mask(other) for other in found.others],
                "notes": list(found.notes),
                "routed": not nowhere,
            }
        )
        return
    if context.quiet:
        return
    title = f": {inert(found.document.title)}" if found.document.title else ""
    context.say(f'added the source "{name}" to {configuration.path}{title}')
    context.say(f"  {found.settings['type']} {inert(found.shown)} ({entries} {'entry' if entries == 1 else 'entries'})")
    for note in found.notes:
        context.say(f"  {inert(note)}")
    for other in found.others:
        context.say(f"  the page names another feed: {inert(mask(other))}")
    if nowhere:
        context.say("  no route leads from it to a sink: add it to the sources of one of the [[routes]]")
    if first_route:
        context.say("  there are routes now: a source that is added later needs one too (--to SINK)")
    context.say(f"Next: feedbot run {name}")
