"""feedbot import: what other programs were set up to do, taken over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec.structs import replace

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from feedbot.interchange.listing import Listing, Subscription

_FILE = click.Path(path_type=Path)
_dry_run = click.option("--dry-run", is_flag=True, help="Show what would be added, and add nothing.")


@click.group("import", cls=Group)
def importing() -> None:
    """Take over the feeds of another program."""


@importing.command(cls=Command)
@click.argument("cfg", type=_FILE, metavar="CFG")
@click.argument("data", type=_FILE, metavar="[DATA.json]", required=False)
@_dry_run
@click.pass_obj
def rss2email(context: Context, cfg: Path, data: Path | None, dry_run: bool) -> None:
    """Take over rss2email.cfg, and with its data file what it has mailed, so that nothing is mailed twice."""
    from feedbot.cli.takeover import content, listed, take_over
    from feedbot.errors import UsageError
    from feedbot.interchange.listing import ListingError, Omitted
    from feedbot.interchange.rss2email import read, read_seen, seen_keys

    listing = listed(cfg, _text(read))
    if data is None:
        take_over(context, listing, dry_run=dry_run)
        context.warn("what came since rss2email last ran is not announced: give its data file too to have that")
        return
    try:
        mailed = read_seen(content(data).decode("utf-8", "replace"))
    except ListingError as error:
        raise UsageError(f"{data}: {error.message}", error.hint) from None

    def seen(one: Subscription) -> frozenset[bytes]:
        return seen_keys(mailed.get(one.title, frozenset()), one.url)

    nameless = [one for one in listing.subscriptions if mailed.get(one.title) and not seen(one)]
    why = "rss2email knew its entries by their content only, so that none that is there now is announced"
    told = (*listing.omitted, *(Omitted(one.where, why) for one in nameless))
    take_over(context, replace(listing, omitted=told), dry_run=dry_run, seen=seen)


@importing.command(cls=Command)
@click.argument("ini", type=_FILE, metavar="INI")
@_dry_run
@click.pass_obj
def feed2exec(context: Context, ini: Path, dry_run: bool) -> None:
    """Take over feed2exec.ini."""
    from feedbot.cli.takeover import listed, take_over
    from feedbot.interchange.feed2exec import read

    take_over(context, listed(ini, _text(read)), dry_run=dry_run)


@importing.command(cls=Command)
@click.argument("urls", type=_FILE, metavar="URLS")
@_dry_run
@click.pass_obj
def newsboat(context: Context, urls: Path, dry_run: bool) -> None:
    """Take over newsboat's file of addresses."""
    from feedbot.cli.takeover import listed, take_over
    from feedbot.interchange.newsboat import read

    take_over(context, listed(urls, _text(read)), dry_run=dry_run)


def _text(read: Callable[[str], Listing]) -> Callable[[bytes], Listing]:
    """A reader of text as one of bytes."""
    return lambda data: read(data.decode("utf-8", "replace"))
