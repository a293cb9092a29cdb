"""feedbot run: one round, for cron or by hand."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context
from feedbot.cli.naming import names_of

if TYPE_CHECKING:
    from feedbot.engine.report import SourceReport


@click.command(cls=Command)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", shell_complete=names_of("sources"))
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
@click.option("--no-notify", is_flag=True, help="Leave deliveries in the outbox for a later run.")
@click.option("--mark-seen", is_flag=True, help="Take in what is new without ever announcing it.")
@click.option("--force", is_flag=True, help="Poll sources that are not due, too.")
@click.option("--strict", is_flag=True, help="Leave with 3 where a source failed, with 4 where a delivery did.")
@click.pass_obj
def run(
    context: Context,
    sources: tuple[str, ...],
    dry_run: bool,
    no_notify: bool,
    mark_seen: bool,
    force: bool,
    strict: bool,
) -> int:
    """Poll what is due once, publish, deliver, exit."""
    from feedbot.app import App, RunOptions
    from feedbot.cli.progress import Progress
    from feedbot.cli.runlog import log_polls, log_run
    from feedbot.cli.runreport import as_json, as_text, headline, needs_a_person, source_lines

    configuration = context.load()
    talks = not context.quiet and not context.json
    moves = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    progress = Progress(enabled=talks and moves, colours=not context.no_color)
    out = sys.stderr if context.json else sys.stdout
    app = App(configuration, out=out, progress=progress.update, reading=progress.reading)
    options = RunOptions(
        sources=sources,
        dry_run=dry_run,
        notify=not no_notify,
        mark_seen=mark_seen,
        force=force,
        quiet=context.quiet,
    )
    if talks:
        context.say(headline(configuration))

    def polled(reports: Mapping[str, SourceReport]) -> None:
        progress.close()
        log_polls(reports)
        if talks:
            for line in source_lines(context, configuration, reports, options):
                context.say(line)

    try:
        report = app.run(options, polled=polled)
    finally:
        progress.close()
    log_run(context.run, report)
    if context.json:
        context.answer(as_json(report))
    elif talks:
        printed = any(
            app.prints(name) and sink.sent for name, sink in report.sinks.items() if name in configuration.sinks
        )
        for line in as_text(context, configuration, report, options, printed=printed):
            context.say(line)
    elif context.quiet:
        for line in needs_a_person(report):
            context.tell(line)
    if report.feed_failed:
        return 5
    if strict and report.delivery_failed:
        return 4
    return 3 if strict and report.source_failed else 0
