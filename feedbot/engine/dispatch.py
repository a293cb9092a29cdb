"""Sends what is in the outbox: claims, hands to the sink, marks."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import ClassVar, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from feedbot import faults
from feedbot.core.calendar import awake
from feedbot.core.outbox import Verdict, comes_apart, disables, lease_until, rests_until, retried, verdict
from feedbot.core.route import digest_key
from feedbot.core.schedule import Rate
from feedbot.engine.alerts import Alerting
from feedbot.engine.health import Health
from feedbot.engine.marking import Marking
from feedbot.engine.pace import PATIENCE, Pace
from feedbot.engine.report import SinkReport
from feedbot.errors import DeliveryError, LeaseLostError
from feedbot.model import ChangeKind, Delivery, DeliveryState, Digest, Entry
from feedbot.plugins import DigestSink, Sink, SinkSettings
from feedbot.store.outbox import Claimed, Outbox, Outcome
from feedbot.store.sinks import Sinks, SinkState
from feedbot.store.turns import SURE, Turns

_FAILURES_THAT_STOP = 3  # in a row, of the sink as a whole: the rest would fare no better in this run
_MOST = 32  # deliveries that a thread takes up at once, where they go out fast
_FAST = 0.05  # seconds

log = logging.getLogger(__name__)


class Limits(NamedTuple):
    """How much a sink is given: messages in a span of time, and deliveries side by side."""

    rate: Rate | None = None
    in_flight: int = 1


class Dispatching(Struct, frozen=True, kw_only=True):
    """All that sending needs to know and to reach. ``limits`` are those of sinks that have any; quiet hours are
    those of ``zone``; ``alerting`` tells a person what is not well. ``turns``: one process at a time serves a sink,
    as its order and rate take."""

    store: Outbox
    sinks: Sinks
    turns: Turns
    present: Callable[[Entry], Entry]
    lease: str
    clock: Callable[[], datetime]
    stop: threading.Event
    zone: tzinfo = UTC
    limits: Mapping[str, Limits] = field(default_factory=dict)
    alerting: Alerting = field(default_factory=Alerting)


def dispatch(sinks: Sequence[tuple[str, Callable[[], Sink]]], dispatching: Dispatching) -> dict[str, SinkReport]:
    """Send what is due, each sink in threads of its own, oldest delivery first; but none that another process serves.

    Raises StateError where the outbox cannot be written; what was sent and not marked is then sent again
    under the same key.
    """
    lines = [_Line(name, make, dispatching) for name, make in sinks]
    failures: list[Exception] = []

    def work(line: _Line) -> None:
        try:
            try:
                line.work()
            finally:
                line.end()
        except Exception as error:  # of the state, or a bug: told where the run is
            failures.append(error)
            dispatching.stop.set()

    ours = [line for line in lines if line.in_turn()]
    states = dispatching.sinks.states()  # after that: whoever served one before has noted how it went
    threads = [
        threading.Thread(target=work, args=(line,), name=f"sink {line.report.name}", daemon=True)
        for line in ours
        for _ in range(line.open(states.get(line.report.name)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures.pop(0)  # which must not be held here: it holds all of this in turn
    return {line.report.name: line.report for line in lines}


class _Line:
    """The deliveries of one sink in one run. Each thread that works it off has an instance of the sink of its own."""

    def __init__(self, name: str, make: Callable[[], Sink], dispatching: Dispatching) -> None:
        self.report = SinkReport(name=name)
        self._make = make
        self._given = dispatching
        self._store = dispatching.store
        self._health = Health(self.report, dispatching.sinks, dispatching.alerting)
        limits = dispatching.limits.get(name, Limits())
        self._pace = Pace(limits.rate, lambda since: dispatching.store.given(name, since))
        self._threads = limits.in_flight
        self._marking = Marking(partial(dispatching.store.mark, lease=dispatching.lease))
        self._guard = threading.Lock()
        self._over = threading.Event()
        self._down = 0
        self._most = 1
        self._turn = f"sink {name}"
        self._taken: datetime | None = None  # when it was made sure that the turn is ours
        self._sent: Counter[str] = Counter()  # by route, of those that send only so many in a run
        self._spent: set[str] = set()

    def in_turn(self) -> bool:
        """Whether the sink is this process's to serve, for as long as sending a message takes."""
        now = self._given.clock()
        with self._guard:
            if self._taken is None or now - self._taken >= SURE:
                self._taken = now if self._given.turns.take(self._turn, self._given.lease, now) else None
            return self._taken is not None

    def open(self, state: SinkState | None) -> int:
        """How many threads may work; none where the sink wants no more deliveries, which are held then."""
        self._health.state = state or self._health.state
        if not self._health.disabled:
            return self._threads
        self._hold()
        self._leave()
        return 0

    def end(self) -> None:
        """The end of a thread; the last one notes how it went, and lets others serve the sink."""
        with self._guard:
            self._threads -= 1
            last = not self._threads
        if last:
            self._marking.close()
            self.report.sent = self._marking.deliveries
            try:
                self._health.remember(self._given.clock())
            finally:
                self._leave()

    def work(self) -> None:
        """Send what is due, until nothing is left, or nothing more is to be sent in this run."""
        sink = self._made()
        try:
            self._serve(sink)
        except LeaseLostError as error:
            self.report.errors.append(error.message)
        finally:
            self._close(sink)

    def _serve(self, sink: Sink) -> None:
        digests = isinstance(sink, DigestSink)
        try:
            while not self._ended() and self.in_turn():
                self._marking.settle()  # as what is claimed next knows of what was sent before
                now = self._given.clock()
                claimed = self._store.claim(
                    self.report.name,
                    self._given.lease,
                    lease_until(now),
                    now,
                    most=self._most,
                    digests=digests,
                    without=tuple(self._spent),
                )
                if not claimed:
                    return
                self._work_off(sink, [claimed] if claimed[0].batch else [[one] for one in claimed], now)
                if digests:
                    for route in tuple(self._spent):
                        self._store.collect(self.report.name, route, self._given.clock())
                        self._spent.discard(route)
        finally:
            self._marking.settle()

    def _made(self) -> Sink:
        try:
            return self._make()
        except Exception as failure:  # told of the first delivery that it cannot take
            return _Unmade(failure)

    def _ended(self) -> bool:
        return self._over.is_set() or self._given.stop.is_set()

    def _leave(self) -> None:
        if self._taken is not None:
            self._given.turns.give([self._turn], self._given.lease)

    def _work_off(self, sink: Sink, groups: list[list[Claimed]], held: datetime) -> None:
        """Send what was claimed at ``held``, each group as one message; what is not tried is given back.

        Before each message it is made sure that it is still this process's to send: it may have slept meanwhile.
        """
        try:
            while groups and not self._ended():
                now = self._given.clock()
                until = max(awake(one.quiet, now, self._given.zone) for one in groups[0])
                if until > now:
                    self._give_back(groups.pop(0), until)
                elif not self._admitted(groups[0]):
                    return
                elif not self._pace.turn(self._given.clock, self._given.stop):
                    self._over.set()
                else:
                    now = self._given.clock()
                    if now - held >= SURE:
                        claimed = [one.delivery.pk for group in groups for one in group]
                        self._store.hold(claimed, self._given.lease, lease_until(now))
                        held = now
                        if not self.in_turn():
                            return
                    self._send(sink, groups.pop(0))
        finally:
            if groups:
                self._give_back([one for group in groups for one in group])

    def _give_back(self, claimed: Sequence[Claimed], not_before: datetime | None = None) -> None:
        self._store.release([one.delivery.pk for one in claimed], self._given.lease, not_before)

    def _admitted(self, group: Sequence[Claimed]) -> bool:
        """Whether a run may send this too, of a route that sends only so many one by one; what was tried may be."""
        first = group[0]
        if first.most is None or first.batch or first.delivery.attempts > 1:
            return True
        with self._guard:
            if self._sent[first.route] >= first.most:
                self._spent.add(first.route)
                return False
            self._sent[first.route] += 1
        return True

    def _send(self, sink: Sink, group: Sequence[Claimed]) -> None:
        begun = time.monotonic()
        try:
            receipt = self._hand_over(sink, group)
            faults.reach("sent")
        except DeliveryError as error:
            self._failed(group, error)
        except Exception as failure:  # a fault of one sink must not stop the others
            log.debug("sink %s failed", self.report.name, exc_info=True)
            self._failed(
                group,
                DeliveryError(f"unexpected {type(failure).__name__}: {failure}", "please report this", refused=True),
            )
        else:
            fast = time.monotonic() - begun < _FAST
            pks = [one.delivery.pk for one in group]
            sent = Outcome(pks=pks, state=DeliveryState.SENT, at=self._given.clock(), receipt=receipt)
            self._marking.note(sent, fast=fast)
            with self._guard:
                self._down = 0
                self._most = min(self._most * 2, _MOST) if fast else max(self._most // 2, 1)
            for one in group:
                d = one.delivery
                log.debug("sink %s: delivery %d (%s) sent, try %d", d.sink, d.pk, d.key, d.attempts)

    def _hand_over(self, sink: Sink, group: Sequence[Claimed]) -> str:
        """Have the sink send a message; gives what it calls that, if it can edit it."""
        present, now = self._given.present, self._given.clock()
        shown = tuple(replace(one.delivery, entry=present(one.delivery.entry)) for one in group)
        key = group[0].batch
        if key and isinstance(sink, DigestSink):
            created = max(delivery.created for delivery in shown)
            sink.send_digest(Digest(key=key, sink=self.report.name, deliveries=shown, created=created), now)
            return ""
        return sink.send(shown[0], now) or ""

    def _failed(self, group: Sequence[Claimed], error: DeliveryError) -> None:
        now = self._given.clock()
        attempts = max(one.delivery.attempts for one in group)
        decided = verdict(attempts, error, now, random.random())  # noqa: S311
        for one in group:
            decided = retried(one.quiet, decided, self._given.zone)
            log.debug(
                "sink %s: delivery %d (%s) not sent: %s", self.report.name, one.delivery.pk, one.delivery.key, error
            )
        if comes_apart(decided, error, len(group)):
            decided = decided._replace(state=DeliveryState.PENDING, not_before=now)
            outcomes = [
                self._outcome(part, decided, error, now)._replace(batch=digest_key(one.delivery.key for one in part))
                for part in _halves(group)
            ]
        else:
            outcomes = [self._outcome(group, decided, error, now)]
        self._store.mark(outcomes, self._given.lease)
        with self._guard:
            self._health.failing |= bool(_of_entries(group)) and (error.sink_down or not error.delivered)
            self._most = max(self._most // 2, 1)
            self._down = self._down + 1 if error.sink_down else 0
            self.report.failed += len(group)
            if decided.error not in self.report.errors:
                self.report.errors.append(decided.error)
        if self._down >= _FAILURES_THAT_STOP:
            self._over.set()
        self._rest(rests_until(error, now) - now)
        if disables(error):
            self._disable(decided.error, now)

    def _outcome(self, group: Sequence[Claimed], decided: Verdict, error: DeliveryError, now: datetime) -> Outcome:
        """What a try that failed makes of deliveries; a person is told where no other follows."""
        entries, alerting = _of_entries(group), self._given.alerting
        dead = decided.state is DeliveryState.DEAD and bool(entries)
        return Outcome(
            pks=[one.delivery.pk for one in group],
            state=decided.state,
            at=now,
            not_before=decided.not_before,
            error=decided.error,
            delivered=error.delivered,
            alerts=alerting.sink_dead(self.report.name, entries[0].title, decided.error, now) if dead else (),
        )

    def _rest(self, span: timedelta) -> None:
        """Leave the receiver alone for as long as it asks to be: in this run, if that is short."""
        if span <= PATIENCE:
            self._given.stop.wait(span.total_seconds())
        else:
            self._over.set()
            self._store.put_off(self.report.name, self._given.clock() + span)

    def _disable(self, error: str, now: datetime) -> None:
        """The receiver wants no more of anything, ever: hold it all until a person says otherwise."""
        self._over.set()
        with self._guard:
            news = self._health.disable(error, now)
        if news:
            self._hold()

    def _hold(self) -> None:
        name = self.report.name
        self._store.move(DeliveryState.HELD, self._given.clock(), sink=name, only=DeliveryState.PENDING)
        self.report.errors.append(
            f"it wants no more deliveries, which are held from now on (feedbot queue release --sink {name})"
        )

    def _close(self, sink: Sink) -> None:
        try:
            sink.close()
        except Exception as failure:  # all that it was given is sent and marked
            log.debug("sink %s was not closed", self.report.name, exc_info=True)
            self.report.errors.append(f"it cannot be closed: unexpected {type(failure).__name__}: {failure}")


def _of_entries(group: Sequence[Claimed]) -> list[Entry]:
    """The entries that deliveries tell of; an alert tells of none."""
    return [one.delivery.entry for one in group if one.delivery.change is not ChangeKind.ALERT]


def _halves(group: Sequence[Claimed]) -> list[Sequence[Claimed]]:
    """The parts of a digest that its receiver refuses for good: the one entry that it minds is in one of them."""
    return [group[: len(group) // 2], group[len(group) // 2 :]]


class _Unmade:
    """Stands for a sink that could not be made; ``settings`` are the reason."""

    Settings: ClassVar[type[SinkSettings]] = SinkSettings
    prints: ClassVar[bool] = False

    def __init__(self, settings: Exception, context: object = None) -> None:  # noqa: ARG002
        self._failure = settings

    def send(self, delivery: Delivery, now: datetime) -> str | None:  # noqa: ARG002
        raise self._failure

    def close(self) -> None:
        """Nothing was opened."""
