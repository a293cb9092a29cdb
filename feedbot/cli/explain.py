"""feedbot explain: why an entry was announced or not, to whom, and when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from datetime import datetime

    from feedbot.store.deliveries import Trace
    from feedbot.store.entries import Revision

_DECISIONS = {
    "new": "It was new, and announced.",
    "backfill": "It came with the first poll, among the newest entries that backfill announces.",
    "first poll": "It came with the first poll, beyond what backfill announces, so it was taken in without a word.",
    "adopted": "It was announced before, by the program that this source was taken over from or as an entry pruned "
    "since, so nothing was announced.",
    "moved": "Its source was of another type before, so nothing was announced of it.",
    "old": "It was older than max_age, so it was taken in and not announced.",
    "flood": "More entries came at once than flood_limit allows, so its announcement was held.",
    "withdrawn flood": "Many entries were gone at once, so the notice was held.",
    "looks new": "Most of the source looked new at once, so its announcement was held.",
    "mark seen": "The run was to mark all as seen (--mark-seen), so nothing was announced.",
    "counts": 'The edit counts as an update by the rule "updates" of its source.',
    "does not count": 'The edit does not count as an update by the rule "updates" of its source.',
    "restless": "It was edited in every one of several polls, which is taken for a counter and not for news.",
    "gone": "Its source did not list it any more.",
}
_EDITS = {
    "text": "its text changed",
    "markup": "its markup changed, and no word of it",
    "front matter": "its tags, authors, dates or the like changed, and not what readers see",
    "none": "it was seen first",
    "withdrawn": "it was withdrawn",
    "restored": "it came back",
}
_CHANGES = {"new": "announcement", "updated": "notice of an update", "withdrawn": "notice of the withdrawal"}
_CAUSES = {"restored": "since it came back", "flood": "held with many others"}


class _Known(NamedTuple):
    """What is known of an entry.

    ``former``: what its source was called before. ``elsewhere``: sinks that were told of it as another source has it,
    and that source. ``forgotten``: what was sent when it was seen first is kept no more.
    """

    revisions: list[Revision]
    traces: list[Trace]
    former: str
    elsewhere: list[tuple[str, str]]
    forgotten: bool


@click.command(cls=Command)
@click.argument("entry_id", metavar="ENTRY")
@click.pass_obj
def explain(context: Context, entry_id: str) -> None:
    """Tell why an entry was announced or not, to whom, and when."""
    from feedbot.cli.entry import find

    configuration = context.load()
    kept_since = context.now() - configuration.feedbot.retention
    store = context.open_store(configuration)
    try:
        told = [
            _Known(
                revisions=store.entries.revisions(one),
                traces=store.deliveries.traces(one.id, one.source),
                former=store.sources.former_name(one.source),
                elsewhere=store.deliveries.told_elsewhere(one, list(configuration.sinks)),
                forgotten=one.first_seen < kept_since,
            )
            for one in find(store, entry_id)
        ]
    finally:
        store.close()
    if context.json:
        context.answer({"entries": [_as_json(one) for one in told]})
        return
    for number, one in enumerate(told):
        if number:
            context.say()
        for line in _sentences(one):
            context.say(line)


def _sentences(known: _Known) -> Iterator[str]:
    from feedbot.message.terminal import inert

    revisions = known.revisions
    entry = revisions[-1].entry
    yield inert(entry.title or entry.url or entry.id)
    was = f', which was called "{inert(known.former)}" before' if known.former else ""
    yield f"  {inert(entry.id)}, of the source {inert(entry.source)}{was}"
    yield ""
    if revisions[0].entry.revision > 1:
        yield f"{_time(entry.first_seen)}  it was seen first; what came of that is kept no more."
    for one in revisions:
        decision = _DECISIONS.get(f"{one.edit} {one.why}", _DECISIONS.get(one.why, ""))
        event = f"{_EDITS.get(one.edit, one.edit)} (revision {one.entry.revision})"
        yield f"{_time(one.seen_at)}  {event}. {decision}".rstrip()
    yield ""
    for trace in known.traces:
        yield from _fate(trace)
    for sink, source in known.elsewhere:
        yield f'{inert(sink)} was told of it as an entry of the source {inert(source)}, once (dedupe = "across").'
    if not known.traces and not known.elsewhere:
        if known.forgotten:
            yield "No delivery of it is known: what was sent longer ago than retention says is forgotten."
        else:
            yield f"No delivery was made of it: {_reason([one.why for one in revisions])}."


def _reason(decisions: list[str]) -> str:
    """Why what was decided of an entry led to no delivery."""
    if decisions[0] in ("new", "backfill"):
        return "no route leads it to a sink"
    return "no route asks for its updates" if "counts" in decisions else "see above"


def _fate(trace: Trace) -> Iterator[str]:
    from feedbot.message.terminal import counted, inert
    from feedbot.model import DeliveryState

    one = trace.delivery
    route = f"route {trace.route}" if trace.route else "no route, but the withdrawal that it was told of"
    cause = f", {_CAUSES[trace.why]}" if trace.why in _CAUSES else ""
    yield f"{_time(one.created)}  {inert(one.sink)}: {_CHANGES[one.change.value]}, through {route}{cause}."
    for at, error in trace.tries:
        yield f"{_time(at)}    a try failed: {inert(error)}"
    tries = counted(one.attempts, "try", "tries")
    if one.state is DeliveryState.SENT:
        yield f"{_time(trace.done_at)}    sent at try {one.attempts}, as revision {trace.carried}."
    elif one.state is DeliveryState.HELD:
        yield "                    held: feedbot queue release lets it go, feedbot queue absorb drops it."
    elif one.state is DeliveryState.DEAD:
        yield f"                    given up after {tries}: feedbot queue retry {one.pk} tries again."
    elif one.state is DeliveryState.DROPPED:
        yield f"{_time(trace.done_at)}    dropped: {inert(one.error) or 'by hand'}."
    elif one.state is DeliveryState.SENDING:
        yield "                    being sent."
    else:
        yield f"                    due {_time(one.not_before)}, after {tries}."


def _as_json(known: _Known) -> dict[str, Any]:
    from feedbot.core.dates import rfc3339

    def moment(at: datetime | None) -> str | None:
        return rfc3339(at) if at else None

    entry = known.revisions[-1].entry
    return {
        "id": entry.id,
        "source": entry.source,
        "source_before": known.former or None,
        "title": entry.title,
        "first_seen": rfc3339(entry.first_seen),
        "revisions": [
            {"revision": r.entry.revision, "seen": rfc3339(r.seen_at), "edit": r.edit, "why": r.why}
            for r in known.revisions
        ],
        "told_elsewhere": [{"sink": sink, "source": source} for sink, source in known.elsewhere],
        "deliveries": [
            {
                "number": t.delivery.pk,
                "key": t.delivery.key,
                "sink": t.delivery.sink,
                "change": t.delivery.change.value,
                "route": t.route,
                "why": t.why,
                "state": t.delivery.state.value,
                "revision": t.carried or t.made_for,
                "created": rfc3339(t.delivery.created),
                "not_before": rfc3339(t.delivery.not_before),
                "done": moment(t.done_at),
                "attempts": t.delivery.attempts,
                "error": t.delivery.error,
                "failed_tries": [{"at": rfc3339(at), "error": error} for at, error in t.tries],
            }
            for t in known.traces
        ],
    }


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else " " * 19
