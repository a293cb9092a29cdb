"""feedbot opml: sources from a list of feeds as readers write it, and such a list of the sources."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from feedbot.interchange.opml import Outline
    from feedbot.settings import Configuration


@click.group(cls=Group)
def opml() -> None:
    """Take in lists of feeds, or write one."""


@opml.command("import", cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Show what would be added, and add nothing.")
@click.pass_obj
def import_list(context: Context, file: Path, dry_run: bool) -> None:
    """Add the feeds of an OPML file that are not sources yet ("-" reads stdin)."""
    from feedbot.cli.takeover import listed, take_over
    from feedbot.interchange.opml import read

    take_over(context, listed(file, read), dry_run=dry_run)


@opml.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.pass_obj
def export(context: Context, file: Path) -> None:
    """Write the feeds that are polled into an OPML file ("-" writes to stdout)."""
    from feedbot.files import write_atomic
    from feedbot.interchange.opml import write

    configuration = context.load()
    outlines, left_out, emptied = _outlines(context, configuration)
    data = write("Sources of feedbot", outlines)
    if str(file) == "-":
        context.say(data.decode().rstrip("\n"))
    else:
        write_atomic(file, data)
    for name in emptied:
        context.warn(f'the address of the source "{name}" is written without the secrets in its query')
    if context.json and str(file) != "-":
        answer = {"file": str(file.absolute()), "feeds": len(outlines), "omitted": left_out, "emptied": emptied}
        context.answer(answer)
        return
    for name, reason in left_out.items():
        context.warn(f'the source "{name}" is left out: {reason}')
    if str(file) != "-" and not context.quiet:
        context.say(f"wrote {len(outlines)} {'feed' if len(outlines) == 1 else 'feeds'} to {file}")


def _outlines(context: Context, configuration: Configuration) -> tuple[list[Outline], dict[str, str], list[str]]:
    """The feeds to list; the sources that are none, and why; and those whose addresses lack their secrets."""
    from urllib.parse import urlsplit

    from feedbot.interchange.opml import Outline

    states = {}
    if context.has_state(configuration):
        store = context.open_store(configuration)
        try:
            states = store.sources.states()
        finally:
            store.close()
    outlines: list[Outline] = []
    left_out: dict[str, str] = {}
    emptied: list[str] = []
    for name, settings in configuration.sources.items():
        url = getattr(settings, "url", "")
        public = _public(url, configuration.references.get(("sources", name, "url")))
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            left_out[name] = "it is no feed on the web"
        elif not public or "@" in parts.netloc:
            left_out[name] = "its address holds what may be secret"
        else:
            state = states.get(name)
            emptied += [name] if public != url else []
            outlines.append(
                Outline(
                    title=(state.title if state else "") or name,
                    url=public,
                    site=state.link if state else "",
                    tags=tuple(settings.tags),
                )
            )
    return outlines, left_out, emptied


def _public(url: str, written: str | None) -> str:
    """An address without the values of its query that are secret; "" where its other parts may be.

    ``written``: how it stands in the configuration, where a part of it came through a reference.
    """
    from feedbot.settings.sentences import without_secrets

    if written is None:
        return without_secrets(url, "")
    place, _, query = written.partition("?")
    # What came through a reference is left out whatever the name of its parameter is.
    said = [one if "${" not in one else f"{one.partition('=')[0]}=" for one in query.split("&")]
    if "${" in place or any("${" in one for one in said) or re.search(r"\$\{[^}]*&", query):
        return ""
    return without_secrets(f"{place}?{'&'.join(said)}".replace("$$", "$"), "")
