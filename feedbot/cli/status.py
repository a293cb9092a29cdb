"""feedbot status: how sources, feeds and sinks are doing."""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import asdict

from feedbot.cli.commands import Command
from feedbot.cli.context import Context
from feedbot.cli.naming import names_of

if TYPE_CHECKING:
    from feedbot.model import SourceState
    from feedbot.settings import Configuration
    from feedbot.store.entries import FeedRecord
    from feedbot.store.sinks import SinkState
    from feedbot.store.store import Store

_DAY = timedelta(days=1)
_REDRAWN = 2.0  # seconds between two looks at the state


@click.command(cls=Command)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...", shell_complete=names_of("sources"))
@click.option("--watch", is_flag=True, help="Go on showing it, until Ctrl-C.")
@click.pass_obj
def status(context: Context, sources: tuple[str, ...], watch: bool) -> None:
    """Show how sources, feeds and sinks are doing."""
    from feedbot.cli.statustable import tables
    from feedbot.errors import UsageError
    from feedbot.settings.document import suggestion

    configuration = context.load()
    for name in sources:
        if name not in configuration.sources:
            raise UsageError(f'there is no source named "{name}"', suggestion(name, list(configuration.sources)))
    if watch and (context.json or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb"):
        raise UsageError("--watch redraws a terminal", "for programs: feedbot status --json, as often as is wanted")
    if watch:
        _watch(context, configuration, sources)
    document = _looked_up(context, configuration, sources)
    if context.json:
        context.answer(document)
    elif not context.quiet:
        for line in tables(document, context.now()):
            context.say(line)


def _watch(context: Context, configuration: Configuration, sources: tuple[str, ...]) -> None:
    """Redraw the tables every other second, on a screen of their own, until a signal ends it."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from feedbot.cli.statustable import tables

    console = Console(no_color=context.no_color, highlight=False)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            now = context.now()
            lines = [f"{now:%H:%M:%S} UTC · Ctrl-C ends it", ""]
            lines += tables(_looked_up(context, configuration, sources), now)
            live.update(Text(context.redact("\n".join(lines)), no_wrap=True, overflow="ellipsis"), refresh=True)
            time.sleep(_REDRAWN)


def _looked_up(context: Context, configuration: Configuration, sources: tuple[str, ...]) -> dict[str, Any]:
    store = context.open_store(configuration)
    try:
        return _document(configuration, store, sources, context.now())
    finally:
        store.close()


def _document(configuration: Configuration, store: Store, chosen: tuple[str, ...], now: datetime) -> dict[str, Any]:
    states, last_new, records = store.sources.states(), store.sources.last_new(), store.entries.feed_records()
    references = configuration.references
    return {
        "sources": {
            name: {
                **_source(states.get(name), settings.paused, settings.type),
                "last_new": _told(last_new.get(name)),
                "elsewhere": _elsewhere(states.get(name), open_address=("sources", name, "url") not in references),
            }
            for name, settings in configuration.sources.items()
            if not chosen or name in chosen
        },
        "feeds": {name: _feed(records.get(name)) for name in configuration.feeds},
        "sinks": _sinks(configuration, store, now),
        **_distributed(configuration, store, now),
    }


def _distributed(configuration: Configuration, store: Store, now: datetime) -> dict[str, Any]:
    """Workers and queues, where the state is one that several machines may work on."""
    from feedbot.location import Database

    if not isinstance(configuration.state, Database):
        return {}
    from feedbot.cli.statusfleet import fleet

    return fleet(store, now)


def _source(state: SourceState | None, paused: bool, kind: str) -> dict[str, Any]:
    known = "failing" if state and state.failures else "ok"
    if state and state.gone:
        known = "gone"
    return {
        "type": kind,
        "entries": state.entries if state else 0,
        "state": "paused" if paused else known,
        "failures": state.failures if state else 0,
        "failing_since": _told(state.failing_since if state else None),
        "last_poll": _told(state.last_poll if state else None),
        "next_poll": _told(state.next_poll if state else None),
        "not_before": _told(state.not_before if state else None),
        "error": state.error if state else None,
        "problems": [asdict(problem) for problem in (state.problems if state else ())],
    }


def _feed(record: FeedRecord | None) -> dict[str, Any]:
    """A feed with its own files; those of its parts and archive pages are not among them."""
    if record is None:
        return {"entries": 0, "files": [], "bytes": 0, "updated": None}
    newest = max((marks[1] for marks in record.files.values()), default=0)
    return {
        "entries": record.entries,
        "files": sorted(record.files),
        "bytes": sum(marks[0] for marks in record.files.values()),
        "updated": _told(datetime.fromtimestamp(newest // 1_000_000_000, UTC)) if newest else None,
    }


def _sinks(configuration: Configuration, store: Store, now: datetime) -> dict[str, Any]:
    from feedbot.model import DeliveryState

    counts, troubles = store.deliveries.counts(), store.sinks.states()
    lately, backlog = store.deliveries.sent_since(now - _DAY), store.deliveries.backlog()
    return {
        name: {
            "pending": own.get(DeliveryState.PENDING, 0) + own.get(DeliveryState.SENDING, 0),
            "held": own.get(DeliveryState.HELD, 0),
            "dead": own.get(DeliveryState.DEAD, 0),
            "sent": own.get(DeliveryState.SENT, 0),
            "sent_24h": lately.get(name, 0),
            "oldest": _told(backlog[name].created) if name in backlog else None,
            "configured": name in configuration.sinks,
            **_trouble(troubles.get(name)),
        }
        for name in dict.fromkeys((*configuration.sinks, *counts))
        for own in [counts.get(name, {})]
    }


def _trouble(state: SinkState | None) -> dict[str, str | None]:
    """What is not well with a sink: why it is disabled, and since when nothing could be delivered."""
    return {
        "disabled": state.error if state and state.disabled_at else None,
        "failing_since": _told(state.failing_since if state else None),
    }


def _elsewhere(state: SourceState | None, *, open_address: bool) -> str | None:
    """Where a feed is by now, or says that it moved to, if that is not its configured address.

    Secrets in its query are left out, and the whole of it where the configured address is made of references.
    """
    from feedbot.http.target import shown
    from feedbot.settings.sentences import mask

    known = state.memory.extra if state else {}
    address = known.get("at") or known.get("moved_to")
    if not address:
        return None
    return mask(address) if open_address else shown(address)


def _told(moment: datetime | None) -> str | None:
    from feedbot.core.dates import rfc3339

    return rfc3339(moment) if moment else None
