"""Polls sources: reads them, compares with what is known, commits what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from feedbot.core import schedule
from feedbot.engine.reading import Readers, SourceSpec
from feedbot.engine.report import SourceReport, SourceStatus
from feedbot.engine.settling import Polling, interval_of, settle
from feedbot.engine.subscribing import is_pushed, slowed
from feedbot.errors import LeaseLostError
from feedbot.model import SourceState
from feedbot.store.poll import Poll
from feedbot.store.subscriptions import Subscription

TO_THE_MOMENT = 1 / schedule.SLACK
"""How early a source is polled by whoever keeps running: not at all."""
_LEASE = timedelta(minutes=15)
# Polls that share a transaction, as each costs a sync of the disk; what changes entries waits for none to come.
_BATCH = 50
_CHANGED = 10


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
        self.take(due, early=None if force else 1.0, known=states)
        for spec in due:
            if spec.name not in self._readers.names:
                reports[spec.name].notes = ("another process polls it, or its host, just now",)
        return reports

    def take(
        self,
        specs: Sequence[SourceSpec],
        *,
        early: float | None = None,
        known: Mapping[str, SourceState] | None = None,
    ) -> frozenset[str]:
        """Have sources read, but none that another process reads.

        Where ``early`` is given only those that are due so early by their rows (see ``begin``), as another process may
        have read one since it was looked at; gives those that are not.
        """
        if not specs:
            return frozenset()
        now = self.polling.clock()
        names, lease = [spec.name for spec in specs], self.polling.lease
        claimed = self.polling.store.claim(names, lease, now + _LEASE, now, host_of=self.polling.host_of, known=known)
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
                found, report = settle(reading, self.polling)
            reports[report.name] = report
            waiting.append(found)
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


def _skipped(spec: SourceSpec, state: SourceState | None) -> SourceReport:
    return SourceReport(
        name=spec.name,
        kind=spec.source.kind,
        status=SourceStatus.SKIPPED,
        entries=state.entries if state else 0,
        error=state.error if state else None,
    )


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
