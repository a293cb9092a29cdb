"""Polls sources: reads them, compares with what is known, commits what changed."""

from __future__ import annotations

import logging
import random
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from feedbot import faults
from feedbot.core import schedule
from feedbot.core.dates import in_words
from feedbot.core.diff import Addition, Changes
from feedbot.core.policy import due_and_scheduled, swapped
from feedbot.core.text import storable
from feedbot.engine.compare import compare
from feedbot.engine.planning import Planner, Planning, Window
from feedbot.engine.report import SourceReport, SourceStatus
from feedbot.errors import FeedbotError, LeaseLostError, SourceError
from feedbot.model import Document, Memory, Problem, SourceState
from feedbot.plugins import Source, SourceSettings
from feedbot.store.poll import Poll
from feedbot.store.sources import Habits, Sources

_LEASE = timedelta(minutes=15)
_RHYTHM = 10  # newest entries whose dates tell how often a source has something new
_BATCH = 50  # polls without changes that share a transaction, since each costs a sync of the disk

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """A source of the configuration. ``digest`` is of the settings that shape its entries."""

    name: str
    settings: SourceSettings
    source: Source
    digest: str


@dataclass(frozen=True, kw_only=True)
class Polling:
    """All that polling needs to know and to reach."""

    store: Sources
    planning: Planning
    publish_assets: Callable[[Mapping[str, str]], None]
    lease: str
    clock: Callable[[], datetime]
    concurrency: int
    per_host: int
    progress: Callable[[int, int], None] = field(default=lambda _done, _all: None)


@dataclass(frozen=True)
class _Reading:
    """What reading a source gave: a document, or the error that stood in the way."""

    spec: SourceSpec
    at: datetime
    seconds: float
    document: Document | None = None
    error: SourceError | None = None


def poll(specs: Sequence[SourceSpec], polling: Polling, *, force: bool = False) -> dict[str, SourceReport]:
    """Poll the sources that are due (all, if ``force``); gives a report for each of ``specs``.

    Sources are read side by side, and committed one after another as they come in.
    """
    states = polling.store.states()
    now = polling.clock()
    reports: dict[str, SourceReport] = {}
    due: list[SourceSpec] = []
    for spec in specs:
        state = states.get(spec.name)
        reports[spec.name] = _skipped(spec, state)
        if spec.settings.paused:
            reports[spec.name].notes = ("paused",)
        elif force or schedule.is_due(state, _interval(spec.settings, state), now):
            due.append(spec)
    claimed = polling.store.claim([spec.name for spec in due], polling.lease, now + _LEASE, now) if due else {}
    due = [spec for spec in due if spec.name in claimed]
    waiting: list[Poll] = []
    for number, reading in enumerate(_read_all(due, claimed, polling), start=1):
        state = claimed[reading.spec.name]
        found, report = _settle(reading, state, polling)
        reports[report.name] = report
        if found.changes_entries or len(waiting) >= _BATCH:
            _commit(waiting, reports, polling)
            waiting = []
        waiting.append(found)
        if found.changes_entries:
            _commit(waiting, reports, polling)
            waiting = []
        polling.progress(number, len(due))
    _commit(waiting, reports, polling)
    return reports


def _skipped(spec: SourceSpec, state: SourceState | None) -> SourceReport:
    return SourceReport(
        name=spec.name,
        kind=spec.source.kind,
        status=SourceStatus.SKIPPED,
        entries=state.entries if state else 0,
        error=state.error if state else None,
    )


def _read_all(specs: Sequence[SourceSpec], states: Mapping[str, SourceState], polling: Polling) -> Iterator[_Reading]:
    """Read sources in threads, no more than ``per_host`` of one host at once."""
    if len(specs) == 1:
        yield _read(specs[0], states[specs[0].name], polling)
        return
    queues: dict[str, deque[SourceSpec]] = defaultdict(deque)
    for spec in specs:
        queues[spec.source.host or f"local:{spec.name}"].append(spec)
    # A slot is the right to have one poll of a host in flight.
    slots = deque(host for host, queue in queues.items() for _ in range(min(polling.per_host, len(queue))))
    running: dict[Future[_Reading], str] = {}
    pool = ThreadPoolExecutor(polling.concurrency, thread_name_prefix="poll")
    try:
        while slots or running:
            while slots and len(running) < polling.concurrency:
                host = slots.popleft()
                if queues[host]:
                    spec = queues[host].popleft()
                    running[pool.submit(_read, spec, states[spec.name], polling)] = host
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                slots.append(running.pop(future))
                yield future.result()
    finally:  # without waiting: a signal ends a run while sources are still being read
        pool.shutdown(wait=False, cancel_futures=True)


def _read(spec: SourceSpec, state: SourceState, polling: Polling) -> _Reading:
    at = polling.clock()
    begun = time.monotonic()
    known = state.settings_digest == spec.digest and not (state.wake_at and state.wake_at <= at)
    memory = state.memory if known else Memory()
    document: Document | None = None
    error: SourceError | None = None
    try:
        document = spec.source.poll(memory, at)
        faults.reach("parsed")
    except SourceError as failure:
        error = failure
    except Exception as fault:  # of one source: it must not stop the others
        error = _unexpected(spec, fault)
    return _Reading(spec, at, time.monotonic() - begun, document, error)


def _settle(reading: _Reading, state: SourceState, polling: Polling) -> tuple[Poll, SourceReport]:
    """Decide what a reading leads to."""
    spec, document = reading.spec, reading.document
    report = SourceReport(name=spec.name, kind=spec.source.kind, entries=state.entries, seconds=reading.seconds)
    error = reading.error or SourceError("it was not read")
    if document is not None:
        planned = replace(report, notes=document.notes)
        try:
            return _success(reading, _decorated(document, spec.settings), state, polling, planned), planned
        except SourceError as failure:
            error = failure
        except FeedbotError:  # of the state, and so of all sources
            raise
        except Exception as fault:  # of what this source said
            error = _unexpected(spec, fault)
    return _failure(spec, state, error, reading.at, report, polling.lease), report


def _unexpected(spec: SourceSpec, fault: Exception) -> SourceError:
    log.debug("source %s failed", spec.name, exc_info=fault)
    return SourceError(f"unexpected {type(fault).__name__}: {fault}", "please report this")


def _success(reading: _Reading, document: Document, state: SourceState, polling: Polling, report: SourceReport) -> Poll:
    spec = reading.spec
    polling.publish_assets(document.assets)
    rule = str(getattr(spec.settings, "identity", ""))  # of sources that let it be chosen
    habits = Habits() if document.not_modified else polling.store.habits(spec.name)
    renamed = bool(state.polled and habits.identity and rule != habits.identity)
    found = Changes() if document.not_modified else compare(document, spec.name, polling.store, renamed=renamed)
    if renamed:
        report.notes += (f'identity is "{rule}" now, not "{habits.identity}": known entries keep their ids',)
    problems = (*document.problems, *_swapped_dates(found.added, reading.at))
    report.problems = state.problems if document.not_modified else problems
    report.status = SourceStatus.NOT_MODIFIED if document.not_modified else SourceStatus.OK
    due, scheduled = due_and_scheduled(found.added, reading.at) if document.complete else (found.added, ())
    if scheduled:
        report.notes += (f"{len(scheduled)} scheduled for later",)
    rhythm = _rhythm(spec, due, polling, reading.at)
    interval = rhythm or _interval(spec.settings, state)
    not_before = schedule.not_before(document.fresh_until, reading.at)
    if state.failing_told:
        report.alert = "it is well again"
    listed = len(document.items) + len(document.standing)
    window = Window(habits.listed, listed - len(found.added))
    planner = Planner(polling.planning, spec.settings, state, report, reading.at, window)
    added = planner.added(due, newest_on_top=not document.complete)
    edited = planner.edited(found.edited)
    withdrawn, missing = planner.withdrawn(found.withdrawn)
    counted = document.complete and (spec.settings.withdraw_after > 1 or bool(missing))
    return Poll(
        source=spec.name,
        lease=polling.lease,
        at=reading.at,
        next_poll=schedule.next_poll(reading.at, interval, not_before),
        not_before=not_before,
        rhythm=rhythm,
        # What is missing has to be missed again, which takes reading a source that did not change meanwhile.
        memory=Memory(extra=document.memory.extra) if missing else document.memory,
        problems=None if document.not_modified else problems,
        settings_digest=spec.digest,
        title=document.title,
        link=document.link,
        wake_at=min((a.item.published for a in scheduled if a.item.published), default=None),
        added=added,
        edited=edited,
        withdrawn=withdrawn,
        learnt=tuple((pk, keys.all) for pk, keys in found.learnt),
        missing=missing if counted else None,
        identity=None if document.not_modified else rule,
        listed=None if document.not_modified else listed,
        keep_revisions=polling.planning.keep_revisions,
    )


def _swapped_dates(added: Sequence[Addition], now: datetime) -> Iterator[Problem]:
    """New entries whose date, far ahead, looks as if day and month had changed places."""
    for addition in added:
        item = addition.item
        meant = swapped(item.published, now)
        if meant is not None and item.published is not None:
            place = next(
                (key.removeprefix("path:") for key in item.keys if key.startswith("path:")), item.url or item.id
            )
            days = (item.published - now).days
            yield Problem(
                place,
                f"its date, {item.published:%Y-%m-%d}, is {days} days ahead",
                f"if day and month are swapped, write {meant:%Y-%m-%d}",
            )


def _failure(
    spec: SourceSpec, state: SourceState, error: SourceError, now: datetime, report: SourceReport, lease: str
) -> Poll:
    report.status, report.error, report.hint = SourceStatus.FAILED, error.message, error.hint
    failures = state.failures + 1
    interval = _interval(spec.settings, state)
    since = state.failing_since or now
    told = now - since >= schedule.DAY
    if told and not state.failing_told:
        report.alert = f"it has failed for {in_words(since, now).removesuffix(' ago')}: {error}"
    not_before = None
    if spec.source.host:  # nobody is spared by leaving a local folder alone
        wait_for = schedule.back_off(failures, interval, random.random())  # noqa: S311
        not_before = now + (schedule.WEEK if error.gone else wait_for)
        if error.not_before is not None:
            not_before = max(not_before, min(error.not_before, now + schedule.DAY))
    return Poll(
        source=spec.name,
        lease=lease,
        at=now,
        next_poll=schedule.next_poll(now, interval, not_before),
        failures=failures,
        failing_since=since,
        failing_told=told or state.failing_told,
        error=str(error),
        gone=error.gone,
        not_before=not_before,
    )


def _interval(settings: SourceSettings, state: SourceState | None) -> timedelta:
    if settings.interval != "auto":
        return settings.interval
    return state.rhythm if state and state.rhythm else settings.min_interval


def _rhythm(spec: SourceSpec, added: Sequence[Addition], polling: Polling, now: datetime) -> timedelta | None:
    if spec.settings.interval != "auto":
        return None
    dates = [a.item.published for a in added if a.item.published]
    dates += polling.store.dates(spec.name, _RHYTHM)
    newest = sorted(dates, reverse=True)[:_RHYTHM]
    return schedule.rhythm(newest, now, spec.settings.min_interval, spec.settings.max_interval)


def _decorated(document: Document, settings: SourceSettings) -> Document:
    """The document with the source's own tags, and with ids that can be stored."""
    items = (
        replace(item, id=storable(item.id), tags=tuple(dict.fromkeys((*item.tags, *settings.tags))))
        for item in document.items
    )
    return replace(document, items=tuple(items))


def _commit(polls: Sequence[Poll], reports: Mapping[str, SourceReport], polling: Polling) -> None:
    if not polls:
        return
    try:
        polling.store.commit(polls)
    except LeaseLostError as error:
        for lost in polls:
            reports[lost.source].status = SourceStatus.SKIPPED
            reports[lost.source].notes = (error.message,)
