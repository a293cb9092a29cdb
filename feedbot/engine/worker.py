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
from datetime import datetime

from msgspec.structs import replace

from feedbot.engine.dispatch import dispatch
from feedbot.engine.hubs import tell
from feedbot.engine.intake import LEASE, Intake
from feedbot.engine.journal import Journal
from feedbot.engine.presence import BEAT, Presence
from feedbot.engine.queue import DELIVER, POLL, PUBLISH, Batch, Handlers, Queue
from feedbot.engine.report import SourceReport
from feedbot.engine.scheduling import Scheduler
from feedbot.engine.sharing import publish
from feedbot.engine.subscribing import subscribe
from feedbot.engine.work import Work, Works
from feedbot.errors import FeedbotError
from feedbot.store.fleet import WorkerState

TICK = 1.0
"""Seconds between two looks at what is due."""
_PRESSED = 0.25
"""The part of them after which it is looked again where more was due than could be claimed."""
SLOTS = 4
"""Jobs of polling that a worker takes up at once: it holds few that it cannot begin yet, and never runs dry."""
_SLOTS = {POLL: SLOTS, DELIVER: 1000, PUBLISH: 1}
"""Jobs at once of each queue; each sink may hang, and no other may wait for it. Threads are made when needed."""
_RESCUE = 5.0
_NEWS = 2.0  # seconds for which what is new is gathered, to be published together
_REFRESH = 60.0
_FORGET = 600.0
_STEPS = 200  # of letting go of deliveries each time: fourteen millions a day
_TELL = 30.0
_LOST = 60.0
"""Seconds without a sign of life after which a worker is cut off, and has to be started afresh."""

log = logging.getLogger(__name__)


class Worker:
    """Works until it is told to stop, or ``trouble`` says why it cannot go on."""

    def __init__(self, work: Work, queue: Queue, journal: Journal, me: WorkerState, *, tick: float = TICK) -> None:
        self._works = Works(work)
        self._queue = queue
        self._journal = journal
        self._tick = tick
        store = work.cycle.store
        self._store = store
        self._presence = Presence(store.fleet, me, work.cycle.polling.clock, self._held, LEASE)
        self._scheduler = Scheduler(store.scheduling, store.sources, queue, work.cycle.polling.clock)
        self._followed: Work | None = None
        self._pressed = False
        self._stopping = threading.Event()
        self._polls = Intake(store.scheduling, work, self._polled)
        self._former: list[tuple[Intake, threading.Thread | None, Work]] = []
        self._trouble = ""
        self._threads: dict[str, threading.Thread] = {}
        self._news = threading.Event()
        self._stops: dict[str, threading.Event] = {}

    def start(self) -> None:
        """Begin; everything happens in threads from here on."""
        self._presence.enter()
        self._begin("beat", self._beat)
        queues = self._presence.me.queues
        if POLL in queues:
            self._begin("poll", self._polls.run)
        handlers = Handlers(poll=self._poll, deliver=self._deliver, publish=self._publish)
        self._queue.start(handlers, {queue: _SLOTS[queue] for queue in queues})
        self._begin("tick", self._tick_on)

    def replace(self, work: Work) -> None:
        """Go on with another configuration; what runs now ends with the one it began with. Raises StateError."""
        if POLL in self._presence.me.queues:
            self._presence.enter(replace(self._presence.me, readers=work.cycle.polling.concurrency))
        former, polls = self._works.replace(work), self._polls
        self._polls = Intake(self._store.scheduling, work, self._polled)
        self._former.append((polls, self._threads.get("poll"), former))
        if POLL in self._presence.me.queues:
            self._begin("poll", self._polls.run)
        polls.retire()
        self._news.set()

    def trouble(self) -> str:
        """Why it cannot go on, "" while it can."""
        if self._trouble:
            return self._trouble
        silent = self._presence.silent
        if silent > _LOST:
            return f"it could not reach the state for {silent:.0f} s"
        ended = [name for name, thread in self._threads.items() if not thread.is_alive()]
        if ended and not self._stopping.is_set():
            return f"its part that does the {ended[0]} ended"
        queue = self._queue.trouble()
        return f"the queue ended: {queue}" if queue else ""

    def stop(self, seconds: float) -> None:
        """Take up no more, give what is in flight so long to end, and free the rest for others. Raises StateError."""
        end = time.monotonic() + seconds
        self._stop_beginning()
        self._queue.stop(max(0.0, end - time.monotonic()))
        former = [thread for _, thread, _ in tuple(self._former) if thread is not None]
        for thread in (*self._threads.values(), *former):
            thread.join(max(0.0, end - time.monotonic()))
        self._presence.leave()

    def _stop_beginning(self) -> None:
        self._stopping.set()
        for stop in tuple(self._stops.values()):
            stop.set()
        for polls in (self._polls, *(polls for polls, _, _ in tuple(self._former))):
            polls.stop()

    def _begin(self, name: str, work: Callable[[], None]) -> None:
        def run() -> None:
            try:
                work()
            except Exception as fault:  # a bug: ``trouble`` tells that the thread ended
                log.debug("%s ended", name, exc_info=fault)
                self._journal.wrong(name, f"unexpected {type(fault).__name__}: {fault} (please report this)")

        thread = self._threads[name] = threading.Thread(target=run, name=name, daemon=True)
        thread.start()

    def _now(self) -> datetime:
        return self._works.now.cycle.polling.clock()

    def _held(self) -> list[str]:
        """The sources that it is busy with."""
        return [name for polls in (self._polls, *(one[0] for one in tuple(self._former))) for name in polls.held()]

    def _beat(self) -> None:
        """Tell the others that this one is at work, and hold on to what it polls."""
        while not self._stopping.wait(BEAT):
            try:
                known = self._presence.beat()
            except FeedbotError as error:
                self._journal.wrong("beat", str(error))
                continue
            if not known:
                self._trouble = "it was silent for so long that the others took it for dead"
                self._stop_beginning()
                return
            self._journal.well("beat")

    def _tick_on(self) -> None:
        every: dict[str, tuple[float, Callable[[], None]]] = {
            "schedule": (0.0, self._schedule),
            "drain": (self._tick, self._put_drains),
            "publish": (_NEWS, self._put_publish),
            "refresh": (_REFRESH, self._refresh),
            "rescue": (_RESCUE, self._rescue),
            "forget": (_FORGET, self._forget),
            "tell": (_TELL, self._tell),
        }
        due = dict.fromkeys(every, float("-inf"))
        while not self._stopping.wait(self._tick * (_PRESSED if self._pressed else 1)):
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
        self._end_former()
        with self._works.using() as work:
            if work is not self._followed:
                self._scheduler.follow(work.cycle.sources, work.poller)
                self._followed = work
            self._pressed = self._scheduler.tick(work.poller)

    def _end_former(self) -> None:
        """Let go of configurations of which nothing is polled any more."""
        for former in tuple(self._former):
            _, thread, work = former
            if (thread is None or not thread.is_alive()) and self._works.let_go(work):
                self._former.remove(former)

    def _put_drains(self) -> None:
        cycle, now = self._works.now.cycle, self._now()
        due = set(self._store.outbox.due_sinks(now)) & {name for name, _ in cycle.sinks} - cycle.silent
        served = self._store.turns.held(now) if due else ()
        for name in sorted(due):
            if f"sink {name}" not in served:  # whoever serves it goes on until nothing is left
                self._queue.put(DELIVER, name)

    def _put_publish(self) -> None:
        if self._news.is_set():
            self._news.clear()
            self._queue.put(PUBLISH, "all")

    def _refresh(self) -> None:
        """Have all feeds looked at, as somebody may have removed one; the oldest worker does so for all."""
        workers = [one for one in self._store.fleet.workers() if one.queues]
        oldest = min(workers, key=lambda one: (one.started, one.id), default=self._presence.me)
        if oldest.id == self._presence.me.id:
            self._queue.put(PUBLISH, "all")

    def _rescue(self) -> None:
        self._presence.rescue()
        self._store.outbox.recover(self._now())
        self._queue.rescue()

    def _forget(self) -> None:
        self._store.retention.prune(self._now() - self._works.now.cycle.retention, steps=_STEPS)

    def _tell(self) -> None:
        self._store.beat(self._now())

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
        with self._works.using() as work:
            make, dispatching = dict(work.cycle.sinks).get(name), work.cycle.dispatching
            if make is None or dispatching is None:
                return
            stop = threading.Event()  # of its own: a fault stops this sink for this turn alone
            if self._stops.setdefault(name, stop) is not stop:  # served already: the turn would be this one's, too
                return
            try:
                if not self._stopping.is_set():
                    self._journal.delivered(dispatch([(name, make)], replace(dispatching, stop=stop)))
            finally:
                del self._stops[name]

    def _publish(self) -> None:
        self._guarded("publish", self._publish_all)

    def _publish_all(self) -> None:
        with self._works.using() as work:
            cycle = work.cycle
            if self._stopping.is_set():
                return
            reports = publish(cycle.feeds, self._store.sources.shown, cycle.publishing)
            incomplete = sorted({name for report in reports.values() for name in report.incomplete})
            if incomplete:
                self._store.sources.forget(incomplete)
            self._journal.published(reports)
            if any(report.busy for report in reports.values()):
                self._news.set()  # whoever writes it may not have seen all
            if cycle.hubs is not None:
                self._journal.told(tell(cycle.hubs))
            if cycle.subscribing is not None:
                self._journal.told(subscribe([spec.name for spec in cycle.sources], cycle.subscribing))
