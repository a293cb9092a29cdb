"""A worker of a distributed installation: takes up jobs, and puts those that are due.

Any number of workers may run, on any number of machines. All do the same things: each puts jobs of what is due, each
takes up jobs of the queues that it was given, each frees what a worker had claimed that has fallen silent. Whether a
source is polled or a delivery sent is decided by the rows of the state, under leases; the queue only says who looks.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from feedbot.engine.daemon import Work
from feedbot.engine.dispatch import dispatch
from feedbot.engine.hubs import tell
from feedbot.engine.intake import LEASE, Intake
from feedbot.engine.journal import Journal
from feedbot.engine.queue import DELIVER, POLL, PUBLISH, Batch, Handlers, Queue
from feedbot.engine.regenerate import regenerate
from feedbot.engine.report import SourceReport
from feedbot.engine.scheduling import Scheduler
from feedbot.engine.subscribing import subscribe
from feedbot.errors import FeedbotError
from feedbot.store.fleet import SILENCE, WorkerState

TICK = 1.0
"""Seconds between two looks at what is due."""
SLOTS = 4
"""Jobs of polling that a worker takes up at once: it holds few that it cannot begin yet, and never runs dry."""
_BEAT = 4.0
_RESCUE = 5.0
_NEWS = 2.0  # seconds for which what is new is gathered, to be published together
_REFRESH = 60.0
_FORGET = 600.0
_STEPS = 200  # of letting go of deliveries each time: fourteen millions a day
_TELL = 30.0
_LOST = 60.0
"""Seconds without a beat after which a worker is cut off, and has to be started afresh."""

log = logging.getLogger(__name__)


class Worker:
    """Works until it is told to stop, or ``trouble`` says why it cannot go on."""

    def __init__(self, work: Work, queue: Queue, journal: Journal, me: WorkerState, *, tick: float = TICK) -> None:
        self._work = work
        self._queue = queue
        self._journal = journal
        self._me = me
        self._tick = tick
        store = work.cycle.store
        self._scheduler = Scheduler(store.scheduling, store.sources, queue, work.cycle.polling.clock)
        self._stopping = threading.Event()
        specs = {spec.name: spec for spec in work.cycle.sources}
        self._polls = Intake(store.scheduling, specs, work.poller, self._polled)
        self._beaten = self._steady = time.monotonic()  # when it was last heard of, and since when without a gap
        self._trouble = ""
        self._threads: list[threading.Thread] = []
        self._news = threading.Event()
        self._stops: dict[str, threading.Event] = {}

    def start(self) -> None:
        """Begin; everything happens in threads from here on."""
        store = self._work.cycle.store
        slots = {POLL: SLOTS, DELIVER: max(1, len(self._work.cycle.sinks)), PUBLISH: 1}
        self._scheduler.follow(self._work.cycle.sources, self._work.poller)
        store.fleet.enter(self._me)
        self._beaten = self._steady = time.monotonic()
        self._begin("beat", self._beat)
        if POLL in self._me.queues:
            self._begin("poll", self._polls.run)
        handlers = Handlers(poll=self._poll, deliver=self._deliver, publish=self._publish)
        self._queue.start(handlers, {queue: slots[queue] for queue in self._me.queues})
        self._begin("tick", self._tick_on)

    def trouble(self) -> str:
        """Why it cannot go on, "" while it can."""
        if self._trouble:
            return self._trouble
        silent = time.monotonic() - self._beaten
        if silent > _LOST:
            return f"it could not reach the state for {silent:.0f} s"
        ended = [thread.name for thread in self._threads if not thread.is_alive()]
        if ended and not self._stopping.is_set():
            return f"its part that does the {ended[0]} ended"
        queue = self._queue.trouble()
        return f"the queue ended: {queue}" if queue else ""

    def stop(self, seconds: float) -> None:
        """Take up no more, give what is in flight so long to end, and free the rest for others. Raises StateError."""
        end = time.monotonic() + seconds
        self._stop_beginning()
        self._queue.stop(max(0.0, end - time.monotonic()))
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))
        self._work.cycle.store.fleet.leave(self._me.id)

    def _stop_beginning(self) -> None:
        self._stopping.set()
        for stop in tuple(self._stops.values()):
            stop.set()
        self._polls.stop()

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except Exception as fault:  # a bug: ``trouble`` tells that the thread ended
                log.debug("%s ended", name, exc_info=fault)
                self._journal.wrong(name, f"unexpected {type(fault).__name__}: {fault} (please report this)")

        thread = threading.Thread(target=run, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _now(self) -> datetime:
        return self._work.cycle.polling.clock()

    def _beat(self) -> None:
        """Tell the others that this one is at work, and hold on to what it polls."""
        while not self._stopping.wait(_BEAT):
            try:
                known = self._work.cycle.store.fleet.beat(self._me.id, self._polls.held(), self._now() + LEASE)
            except FeedbotError as error:
                self._journal.wrong("beat", str(error))
                self._steady = time.monotonic()
                continue
            if not known:
                self._trouble = "it was silent for so long that the others took it for dead"
                self._stop_beginning()
                return
            late = time.monotonic() - self._beaten > 2 * _BEAT
            self._beaten = time.monotonic()
            self._steady = self._beaten if late else self._steady
            self._journal.well("beat")

    def _tick_on(self) -> None:
        every: dict[str, tuple[float, Callable[[], None]]] = {
            "schedule": (self._tick, self._schedule),
            "drain": (self._tick, self._put_drains),
            "publish": (_NEWS, self._put_publish),
            "refresh": (_REFRESH, self._refresh),
            "rescue": (_RESCUE, self._rescue),
            "forget": (_FORGET, self._forget),
            "tell": (_TELL, self._tell),
        }
        due = dict.fromkeys(every, float("-inf"))
        while not self._stopping.wait(self._tick):
            for name, (seconds, work) in every.items():
                if time.monotonic() >= due[name] and not self._stopping.is_set():
                    due[name] = time.monotonic() + seconds - self._tick / 2
                    self._guarded(name, work)

    def _guarded(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except FeedbotError as error:
            self._journal.wrong(name, str(error))
        except Exception as fault:  # a bug, or the library's: it costs one turn, never the worker
            log.debug("%s failed", name, exc_info=fault)
            self._journal.wrong(name, f"unexpected {type(fault).__name__}: {fault} (please report this)")
        else:
            self._journal.well(name)

    def _schedule(self) -> None:
        self._scheduler.tick(self._work.poller)

    def _put_drains(self) -> None:
        cycle, now = self._work.cycle, self._now()
        due = set(cycle.store.outbox.due_sinks(now)) & {name for name, _ in cycle.sinks} - cycle.silent
        served = cycle.store.turns.held(now) if due else ()
        for name in sorted(due):
            if f"sink {name}" not in served:  # whoever serves it goes on until nothing is left
                self._queue.put(DELIVER, name)

    def _put_publish(self) -> None:
        if self._news.is_set():
            self._news.clear()
            self._queue.put(PUBLISH, "all")

    def _refresh(self) -> None:
        """Have all feeds looked at, as somebody may have removed one; the oldest worker does so for all."""
        oldest = min(self._work.cycle.store.fleet.workers(), key=lambda one: (one.started, one.id))
        if oldest.id == self._me.id:
            self._queue.put(PUBLISH, "all")

    def _rescue(self) -> None:
        store, now = self._work.cycle.store, self._now()
        if time.monotonic() - self._steady < SILENCE.total_seconds():
            return  # where the state was away for all, the others have had no time yet to be heard of
        dead = store.fleet.rescue()
        if dead:
            log.warning("%d silent workers: what they had claimed is free again", len(dead))
        store.outbox.recover(now)
        self._queue.rescue()

    def _forget(self) -> None:
        self._work.cycle.store.retention.prune(self._now() - self._work.cycle.retention, steps=_STEPS)

    def _tell(self) -> None:
        self._work.cycle.store.beat(self._now())

    def _polled(self, reports: Mapping[str, SourceReport], seconds: float) -> None:
        """Have done what polls gave reason to."""
        self._journal.polled(reports, seconds)
        if any(report.new or report.edited or report.withdrawn for report in reports.values()):
            self._news.set()
        if any(report.announced for report in reports.values()):
            self._guarded("drain", self._put_drains)

    def _poll(self, batch: Batch) -> None:
        self._guarded("poll", lambda: self._polls.take(batch))

    def _deliver(self, name: str) -> None:
        self._guarded(f"sink {name}", lambda: self._drain(name))

    def _drain(self, name: str) -> None:
        cycle = self._work.cycle
        make = dict(cycle.sinks).get(name)
        if make is None or cycle.dispatching is None:
            return
        stop = threading.Event()  # of its own: a fault stops this sink for this turn alone
        self._stops[name] = stop
        if not self._stopping.is_set():
            self._journal.delivered(dispatch([(name, make)], replace(cycle.dispatching, stop=stop)))

    def _publish(self) -> None:
        self._guarded("publish", self._publish_all)

    def _publish_all(self) -> None:
        cycle, turn = self._work.cycle, "publish"
        turns = cycle.store.turns
        if self._stopping.is_set() or not turns.take(turn, self._me.id, self._now()):
            return
        try:
            reports = regenerate(cycle.feeds, cycle.store.sources.states(), cycle.publishing)
            incomplete = sorted({name for report in reports.values() for name in report.incomplete})
            if incomplete:
                cycle.store.sources.forget(incomplete)
            self._journal.published(reports)
            if cycle.hubs is not None:
                self._journal.told(tell(cycle.hubs))
            if cycle.subscribing is not None:
                self._journal.told(subscribe([spec.name for spec in cycle.sources], cycle.subscribing))
        finally:
            turns.give(turn, self._me.id)
