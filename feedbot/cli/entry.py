"""feedbot entry: the entries that feedbot knows."""

from __future__ import annotations

import sys
from itertools import islice
from typing import TYPE_CHECKING

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from feedbot.model import Entry


@click.group(cls=Group, later=frozenset({"diff"}))
def entry() -> None:
    """Look at the entries that feedbot knows."""


@entry.command("list", cls=Command)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("-n", "--limit", type=click.IntRange(min=1), help="No more than so many. Default: 50; all with --json.")
@click.pass_obj
def list_entries(context: Context, sources: tuple[str, ...], limit: int | None) -> None:
    """List entries, newest first."""
    from feedbot.core.expose import exposed

    found, more = _entries(context, sources, limit or (None if context.json else 50))
    if context.json:
        context.answer({"entries": [exposed(one) for one in found]})
        return
    for one in found:
        context.say(_line(one))
    if more:
        context.say("… (--limit shows more)")


@entry.command(cls=Command)
@click.argument("entry_id", metavar="ID")
@click.pass_obj
def show(context: Context, entry_id: str) -> None:
    """Show one entry by its id, or by how its id begins."""
    from feedbot.app import App
    from feedbot.core.expose import exposed
    from feedbot.core.html import to_lines
    from feedbot.errors import UsageError
    from feedbot.message.terminal import inert

    configuration = context.load()
    store = context.open_store(configuration)
    try:
        found = store.entries.find(entry_id)
    finally:
        store.close()
    if not found:
        raise UsageError(f'there is no entry "{entry_id}"', "feedbot entry list shows all")
    if len(found) > 1 and any(one.id != entry_id for one in found):
        raise UsageError(f'several ids begin with "{entry_id}"', "give more of it")
    app = App(configuration, out=sys.stdout)
    for one in map(app.present, found):
        if context.json:
            context.answer(exposed(one))
            return
        values = exposed(one)
        for name in ("id", "source", "url", "title", "author", "published", "updated", "first_seen", "revision"):
            context.say(f"{name + ':':<11} {inert(str(values[name] or '-'))}")
        context.say(f"{'tags:':<11} {inert(', '.join(one.tags)) or '-'}")
        for enclosure in one.enclosures:
            context.say(f"{'enclosure:':<11} {inert(enclosure.url)} {inert(enclosure.type)} {enclosure.length or ''}")
        context.say()
        for line in to_lines(one.content or one.summary):
            context.say(inert(line))


def _entries(context: Context, sources: tuple[str, ...], limit: int | None) -> tuple[list[Entry], bool]:
    from feedbot.app import App
    from feedbot.errors import UsageError
    from feedbot.settings.document import suggestion

    configuration = context.load()
    app = App(configuration, out=sys.stdout)
    store = context.open_store(configuration)
    try:
        names = list(dict.fromkeys((*configuration.sources, *store.sources.states())))
        for name in sources:
            if name not in names:
                raise UsageError(f'there is no source named "{name}"', suggestion(name, names))
        found = list(islice(store.entries.newest(sources or names), limit and limit + 1))
    finally:
        store.close()
    return [app.present(one) for one in found[:limit]], limit is not None and len(found) > limit


def _line(one: Entry) -> str:
    from feedbot.message.terminal import fit, inert

    moment = one.published or one.first_seen
    return f"{moment:%Y-%m-%d}  {fit(inert(one.source), 14)}  {fit(inert(one.title), 50)}  {inert(one.id)}"
