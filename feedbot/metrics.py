"""Tells Prometheus how an installation is doing: what the state holds, and what a process has done so far.

What is exposed are numbers, and names of sources, feeds and sinks: no address, no text and no secret. How many series
there are does not grow beyond what the configuration names, and series for each source, feed or sink are left out
where it names more than MOST_SERIES of that kind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from importlib.util import find_spec
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from feedbot import __version__
from feedbot.engine.report import SourceStatus
from feedbot.engine.tally import BOUNDS, Counts
from feedbot.errors import UsageError
from feedbot.location import Database
from feedbot.model import ChangeKind, DeliveryState, SourceState
from feedbot.settings import Configuration
from feedbot.store.fleet import SILENCE, WORKER
from feedbot.store.stats import stats
from feedbot.store.store import Store

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of what ``exposition`` gives: the text format of Prometheus."""
MOST_SERIES = 200
"""Of more sources, feeds or sinks than this none has series of its own."""

_WAITING = (DeliveryState.PENDING, DeliveryState.HELD, DeliveryState.DEAD)
_OTHER = "(removed)"  # sinks that the configuration no longer has, together; no sink can be called so


def has_client() -> bool:
    """Whether the library that writes metrics is installed."""
    return find_spec("prometheus_client") is not None


def require_client() -> None:
    """Raises UsageError where the library that writes metrics is not installed."""
    if not has_client():
        raise UsageError("metrics need prometheus_client, which is not installed", "install feedbot[metrics]")


def exposition(configuration: Configuration, store: Store, now: datetime, counts: Counts | None = None) -> bytes:
    """The metrics in the text format of Prometheus. With ``counts``, what this process did and what it uses too.

    Raises StateError where the state cannot be read, and UsageError where prometheus-client is missing.
    """
    require_client()
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry(auto_describe=False)
    families = list(_of_state(configuration, store, now))
    if counts is not None:
        families += _of_process(counts, _shown(configuration.sinks))
        ProcessCollector(registry=registry)
    registry.register(_Ready(families))
    return bytes(generate_latest(registry))


class _Ready:
    """A collector of what was gathered already."""

    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families


def health(state: SourceState | None, *, paused: bool) -> str:
    """How a source is doing in one word: paused, new, gone, failing or ok."""
    if paused:
        return "paused"
    if state is None or state.last_poll is None:
        return "new"
    if state.gone:
        return "gone"
    return "failing" if state.failures else "ok"


def _of_state(configuration: Configuration, store: Store, now: datetime) -> Iterator[Metric]:
    states = store.sources.states()
    yield _gauge("feedbot_info", "The version of feedbot.", {(__version__,): 1}, "version")
    yield from _of_sources(configuration, states, now)
    records = store.entries.feed_records()
    entries = {(name,): records[name].entries for name in _shown(configuration.feeds) if name in records}
    yield _gauge("feedbot_feed_entries", "Entries in a published feed.", entries, "feed")
    written = {
        (name,): max((stamp[1] / 1e9 for stamp in records[name].files.values()), default=0.0)
        for name in _shown(configuration.feeds)
        if name in records
    }
    yield _gauge("feedbot_feed_written_timestamp_seconds", "When a file of the feed last changed.", written, "feed")
    yield from _of_outbox(configuration, store, now)
    if isinstance(configuration.state, Database):
        yield from _of_fleet(store, now)


def _of_fleet(store: Store, now: datetime) -> Iterator[Metric]:
    found = stats(store, now)
    at_work = [worker for worker in found.workers if worker.command == WORKER]
    quiet = [now - worker.seen > SILENCE for worker in at_work]
    workers = {("at work",): quiet.count(False), ("silent",): quiet.count(True)}
    yield _gauge("feedbot_workers", "Workers by whether they were heard of lately.", workers, "health")
    jobs = {(name, "waiting"): depth.waiting for name, depth in found.queues.items()}
    jobs |= {(name, "running"): depth.running for name, depth in found.queues.items()}
    yield _gauge("feedbot_queue_jobs", "Jobs in the queues of the workers.", jobs, "queue", "state")
    seen = max((now - worker.seen for worker in at_work), default=timedelta(0)).total_seconds()
    yield _gauge(
        "feedbot_worker_silence_seconds", "Since when the quietest worker was not heard of.", {(): max(seen, 0)}
    )


def _of_sources(configuration: Configuration, states: Mapping[str, SourceState], now: datetime) -> Iterator[Metric]:
    of = {name: states.get(name) for name in configuration.sources}
    how = {name: health(of[name], paused=settings.paused) for name, settings in configuration.sources.items()}
    words = ("ok", "failing", "gone", "paused", "new")
    counted = {(word,): list(how.values()).count(word) for word in words}
    yield _gauge("feedbot_sources", "Sources by how they are doing.", counted, "health")
    known = sum(state.entries for state in of.values() if state)
    yield _gauge("feedbot_entries", "Entries that the state holds of the sources.", {(): known})
    well = [state.last_poll for state in of.values() if state and state.last_poll and not state.failures]
    if well:
        last = {(): max(well).timestamp()}
        yield _gauge("feedbot_last_poll_success_timestamp_seconds", "When a source was last read well.", last)
    due = [state.next_poll for name, state in of.items() if state and state.next_poll and how[name] != "paused"]
    late = max((now - moment for moment in due), default=timedelta(0)).total_seconds()
    yield _gauge(
        "feedbot_poll_lag_seconds", "How long the source that is most overdue has been so.", {(): max(late, 0)}
    )
    shown = {name: state for name, state in of.items() if state and name in _shown(of)}
    up = {(name,): int(how[name] in ("ok", "paused")) for name in shown if how[name] != "new"}
    yield _gauge("feedbot_source_up", "1 where the last poll of a source went well.", up, "source")
    failures = {(name,): state.failures for name, state in shown.items()}
    yield _gauge("feedbot_source_failures", "Polls of a source that failed in a row.", failures, "source")
    polled = {(name,): state.last_poll.timestamp() for name, state in shown.items() if state.last_poll}
    yield _gauge("feedbot_source_last_poll_timestamp_seconds", "When a source was last polled.", polled, "source")
    entries = {(name,): state.entries for name, state in shown.items()}
    yield _gauge("feedbot_source_entries", "Entries that the state holds of a source.", entries, "source")


def _of_outbox(configuration: Configuration, store: Store, now: datetime) -> Iterator[Metric]:
    shown = _shown(configuration.sinks)
    waiting = dict.fromkeys(((sink, state.value) for sink in shown for state in _WAITING), 0)
    for sink, own in store.deliveries.waiting().items():
        for state, number in own.items():
            word = (DeliveryState.PENDING if state is DeliveryState.SENDING else state).value
            label = (sink if sink in shown else _OTHER, word)
            waiting[label] = waiting.get(label, 0) + number
    yield _gauge("feedbot_outbox_deliveries", "Deliveries that are not done.", waiting, "sink", "state")
    backlog = store.deliveries.backlog()
    ages = {(sink,): max((now - one.created).total_seconds(), 0) for sink, one in backlog.items() if sink in shown}
    oldest = dict.fromkeys(((sink,) for sink in shown), 0.0) | ages
    yield _gauge("feedbot_outbox_oldest_seconds", "Age of the oldest delivery that is to be sent.", oldest, "sink")
    late = max((now - one.due for one in backlog.values()), default=timedelta(0)).total_seconds()
    help_text = "How long the delivery that is most overdue has been so."
    yield _gauge("feedbot_delivery_lag_seconds", help_text, {(): max(late, 0)})
    troubles = store.sinks.states()
    up = {(sink,): int(sink not in troubles) for sink in shown}
    yield _gauge("feedbot_sink_up", "1 where a sink takes deliveries, as far as is known.", up, "sink")
    sent = store.deliveries.last_sent(shown)
    last = {(sink,): moment.timestamp() for sink, moment in sent.items()}
    yield _gauge("feedbot_last_delivery_timestamp_seconds", "When a sink last took a delivery.", last, "sink")


def _of_process(counts: Counts, sinks: Collection[str]) -> Iterator[Metric]:
    polls = {(status.value,): counts.polls.get(status.value, 0) for status in SourceStatus}
    del polls[SourceStatus.SKIPPED.value,]
    yield _counter("feedbot_polls", "Polls of sources.", polls, "outcome")
    yield _durations(counts)
    kinds = (ChangeKind.NEW, ChangeKind.UPDATED, ChangeKind.WITHDRAWN)
    changes = {(kind.value,): counts.changes.get(kind.value, 0) for kind in kinds}
    yield _counter("feedbot_changes", "Changes of entries that polls brought.", changes, "change")
    deliveries = dict.fromkeys(((sink, outcome) for sink in sinks for outcome in ("sent", "failed")), 0)
    for (sink, outcome), number in counts.deliveries.items():
        label = (sink if sink in sinks else _OTHER, outcome)
        deliveries[label] = deliveries.get(label, 0) + number
    yield _counter("feedbot_deliveries", "Deliveries that were tried.", deliveries, "sink", "outcome")
    yield _counter("feedbot_files_written", "Files of feeds that were written.", {(): counts.files})
    yield _counter("feedbot_received_bytes", "Bytes that came in over HTTP.", {(): counts.received})


def _durations(counts: Counts) -> Metric:
    from prometheus_client.core import HistogramMetricFamily

    bounds = [*map(str, BOUNDS), "+Inf"]
    buckets = list(zip(bounds, accumulate(counts.durations), strict=True))
    family = HistogramMetricFamily("feedbot_poll_duration_seconds", "How long polls of a source took.")
    family.add_metric([], buckets, counts.seconds)
    return family


def _gauge(name: str, text: str, values: Mapping[Any, float], *labels: str) -> Metric:
    from prometheus_client.core import GaugeMetricFamily

    return _filled(GaugeMetricFamily(name, text, labels=labels), values)


def _counter(name: str, text: str, values: Mapping[Any, float], *labels: str) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    return _filled(CounterMetricFamily(name, text, labels=labels), values)


def _filled(family: Any, values: Mapping[Any, float]) -> Metric:
    for label, value in values.items():
        family.add_metric(label, value)
    filled: Metric = family
    return filled


def _shown(names: Collection[str]) -> tuple[str, ...]:
    """The names that have series of their own: all, or none where there are too many."""
    return tuple(names) if len(names) <= MOST_SERIES else ()
