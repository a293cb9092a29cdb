"""One round of the whole way: poll, publish, deliver."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct

from feedbot.engine.dispatch import Dispatching, dispatch
from feedbot.engine.hubs import Hubs, tell
from feedbot.engine.poll import poll
from feedbot.engine.publishing import FeedSpec, Publishing
from feedbot.engine.reading import SourceSpec
from feedbot.engine.report import RunReport, SinkReport, SourceReport
from feedbot.engine.settling import Polling
from feedbot.engine.sharing import PATIENCE, publish
from feedbot.engine.subscribing import Subscribing, subscribe
from feedbot.model import DeliveryState
from feedbot.plugins import Sink
from feedbot.store.store import Store


class Cycle(Struct, frozen=True, kw_only=True):
    """What a round works on. No ``dispatching``: deliveries stay in the outbox, as those of ``silent`` sinks do;
    no ``hubs``: none is told; no ``subscribing``: none is asked to push. ``retention``: how long deliveries that are
    done are kept."""

    store: Store
    sources: Sequence[SourceSpec]
    feeds: Sequence[FeedSpec]
    sinks: Sequence[tuple[str, Callable[[], Sink]]]
    polling: Polling
    publishing: Publishing
    hubs: Hubs | None
    subscribing: Subscribing | None
    dispatching: Dispatching | None
    silent: frozenset[str] = frozenset()
    retention: timedelta = timedelta(days=90)


def run(cycle: Cycle, polled: Callable[[Mapping[str, SourceReport]], None], *, force: bool = False) -> RunReport:
    """Poll what is due, write the feeds that changed, send what is waiting.

    Each stage works on what the one before has committed, so that a round that is killed anywhere is
    completed by the next one.
    """
    begun = time.monotonic()
    report = RunReport()
    report.sources = poll(cycle.sources, cycle.polling, force=force)
    polled(report.sources)
    report.feeds = publish(cycle.feeds, cycle.store.sources.shown, cycle.publishing, patience=PATIENCE)
    for feed in report.feeds.values():
        if feed.busy:
            feed.problems.append("another process publishes it just now")
    incomplete = sorted(name for feed in report.feeds.values() for name in feed.incomplete)
    if incomplete:  # copies were removed from the output folder: the next round makes them again
        cycle.store.sources.forget(incomplete)
    if cycle.hubs is not None:
        for name, error in tell(cycle.hubs).items():
            if name in report.feeds:
                report.feeds[name].problems.append(error)
    if cycle.subscribing is not None:
        for name, error in subscribe([spec.name for spec in cycle.sources], cycle.subscribing).items():
            report.sources[name].notes += (error,)
    if cycle.dispatching is not None:
        waiting = set(cycle.store.outbox.due_sinks(cycle.dispatching.clock()))
        due = [sink for sink in cycle.sinks if sink[0] in waiting - cycle.silent]
        report.sinks = dispatch(due, cycle.dispatching)
        _send_alerts(cycle, cycle.dispatching, report.sinks)
        cycle.store.retention.prune(cycle.dispatching.clock() - cycle.retention)
    cycle.store.beat(cycle.polling.clock())
    _count(report, cycle)
    report.seconds = time.monotonic() - begun
    return report


def _send_alerts(cycle: Cycle, dispatching: Dispatching, reports: dict[str, SinkReport]) -> None:
    """Send at once what delivering itself gave reason to tell a person."""
    if not dispatching.alerting.sinks or not any(one.failed or one.alert for one in reports.values()):
        return
    waiting = set(cycle.store.outbox.due_sinks(dispatching.clock())) & set(dispatching.alerting.sinks) - cycle.silent
    for name, more in dispatch([sink for sink in cycle.sinks if sink[0] in waiting], dispatching).items():
        first = reports.setdefault(name, more)
        if first is not more:
            first.sent, first.failed = first.sent + more.sent, first.failed + more.failed
            first.errors += [error for error in more.errors if error not in first.errors]
            first.alert = first.alert or more.alert


def _count(report: RunReport, cycle: Cycle) -> None:
    counts = cycle.store.deliveries.waiting()
    for name in dict.fromkeys((*(name for name, _ in cycle.sinks), *counts)):
        sink = report.sinks.setdefault(name, SinkReport(name=name))
        own = counts.get(name, {})
        sink.pending = own.get(DeliveryState.PENDING, 0) + own.get(DeliveryState.SENDING, 0)
        sink.held = own.get(DeliveryState.HELD, 0)
        sink.dead = own.get(DeliveryState.DEAD, 0)
