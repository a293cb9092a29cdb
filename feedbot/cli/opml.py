"""feedbot opml: sources from a list of feeds as readers write it, and such a list of the sources."""

from __future__ import annotations

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
    outlines, left_out = _outlines(context, configuration)
    data = write("Sources of feedbot", outlines)
    if str(file) == "-":
        context.say(data.decode().rstrip("\n"))
    else:
        write_atomic(file, data)
    if context.json and str(file) != "-":
        context.answer({"file": str(file.absolute()), "feeds": len(outlines), "omitted": left_out})
        return
    for name, reason in left_out.items():
        context.warn(f'the source "{name}" is left out: {reason}')
    if str(file) != "-" and not context.quiet:
        context.say(f"wrote {len(outlines)} {'feed' if len(outlines) == 1 else 'feeds'} to {file}")


def _outlines(context: Context, configuration: Configuration) -> tuple[list[Outline], dict[str, str]]:
    from urllib.parse import urlsplit

    from feedbot.interchange.opml import Outline

    states = {}
    if configuration.state_path.exists():
        store = context.open_store(configuration)
        try:
            states = store.sources.states()
        finally:
            store.close()
    outlines: list[Outline] = []
    left_out: dict[str, str] = {}
    for name, settings in configuration.sources.items():
        url = getattr(settings, "url", "")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https"):
            left_out[name] = "it is no feed on the web"
        elif ("sources", name, "url") in configuration.references or "@" in parts.netloc:
            left_out[name] = "its address holds what may be secret"
        else:
            state = states.get(name)
            outlines.append(
                Outline(
                    title=(state.title if state else "") or name,
                    url=url,
                    site=state.link if state else "",
                    tags=tuple(settings.tags),
                )
            )
    return outlines, left_out
