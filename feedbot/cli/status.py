"""feedbot status: how sources, feeds and sinks are doing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from feedbot.model import SourceState
    from feedbot.settings import Configuration
    from feedbot.store.sinks import SinkState
    from feedbot.store.store import Store


@click.command(cls=Command)
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.pass_obj
def status(context: Context, sources: tuple[str, ...]) -> None:
    """Show how sources, feeds and sinks are doing."""
    from feedbot.errors import UsageError
    from feedbot.settings.document import suggestion

    configuration = context.load()
    for name in sources:
        if name not in configuration.sources:
            raise UsageError(f'there is no source named "{name}"', suggestion(name, list(configuration.sources)))
    store = context.open_store(configuration)
    try:
        document = _document(configuration, store, sources)
    finally:
        store.close()
    if context.json:
        context.answer(document)
    elif not context.quiet:
        for line in _tables(document, context.now()):
            context.say(line)


def _document(configuration: Configuration, store: Store, sources: tuple[str, ...]) -> dict[str, Any]:
    from feedbot.model import DeliveryState

    states = store.sources.states()
    records = store.entries.feed_records()
    counts = store.outbox.counts()
    troubles = store.sinks.states()
    references = configuration.references
    return {
        "sources": {
            name: {
                **_source(states.get(name), settings.paused, settings.type),
                "elsewhere": _elsewhere(states.get(name), open_address=("sources", name, "url") not in references),
            }
            for name, settings in configuration.sources.items()
            if not sources or name in sources
        },
        "feeds": {
            name: {"entries": records[name][1], "files": sorted(records[name][0])}
            if name in records
            else {"entries": 0, "files": []}
            for name in configuration.feeds
        },
        "sinks": {
            name: {
                "pending": own.get(DeliveryState.PENDING, 0) + own.get(DeliveryState.SENDING, 0),
                "held": own.get(DeliveryState.HELD, 0),
                "dead": own.get(DeliveryState.DEAD, 0),
                "sent": own.get(DeliveryState.SENT, 0),
                "configured": name in configuration.sinks,
                **_trouble(troubles.get(name)),
            }
            for name in dict.fromkeys((*configuration.sinks, *counts))
            for own in [counts.get(name, {})]
        },
    }


def _source(state: SourceState | None, paused: bool, kind: str) -> dict[str, Any]:
    from feedbot.core.dates import rfc3339

    known = "failing" if state and state.failures else "ok"
    if state and state.gone:
        known = "gone"
    return {
        "type": kind,
        "entries": state.entries if state else 0,
        "state": "paused" if paused else known,
        "failures": state.failures if state else 0,
        "last_poll": rfc3339(state.last_poll) if state and state.last_poll else None,
        "next_poll": rfc3339(state.next_poll) if state and state.next_poll else None,
        "error": state.error if state else None,
        "problems": [asdict(problem) for problem in (state.problems if state else ())],
    }


def _trouble(state: SinkState | None) -> dict[str, str | None]:
    """What is not well with a sink: why it is disabled, and since when nothing could be delivered."""
    from feedbot.core.dates import rfc3339

    since = state.failing_since if state else None
    return {
        "disabled": state.error if state and state.disabled_at else None,
        "failing_since": rfc3339(since) if since else None,
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


def _tables(document: dict[str, Any], now: datetime) -> Iterator[str]:
    from feedbot.core.dates import in_words, parse_date
    from feedbot.message.terminal import inert

    def age(text: str | None) -> str:
        return in_words(parse_date(text) if text else None, now)

    rows = [
        [name, s["type"], _state_words(s), str(s["entries"]), age(s["last_poll"]), age(s["next_poll"])]
        for name, s in document["sources"].items()
    ]
    yield from _table(["source", "type", "state", "entries", "last poll", "next poll"], rows)
    for name, source in document["sources"].items():
        if source["error"]:
            yield f"  {name}: {inert(source['error'])}"
        if source["elsewhere"]:
            yield f"  {name}: is at {inert(source['elsewhere'])}; change its url"
        for problem in source["problems"]:
            yield f"  {name}: {inert(problem['where'])}: {inert(problem['message'])}"
    yield ""
    rows = [[name, str(f["entries"]), ", ".join(f["files"])] for name, f in document["feeds"].items()]
    yield from _table(["feed", "entries", "files"], rows)
    yield ""
    rows = [
        [
            name if s["configured"] else f"{name} (not configured)",
            *(str(s[k]) for k in ("sent", "pending", "held", "dead")),
        ]
        for name, s in document["sinks"].items()
    ]
    yield from _table(["sink", "sent", "pending", "held", "dead"], rows)
    for name, sink in document["sinks"].items():
        if sink["disabled"]:
            yield f"  {name}: wants no more deliveries: {inert(sink['disabled'])}; feedbot queue release --sink {name}"
        elif sink["failing_since"]:
            yield f"  {name}: nothing could be delivered since {sink['failing_since']}"


def _state_words(source: dict[str, Any]) -> str:
    state = str(source["state"])
    return f"{state} ×{source['failures']}" if state == "failing" else state


def _table(head: list[str], rows: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        yield "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
