"""Polls sources: reads them, compares with what is known, commits what changed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock

from feedbot.core import schedule
from feedbot.core.dates import in_words
from feedbot.core.diff import Addition, Changes
from feedbot.core.history import Past
from feedbot.core.policy import due_and_scheduled, swapped
from feedbot.core.text import storable
from feedbot.engine.compare import compare, first
from feedbot.engine.inheriting import LeftBehind
from feedbot.engine.planning import Planner, Planning, Window
from feedbot.engine.reading import Readers, Reading, SourceSpec, unexpected
from feedbot.engine.report import SourceReport, SourceStatus
from feedbot.engine.subscribing import is_pushed, slowed
from feedbot.errors import FeedbotError, LeaseLostError, SourceError
from feedbot.model import Document, Item, Memory, Problem, SourceState
from feedbot.plugins import SourceSettings, Turn
from feedbot.store.alerts import Alert
from feedbot.store.poll import Poll
from feedbot.store.sources import Habits, Sources
from feedbot.store.subscriptions import Subscription, Subscriptions

TO_THE_MOMENT = 1 / schedule.SLACK
"""How early a source is polled by whoever keeps running: not at all."""
_LEASE = timedelta(minutes=15)
_RHYTHM = 10  # newest entries whose dates tell how often a source has something new
# Polls that share a transaction, as each costs a sync of the disk; what changes entries waits for none to come.
_BATCH = 50
_CHANGED = 10


@dataclass(frozen=True, kw_only=True)
class Polling:
    """All that polling needs to know and to reach. Without ``subscriptions`` no hub is to push anything.

    Where ``left_behind`` is given, a new source may be one of these under another name.
    """

    store: Sources
    planning: Planning
    publish_assets: Callable[[Mapping[str, str]], None]
    lease: str
    clock: Callable[[], datetime]
    concurrency: int
    per_host: int
    subscriptions: Subscriptions | None = None
    left_behind: LeftBehind | None = None
    turn: Turn = field(default_factory=Lock)
    progress: Callable[[int, int], None] = field(default=lambda _done, _all: None)


class Poller:
    """Polls sources for as long as it is given some; what it reads is committed as it comes in."""

    def __init__(self, polling: Polling, failing_share: float = 1.0) -> None:
        self.polling = polling
        self._readers = Readers(polling.clock, polling.concurrency, polling.per_host, failing_share)

    @property
    def busy(self) -> frozenset[str]:
        """The sources that are being read, or wait for it."""
        return frozenset(self._readers.names)

    def begin(self, specs: Sequence[SourceSpec], *, force: bool = False) -> dict[str, SourceReport]:
        """Take those of ``specs`` that are due (all, if ``force``); gives a report for each, as if it was skipped."""
        states = self.polling.store.states([spec.name for spec in specs])
        now = self.polling.clock()
        pushes = self._pushes()
        reports: dict[str, SourceReport] = {}
        due: list[SourceSpec] = []
        for spec in specs:
            state = states.get(spec.name)
            reports[spec.name] = _skipped(spec, state)
            if spec.settings.paused:
                reports[spec.name].notes = ("paused",)
            elif force or self._is_due(spec, state, pushes.get(spec.name), now):
                due.append(spec)
        self.take(due, early=None if force else 1.0)
        return reports

    def take(self, specs: Sequence[SourceSpec], *, early: float | None = None) -> frozenset[str]:
        """Have sources read, but none that another process reads.

        Where ``early`` is given only those that are due so early by their rows (see ``begin``), as another process may
        have read one since it was looked at; gives those that are not.
        """
        if not specs:
            return frozenset()
        now = self.polling.clock()
        claimed = self.polling.store.claim([spec.name for spec in specs], self.polling.lease, now + _LEASE, now)
        due = [spec for spec in specs if spec.name in claimed]
        if early is not None and not self.polling.store.alone:
            pushes = self._pushes()
            due = [s for s in due if self._is_due(s, claimed[s.name], pushes.get(s.name), now, early)]
        self._readers.add(due, claimed)
        rest = frozenset(claimed) - {spec.name for spec in due}
        if rest:
            self.polling.store.release(sorted(rest), self.polling.lease)
        return rest

    def resume(self, specs: Sequence[SourceSpec], states: Mapping[str, SourceState]) -> None:
        """Have sources read that were claimed under the lease already."""
        self._readers.add(specs, states)

    def settle(self, seconds: float | None = None) -> dict[str, SourceReport]:
        """Commit what is read until nothing is left, or for so many seconds; gives the reports of that."""
        reports: dict[str, SourceReport] = {}
        waiting: list[Poll] = []
        changed = 0
        all_of_them = len(self._readers.names)
        for number, reading in enumerate(self._readers.finished(seconds), start=1):
            with self.polling.turn:
                found, report = _settle(reading, self.polling)
            reports[report.name] = report
            waiting.append(replace(found, past=_past(reading, report)))
            changed += found.changes_entries
            if changed >= _CHANGED or len(waiting) >= _BATCH or (changed and not self._readers.ready):
                _commit(waiting, reports, self.polling)
                waiting, changed = [], 0
            self.polling.progress(number, all_of_them)
        _commit(waiting, reports, self.polling)
        return reports

    def due(self, specs: Sequence[SourceSpec], states: Mapping[str, SourceState]) -> list[SourceSpec]:
        """Those to be polled by now to the moment, where ``begin`` is a little early for the sake of cron."""
        now = self.polling.clock()
        pushes = self._pushes()
        return [
            spec
            for spec in specs
            if not spec.settings.paused
            and self._is_due(spec, states.get(spec.name), pushes.get(spec.name), now, TO_THE_MOMENT)
        ]

    def _pushes(self) -> Mapping[str, Subscription]:
        return self.polling.subscriptions.all() if self.polling.subscriptions is not None else {}

    def _is_due(
        self,
        spec: SourceSpec,
        state: SourceState | None,
        subscription: Subscription | None,
        now: datetime,
        early: float = 1.0,
    ) -> bool:
        if state is not None and is_pushed(subscription, state.last_poll):
            return True
        interval = slowed(interval_of(spec.settings, state), subscription, spec.settings.max_interval, now)
        return schedule.is_due(state, interval * early, now)

    def retire(self) -> None:
        """Read nothing that was not begun; it stays due, for whoever goes on under the same lease."""
        self._readers.drop()

    def follow(self, former: Poller) -> None:
        """Go on under the lease of another one that is retired."""
        self.polling = replace(self.polling, lease=former.polling.lease)

    def close(self) -> None:
        """Let go of the threads, without waiting for what they read."""
        self._readers.close()


def poll(specs: Sequence[SourceSpec], polling: Polling, *, force: bool = False) -> dict[str, SourceReport]:
    """Poll the sources that are due (all, if ``force``); gives a report for each of ``specs``.

    Sources are read side by side, and committed one after another as they come in.
    """
    poller = Poller(polling)
    try:
        return poller.begin(specs, force=force) | poller.settle()
    finally:
        poller.close()


def interval_of(settings: SourceSettings, state: SourceState | None) -> timedelta:
    """How often a source is polled at present."""
    if settings.interval != "auto":
        return settings.interval
    return state.rhythm if state and state.rhythm else settings.min_interval


def _skipped(spec: SourceSpec, state: SourceState | None) -> SourceReport:
    return SourceReport(
        name=spec.name,
        kind=spec.source.kind,
        status=SourceStatus.SKIPPED,
        entries=state.entries if state else 0,
        error=state.error if state else None,
    )


def _settle(reading: Reading, polling: Polling) -> tuple[Poll, SourceReport]:
    """Decide what a reading leads to."""
    spec, state, document = reading.spec, reading.state, reading.document
    report = SourceReport(name=spec.name, kind=spec.source.kind, entries=state.entries, seconds=reading.seconds)
    report.failures = state.failures
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
            error = unexpected(spec, fault)
    return _failure(spec, state, error, reading.at, report, polling), report


def _success(reading: Reading, document: Document, state: SourceState, polling: Polling, report: SourceReport) -> Poll:
    spec = reading.spec
    polling.publish_assets(document.assets)
    rule = _rule(spec.settings)
    fresh = not state.polled and not state.entries
    former = polling.left_behind.predecessor(document) if fresh and polling.left_behind else None
    if former is not None:
        state, fresh, report.entries = former, False, former.entries
        report.notes += (f'it was called "{former.name}" before: its entries keep their ids',)
    habits = Habits() if document.not_modified or fresh else polling.store.habits(state.name)
    renamed = bool(state.polled and habits.identity and rule != habits.identity)
    former_type, _, former_rule = habits.identity.partition(":")
    moved = renamed and former_type != spec.settings.type
    found = Changes()
    if not document.not_modified and fresh:
        found = first(document)
    elif not document.not_modified:
        found = compare(document, state.name, polling.planning.knowledge, renamed=renamed, moved=moved)
    if moved:
        report.notes += (
            f'it was of type "{former_type}" before: known entries keep their ids, and are not announced again',
        )
    elif renamed:
        chosen = rule.partition(":")[2]
        report.notes += (f'identity is "{chosen}" now, not "{former_rule}": known entries keep their ids',)
    problems = (*document.problems, *_swapped_dates(document.items, reading.at))
    report.problems = state.problems if document.not_modified else problems
    report.status = SourceStatus.NOT_MODIFIED if document.not_modified else SourceStatus.OK
    due, scheduled = due_and_scheduled(found.added, reading.at) if document.complete else (found.added, ())
    if scheduled:
        report.notes += (f"{len(scheduled)} scheduled for later",)
    rhythm = _rhythm(spec, state.name, due, polling, reading.at)
    interval = rhythm or interval_of(spec.settings, state)
    not_before = schedule.not_before(document.fresh_until, reading.at)
    alerts: tuple[Alert, ...] = ()
    if state.failing_told:
        report.alert = "it is well again"
        alerts = polling.planning.alerting.source_recovered(spec.name, state.failing_since, reading.at)
    listed = len(document.items) + len(document.standing)
    window = Window(habits.listed, listed - len(found.added), moved=moved)
    planner = Planner(polling.planning, spec.settings, state, report, reading.at, window)
    added = planner.added(due, newest_on_top=not document.complete)
    edited = planner.edited(found.edited)
    withdrawn, missing = planner.withdrawn(found.withdrawn)
    if report.held:
        alerts += polling.planning.alerting.source_held(spec.name, report.held, reading.at)
    # What is missing has to be missed again, which takes reading a source that did not change meanwhile.
    memory = Memory(extra=document.memory.extra) if missing else document.memory
    kept = document.not_modified and state.polled and memory == state.memory
    counted = document.complete and (spec.settings.withdraw_after > 1 or bool(missing))
    return Poll(
        source=spec.name,
        lease=polling.lease,
        at=reading.at,
        next_poll=schedule.next_poll(reading.at, interval, not_before),
        not_before=not_before,
        rhythm=rhythm,
        memory=None if kept else memory,
        problems=None if document.not_modified else problems,
        settings_digest=spec.digest,
        title=document.title,
        link=document.link,
        hub=document.hub if polling.subscriptions is not None else None,
        wake_at=min((a.item.published for a in scheduled if a.item.published), default=None),
        added=added,
        edited=edited,
        withdrawn=withdrawn,
        learnt=tuple((pk, keys.all) for pk, keys in found.learnt),
        missing=missing if counted else None,
        identity=None if document.not_modified else rule,
        listed=None if document.not_modified else listed,
        keep_revisions=polling.planning.keep_revisions,
        former=former.name if former is not None else "",
        alerts=alerts,
    )


def _past(reading: Reading, report: SourceReport) -> Past:
    """How a poll went, for the history of its source."""
    document = reading.document
    return Past(
        at=reading.at,
        outcome=report.status.value,
        status=document.status if document is not None else reading.error.status if reading.error else 0,
        seconds=reading.seconds,
        size=document.size if document is not None else 0,
        new=len(report.new),
        updated=len(report.updated),
        withdrawn=len(report.withdrawn),
    )


def _rule(settings: SourceSettings) -> str:
    """By which rule a source names its entries: its type, with the rule of those that let one be chosen."""
    chosen = getattr(settings, "identity", None)
    return settings.type if chosen is None else f"{settings.type}:{chosen}"


def _swapped_dates(items: Sequence[Item], now: datetime) -> Iterator[Problem]:
    """Items whose date, far ahead, looks as if day and month had changed places."""
    for item in items:
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
    spec: SourceSpec, state: SourceState, error: SourceError, now: datetime, report: SourceReport, polling: Polling
) -> Poll:
    report.status, report.error, report.hint = SourceStatus.FAILED, error.message, error.hint
    failures = state.failures + 1
    interval = interval_of(spec.settings, state)
    since = state.failing_since or now
    told = error.gone or now - since >= schedule.DAY
    alerts: tuple[Alert, ...] = ()
    if told and not state.failing_told:
        lasted = in_words(since, now).removesuffix(" ago")
        report.alert = f"it is gone: {error}" if error.gone else f"it has failed for {lasted}: {error}"
        alerts = polling.planning.alerting.source_failing(spec.name, str(error), since, now, gone=error.gone)
    not_before = None
    if spec.source.host:  # nobody is spared by leaving a local folder alone
        wait_for = schedule.back_off(failures, interval, random.random())  # noqa: S311
        not_before = now + (schedule.WEEK if error.gone else wait_for)
        if error.not_before is not None:
            not_before = max(not_before, min(error.not_before, now + schedule.DAY))
    return Poll(
        source=spec.name,
        lease=polling.lease,
        at=now,
        next_poll=schedule.next_poll(now, interval, not_before),
        failures=failures,
        failing_since=since,
        failing_told=told or state.failing_told,
        error=str(error),
        gone=error.gone,
        not_before=not_before,
        alerts=alerts,
    )


def _rhythm(
    spec: SourceSpec, known_as: str, added: Sequence[Addition], polling: Polling, now: datetime
) -> timedelta | None:
    if spec.settings.interval != "auto":
        return None
    dates = [a.item.published for a in added if a.item.published]
    dates += polling.store.dates(known_as, _RHYTHM)
    newest = sorted(dates, reverse=True)[:_RHYTHM]
    return schedule.rhythm(newest, now, spec.settings.min_interval, spec.settings.max_interval)


def _decorated(document: Document, settings: SourceSettings) -> Document:
    """The document with the source's own tags, and with ids that can be stored."""
    if settings.tags:
        items = [replace(item, tags=tuple(dict.fromkeys((*item.tags, *settings.tags)))) for item in document.items]
        document = replace(document, items=tuple(items))
    if all(storable(item.id) is item.id for item in document.items):
        return document
    return replace(document, items=tuple(replace(item, id=storable(item.id)) for item in document.items))


def _commit(polls: Sequence[Poll], reports: Mapping[str, SourceReport], polling: Polling) -> None:
    if not polls:
        return
    try:
        polling.store.commit(polls)
    except LeaseLostError as error:
        if len(polls) > 1:  # the others were not lost
            for one in polls:
                _commit([one], reports, polling)
            return
        lost = reports[polls[0].source]
        lost.status, lost.notes = SourceStatus.SKIPPED, (error.message,)
