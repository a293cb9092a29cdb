"""feedbot replay: send again what a sink was sent before."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context
from feedbot.cli.naming import names_of

if TYPE_CHECKING:
    from datetime import datetime, tzinfo


@click.command(cls=Command)
@click.argument("sink", shell_complete=names_of("sinks"))
@click.option("--since", required=True, metavar="WHEN", help="What was sent from then on: a date, or a span as 2d.")
@click.option("--until", metavar="WHEN", default="", help="What was sent up to then. Default: now.")
@click.option("--source", default="", help="Only entries of one source.")
@click.option("--yes", is_flag=True, help="Do not ask whether that is meant.")
@click.pass_obj
def replay(context: Context, sink: str, since: str, until: str, source: str, yes: bool) -> None:
    """Send again what a sink was sent before, at the next run.

    The deliveries get new keys, since the receiver has seen the former ones and may ignore them. What was sent
    longer ago than [feedbot] retention is not known any more.
    """
    from feedbot.errors import UsageError
    from feedbot.locking import run_lock
    from feedbot.message.terminal import counted
    from feedbot.settings.document import suggestion

    configuration = context.load()
    for kind, name, known in (("sink", sink, configuration.sinks), ("source", source, configuration.sources)):
        if name and name not in known:
            raise UsageError(f'there is no {kind} named "{name}"', suggestion(name, list(known)))
    now = context.now()
    first = _moment(since, now, configuration.zone)
    last = _moment(until, now, configuration.zone) if until else now
    with run_lock(configuration.state):
        store = context.open_store(configuration, writable=True)
        try:
            found = store.retention.sent(sink, first, last, source)
            what = counted(len(found), "delivery", "deliveries")
            if found and not yes:
                if not sys.stdin.isatty():
                    raise UsageError(f"{what} would be sent again to {sink}", "say --yes where that is meant")
                click.confirm(f"Send {what} again to {sink}?", abort=True, err=True)
            made = store.retention.again(found, now)
        finally:
            store.close()
    if context.json:
        context.answer({"deliveries": made})
    elif not context.quiet:
        context.say(
            f"{what} will be sent again to {sink} at the next run" if made else f"nothing was sent to {sink} then"
        )


def _moment(text: str, now: datetime, zone: tzinfo) -> datetime:
    """A date, or how long ago. Raises UsageError."""
    from feedbot.core.dates import parse_date
    from feedbot.core.units import parse_duration
    from feedbot.errors import UsageError

    moment = parse_date(text, zone)
    if moment is not None:
        return moment
    try:
        return now - parse_duration(text)
    except ValueError:
        raise UsageError(f'"{text}" is neither a date nor a span of time', 'write "2026-11-20" or "2d"') from None
