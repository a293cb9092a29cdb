"""Keeps running: asks what is due every few seconds, and lets polling, publishing and delivering overlap.

APScheduler is the ticker and no more. What is due stands in the store, so that a tick which is late, lost or
doubled changes nothing. Each kind of work is a job of its own that never runs twice at a time: polling, which takes
up what is due while other sources are still being read, publishing, and each sink.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from feedbot.engine.cycle import Cycle
from feedbot.engine.dispatch import dispatch
from feedbot.engine.hubs import tell
from feedbot.engine.journal import Journal
from feedbot.engine.poll import Poller
from feedbot.engine.reading import SourceSpec
from feedbot.engine.regenerate import regenerate
from feedbot.engine.subscribing import subscribe
from feedbot.errors import FeedbotError
from feedbot.model import SourceState

TICK = 2.0
"""Seconds between two looks at what is due."""
_REFRESH = 60.0
"""Seconds after which the state is looked at anew, since a person may have reset or paused a source meanwhile."""
_FORGET = 600.0
"""Seconds between two looks for deliveries that were done long ago."""
_STUCK = 3600.0
"""Seconds for which a job may run; one that takes longer hangs, and the program is not well."""

log = logging.getLogger(__name__)


class Work:
    """A configuration at work: what its rounds work on, and how to let go of its connections at last."""

    def __init__(self, cycle: Cycle, close: Callable[[], None]) -> None:
        self.cycle = cycle
        self.poller = Poller(cycle.polling)
        self.users = 0
        self._close = close

    def close(self) -> None:
        self.poller.close()
        self._close()


class Daemon:
    """Polls, publishes and delivers until it is told to stop. ``stop`` may be called from any thread."""

    def __init__(self, work: Work, journal: Journal, *, tick: float = TICK) -> None:
        self._work = work
        self._journal = journal
        self._tick = tick
        self._guard = threading.Lock()
        self._former: list[Work] = []
        self._states: Mapping[str, SourceState] = {}
        self._looked = float("-inf")
        self._running: dict[str, float] = {}
        self._stopping = False
        self._stops: dict[str, threading.Event] = {}
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(len(work.cycle.sinks) + 8)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        # A tick that comes while its work still goes on is what the jobs are made for, and no warning.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    def start(self) -> None:
        """Begin; everything happens in threads from here on."""
        self._every("poll", self._poll)
        # After the first polls, lest a new installation publishes empty feeds.
        self._every("publish", self._publish, seconds=_REFRESH, after=2 * self._tick)
        self._every("hubs", self._tell_hubs)
        self._every("subscribe", self._subscribe, after=2 * self._tick)
        self._every("forget", self._forget, seconds=_FORGET, after=_REFRESH)
        for name, _ in self._work.cycle.sinks:
            self._every(f"sink {name}", self._deliver, name)
        self._scheduler.start()

    def replace(self, work: Work) -> None:
        """Go on with another configuration; what runs now ends with the one it began with."""
        with self._guard:
            former, self._work = self._work, work
            self._former.append(former)
            self._looked = float("-inf")
        before, after = ({name for name, _ in each.cycle.sinks} for each in (former, work))
        for name in before - after:
            self._scheduler.remove_job(f"sink {name}")
        for name in sorted(after - before):
            self._every(f"sink {name}", self._deliver, name)
        self._soon("publish")

    def troubles(self) -> Mapping[str, str]:
        """What is not well with the daemon itself, by name: a ticker that stands still, a job that hangs."""
        now = time.monotonic()
        with self._guard:
            stuck = {name: "it hangs" for name, begun in self._running.items() if now - begun > _STUCK}
        return stuck if self._scheduler.running else {**stuck, "ticker": "it does not run"}

    def stop(self, seconds: float) -> None:
        """Begin no more work, and give deliveries in flight so long to end. What is left is done at the next start."""
        self._scheduler.pause()
        with self._guard:
            self._stopping = True
            for event in self._stops.values():
                event.set()
        end = time.monotonic() + seconds
        while time.monotonic() < end and any(name.startswith("sink ") for name in tuple(self._running)):
            time.sleep(0.02)

    def _every(
        self, name: str, work: Callable[..., None], *arguments: Any, seconds: float | None = None, after: float = 0
    ) -> None:
        def job() -> None:
            with self._guard:
                self._running[name] = time.monotonic()
            try:
                work(*arguments)
            except FeedbotError as error:  # of the state: the next tick tries again
                self._journal.wrong(name, str(error))
            except Exception as fault:  # a bug costs one job its turn, never the daemon
                log.debug("%s failed", name, exc_info=fault)
                self._journal.wrong(name, f"unexpected {type(fault).__name__}: {fault} (please report this)")
            else:
                self._journal.well(name)
            finally:
                with self._guard:
                    self._running.pop(name, None)

        trigger = IntervalTrigger(seconds=seconds or self._tick, timezone="UTC")
        first = self._work.cycle.polling.clock() + timedelta(seconds=after)
        self._scheduler.add_job(job, trigger, id=name, name=name, next_run_time=first, replace_existing=True)

    def _soon(self, name: str) -> None:
        """Have a job run now; if it runs already, at its next tick."""
        if self._scheduler.get_job(name) is not None:
            self._scheduler.modify_job(name, next_run_time=self._work.cycle.polling.clock())

    @contextmanager
    def _using(self) -> Iterator[Work]:
        with self._guard:
            work = self._work
            work.users += 1
        try:
            yield work
        finally:
            with self._guard:
                work.users -= 1

    def _poll(self) -> None:
        """Take up what is due and settle what was read, for one tick: what hangs is settled in a later one."""
        self._end_former()
        with self._using() as work:
            due = self._due(work)
            if due:
                work.poller.begin(due)
            self._settle(work, self._tick)

    def _end_former(self) -> None:
        """Settle what was begun with a configuration that was replaced, and let go of it once nothing uses it."""
        for work in tuple(self._former):
            self._settle(work, 0)
            with self._guard:
                used = work.users or work.poller.busy
            if not used:
                self._former.remove(work)
                work.close()

    def _settle(self, work: Work, seconds: float) -> None:
        if not work.poller.busy:
            return
        begun = time.monotonic()
        reports = work.poller.settle(seconds)
        if not reports:
            return
        self._look(work)
        self._journal.polled(reports, time.monotonic() - begun)
        if any(report.new or report.edited or report.withdrawn for report in reports.values()):
            self._soon("publish")
        for name, _ in work.cycle.sinks if any(report.announced for report in reports.values()) else ():
            self._soon(f"sink {name}")

    def _due(self, work: Work) -> Sequence[SourceSpec]:
        """The sources that are due by what is remembered of the state, which is read only now and then."""
        if time.monotonic() - self._looked > _REFRESH:
            self._look(work)
        busy = work.poller.busy.union(*(former.poller.busy for former in self._former))
        idle = [spec for spec in work.cycle.sources if spec.name not in busy]
        return work.poller.due(idle, self._states)

    def _look(self, work: Work) -> None:
        self._states = work.cycle.store.sources.states()
        self._looked = time.monotonic()

    def _publish(self) -> None:
        with self._using() as work:
            cycle = work.cycle
            reports = regenerate(cycle.feeds, cycle.store.sources.states(), cycle.publishing)
            incomplete = sorted({name for report in reports.values() for name in report.incomplete})
            if incomplete:
                cycle.store.sources.forget(incomplete)
            self._journal.published(reports)

    def _tell_hubs(self) -> None:
        with self._using() as work:
            if work.cycle.hubs is not None:
                self._journal.told(tell(work.cycle.hubs))

    def _forget(self) -> None:
        with self._using() as work:
            work.cycle.store.retention.prune(work.cycle.polling.clock() - work.cycle.retention)

    def _subscribe(self) -> None:
        with self._using() as work:
            if work.cycle.subscribing is not None:
                wanted = [spec.name for spec in work.cycle.sources]
                self._journal.told(subscribe(wanted, work.cycle.subscribing))

    def _deliver(self, name: str) -> None:
        with self._using() as work:
            dispatching, make = work.cycle.dispatching, dict(work.cycle.sinks).get(name)
            if make is None or dispatching is None or name in work.cycle.silent:
                return
            if name not in work.cycle.store.outbox.due_sinks(dispatching.clock()):
                return
            stop = threading.Event()  # of its own: a fault stops this sink for this turn alone
            with self._guard:
                if self._stopping:
                    return
                self._stops[name] = stop
            self._journal.delivered(dispatch([(name, make)], replace(dispatching, stop=stop)))
