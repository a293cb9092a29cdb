"""feedbot entry: the entries that feedbot knows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from feedbot.core.textdiff import Line
    from feedbot.model import Entry
    from feedbot.store.entries import Revision
    from feedbot.store.store import Store


@click.group(cls=Group)
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
    """Show one entry by its id or address, or by how its id begins."""
    from feedbot.core.expose import exposed
    from feedbot.core.html import to_lines
    from feedbot.message.terminal import inert
    from feedbot.parts import Parts

    configuration = context.load()
    store = context.open_store(configuration)
    try:
        found = find(store, entry_id)
    finally:
        store.close()
    parts = Parts(configuration, out=sys.stdout)
    for one in map(parts.present, found):
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


@entry.command(cls=Command)
@click.argument("entry_id", metavar="ID")
@click.option(
    "--from", "older", type=click.IntRange(min=1), help="The revision to start from. Default: the last but one."
)
@click.option("--to", "newer", type=click.IntRange(min=1), help="The revision to end with. Default: the newest.")
@click.pass_obj
def diff(context: Context, entry_id: str, older: int | None, newer: int | None) -> None:
    """Show what changed between two revisions of an entry."""
    from feedbot.core.textdiff import changed_words, text_diff

    store = context.open_store(context.load())
    try:
        kept = store.entries.revisions(find(store, entry_id)[0])
    finally:
        store.close()
    after = _revision(kept, newer) if newer else kept[-1]
    earlier = [one for one in kept if one.entry.revision < after.entry.revision]
    before = _revision(kept, older) if older else earlier[-1] if earlier else after
    lines = changed_words(before.entry, after.entry)
    if context.json:
        context.answer(
            {
                "entry": after.entry.id,
                "revisions": [_described(one) for one in kept],
                "from": before.entry.revision,
                "to": after.entry.revision,
                "diff": text_diff(before.entry, after.entry),
                "lines": [{"mark": line.mark, "words": line.words} for line in lines],
            }
        )
        return
    context.say(f"revision {before.entry.revision} → {after.entry.revision} ({after.edit})")
    for line in lines:
        context.say(_shown(context, line))
    if not lines:
        context.say("the text is the same")


def find(store: Store, wanted: str) -> Sequence[Entry]:
    """The entries with this id or address, of several sources perhaps, or the one whose id begins so.

    Raises UsageError.
    """
    from feedbot.errors import UsageError

    found = store.entries.find(wanted) or _addressed(store, wanted)
    if not found:
        raise UsageError(f'there is no entry "{wanted}"', "feedbot entry list shows all")
    if len(found) > 1 and any(one.id.startswith(wanted) and one.id != wanted for one in found):
        raise UsageError(f'several ids begin with "{wanted}"', "give more of it")
    return found


def _addressed(store: Store, address: str) -> list[Entry]:
    """The entries that are, or once were, at an address."""
    from feedbot.core.identity import link_key

    key = link_key(address)
    named = [store.knowledge.named(source, [key]).get(key) for source in sorted(store.sources.names())] if key else []
    return list(store.entries.stored([pk for pk in named if pk is not None]).values())


def _revision(kept: Sequence[Revision], number: int) -> Revision:
    from feedbot.errors import UsageError

    for one in kept:
        if one.entry.revision == number:
            return one
    there = ", ".join(str(one.entry.revision) for one in kept)
    raise UsageError(f"revision {number} is not there, or not kept", f"there are {there}")


def _described(one: Revision) -> dict[str, Any]:
    from feedbot.core.dates import rfc3339

    return {"revision": one.entry.revision, "seen": rfc3339(one.seen_at), "edit": one.edit}


def _shown(context: Context, line: Line) -> str:
    from feedbot.message.terminal import inert

    colour = {"-": "red", "+": "green", "@": "cyan"}.get(line.mark)
    if line.mark == "@":
        return context.style(inert(line.text), fg=colour)
    edited = any(changed for _, changed in line.words) and not all(changed for _, changed in line.words)
    parts = [
        context.style(_inert(text), fg=colour, bold=edited and changed, underline=edited and changed)
        for text, changed in line.words
    ]
    return context.style(line.mark, fg=colour) + "".join(parts)


def _inert(text: str) -> str:
    """Inert text that keeps the space at its ends, which parts it from its neighbours."""
    from feedbot.message.terminal import inert

    begin = " " if text[:1].isspace() else ""
    end = " " if text[-1:].isspace() and text.strip() else ""
    return begin + inert(text) + end


def _entries(context: Context, sources: tuple[str, ...], limit: int | None) -> tuple[list[Entry], bool]:
    from feedbot.errors import UsageError
    from feedbot.parts import Parts
    from feedbot.settings.document import suggestion

    configuration = context.load()
    parts = Parts(configuration, out=sys.stdout)
    store = context.open_store(configuration)
    try:
        names = list(dict.fromkeys((*configuration.sources, *store.sources.states())))
        for name in sources:
            if name not in names:
                raise UsageError(f'there is no source named "{name}"', suggestion(name, names))
        found = list(islice(store.entries.newest(sources or names), limit and limit + 1))
    finally:
        store.close()
    return [parts.present(one) for one in found[:limit]], limit is not None and len(found) > limit


def _line(one: Entry) -> str:
    from feedbot.message.terminal import fit, inert

    moment = one.published or one.first_seen
    return f"{moment:%Y-%m-%d}  {fit(inert(one.source), 14)}  {fit(inert(one.title), 50)}  {inert(one.id)}"
