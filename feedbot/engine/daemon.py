"""Keeps running: asks what is due every few seconds, and lets polling, publishing and delivering overlap.

What is due stands in the store, so that a tick which is late, lost or doubled changes nothing. Each kind of work is a
job of its own that never runs twice at a time: polling, which takes up what is due while other sources are still being
read, publishing, and each sink. Sources that failed have a part of the threads to themselves, so that many which hang
keep none waiting that is well. Folders that are watched are read as soon as they change.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from feedbot.core.batching import room
from feedbot.engine.dispatch import dispatch
from feedbot.engine.hubs import tell
from feedbot.engine.journal import Journal
from feedbot.engine.poll import TO_THE_MOMENT
from feedbot.engine.reading import SourceSpec
from feedbot.engine.sharing import publish
from feedbot.engine.subscribing import subscribe
from feedbot.engine.ticking import Ticker
from feedbot.engine.watching import Watcher
from feedbot.engine.work import Work, Works
from feedbot.errors import FeedbotError
from feedbot.model import SourceState

TICK = 2.0
"""Seconds between two looks at what is due."""
_REFRESH = 60.0
"""Seconds after which all of the state is looked at anew, as others may work on it, too, and all feeds, as somebody may
have removed one."""
_SLICE = 1.0
"""Seconds that polling waits for what is being read, before it looks whether a watched folder changed meanwhile."""
_PUBLISHING = 0.1
"""The part of its time that publishing may take, where one poll after another brings something."""
_WAITED_FOR = ("poll", "publish", "sink ")
"""Jobs that are given time to end; polling does so within a slice, whatever hangs."""
_STEP = 5.0
"""Seconds by which the clock must have moved by itself to have been set."""
_FORGET = 600.0
"""Seconds between two looks for deliveries that were done long ago."""
_BEAT = 30.0
"""Seconds between two notes in the state that the daemon is at work."""
_SILENT = 30.0
"""Seconds that may pass between two ticks, as on a machine that is busy; beyond that the ticker stands still."""
_STUCK = 3600.0
"""Seconds for which a job may run; one that takes longer hangs, and the program is not well."""

log = logging.getLogger(__name__)


class Daemon:
    """Polls, publishes and delivers until it is told to stop. ``stop`` may be called from any thread."""

    def __init__(self, work: Work, journal: Journal, *, tick: float = TICK) -> None:
        self._works = Works(work)
        self._journal = journal
        self._tick = tick
        self._guard = threading.Lock()
        self._states: Mapping[str, SourceState] = {}
        self._next_due = self._must_look = self._must_publish = self._may_publish = float("-inf")
        self._settled: set[str] = set()
        self._looking = threading.Lock()
        self._touched: set[str] = set()
        self._watcher = Watcher(self._touch)
        self._offset = self._clock_offset()
        self._running: dict[str, float] = {}
        self._ticked = time.monotonic()
        self._written = float("-inf")
        self._unwritten = ""
        self._stopping = False
        self._stops: dict[str, threading.Event] = {}
        self._ticker = Ticker()

    def start(self) -> None:
        """Begin; everything happens in threads from here on."""
        self._every("poll", self._poll)
        # After the first polls, lest a new installation publishes empty feeds.
        self._every("publish", self._publish, after=2 * self._tick)
        self._every("hubs", self._tell_hubs)
        self._every("subscribe", self._subscribe, after=2 * self._tick)
        self._every("forget", self._forget, seconds=_FORGET, after=_REFRESH)
        for name, _ in self._works.now.cycle.sinks:
            self._every(f"sink {name}", self._deliver, name)
        self._every("beat", self._beat, apart=True)
        self._ticker.start()
        self._watch(self._works.now)

    def replace(self, work: Work) -> None:
        """Go on with another configuration; what runs now ends with the one it began with."""
        former = self._works.replace(work)
        with self._guard:
            self._next_due = float("-inf")
        with self._looking:
            self._must_look = float("-inf")
        before, after = ({name for name, _ in each.cycle.sinks} for each in (former, work))
        for name in before - after:
            self._ticker.remove(f"sink {name}")
        for name in sorted(after - before):
            self._every(f"sink {name}", self._deliver, name)
        self._publish_soon()
        self._watch(work)

    def keep_time(self) -> None:
        """Have everything looked at anew where the clock was set: jobs would wait until it is what it was."""
        offset = self._clock_offset()
        if abs(offset - self._offset) < _STEP:
            return
        log.warning("the clock was set by %+.0f s", offset - self._offset)
        self._offset = offset
        self._ticker.all_soon()

    def troubles(self) -> Mapping[str, str]:
        """What is not well with the daemon itself, by name: what a start afresh would mend, and what it would not."""
        return {**self.stuck(), **({"state": self._unwritten} if self._unwritten else {})}

    def stuck(self) -> Mapping[str, str]:
        """What a start afresh would mend, by name: a ticker that stands still, a job that hangs."""
        now = time.monotonic()
        with self._guard:
            stuck = {name: "it hangs" for name, begun in self._running.items() if now - begun > _STUCK}
        ticks = self._ticker.running and now - self._ticked < _SILENT + 2 * self._tick
        return stuck if ticks else {**stuck, "ticker": "it stands still"}

    def how(self) -> Mapping[str, str]:
        """What a person should know of how it goes, by name; nothing where all is well."""
        with self._guard:
            names = {spec.name for spec in self._works.now.cycle.sources if not spec.settings.paused}
            failing = sum(bool(state.failures) for name, state in self._states.items() if name in names)
        return {**({"failing sources": str(failing)} if failing else {}), **self.troubles()}

    def stop(self, seconds: float) -> None:
        """Begin no more work, and give what is under way so long to end. What is left is done at the next start."""
        self._ticker.stop()
        self._watcher.close()
        with self._guard:
            self._stopping = True
            for event in self._stops.values():
                event.set()
        end = time.monotonic() + seconds
        while time.monotonic() < end and any(name.startswith(_WAITED_FOR) for name in tuple(self._running)):
            time.sleep(0.02)

    def _every(
        self,
        name: str,
        work: Callable[..., None],
        *arguments: Any,
        seconds: float | None = None,
        after: float = 0,
        apart: bool = False,
    ) -> None:
        told = f"job {name}"  # that it could be done says nothing of how the sink is

        def job() -> None:
            with self._guard:
                self._running[name] = time.monotonic()
            try:
                work(*arguments)
            except FeedbotError as error:  # of the state: the next tick tries again
                self._journal.wrong(told, str(error))
            except Exception as fault:  # a bug costs one job its turn, never the daemon
                log.debug("%s failed", name, exc_info=fault)
                self._journal.wrong(told, f"unexpected {type(fault).__name__}: {fault} (please report this)")
            else:
                self._journal.well(told)
            finally:
                with self._guard:
                    self._running.pop(name, None)

        self._ticker.every(name, job, seconds or self._tick, after=after, apart=apart)

    def _poll(self) -> None:
        """Take up what is due and settle what was read, for as long as something is being read."""
        while not self._stopping:
            with self._guard:
                self._running["poll"] = time.monotonic()  # it goes on, and does not hang
            self._end_former()
            with self._works.using() as work:
                changed, due = self._due(work)
                work.poller.take(changed)
                others = work.poller.take(due, early=TO_THE_MOMENT)  # which another feedbot polled meanwhile
                with self._looking:
                    self._settled.update(others)
                self._settle(work, _SLICE)
                if not work.poller.busy:
                    return

    def _end_former(self) -> None:
        """Settle what was begun with a configuration that was replaced, and let go of it once nothing uses it."""
        for work in tuple(self._works.former):
            work.poller.retire()
            self._settle(work, 0)
            self._works.let_go(work)

    def _settle(self, work: Work, seconds: float) -> None:
        if not work.poller.busy:
            return
        begun = time.monotonic()
        reports = work.poller.settle(seconds)
        if not reports:
            return
        with self._looking:
            self._settled.update(reports)
        self._journal.polled(reports, time.monotonic() - begun)
        if any(report.new or report.edited or report.withdrawn for report in reports.values()):
            self._publish_soon()
        for name, _ in work.cycle.sinks if any(report.announced for report in reports.values()) else ():
            self._ticker.soon(f"sink {name}")

    def _due(self, work: Work) -> tuple[Sequence[SourceSpec], Sequence[SourceSpec]]:
        """The sources whose folders changed; and each tick those that are due by what is remembered of the state."""
        now = time.monotonic()
        with self._guard:
            touched, self._touched = self._touched, set()
        if now < self._next_due and not touched:
            return (), ()
        busy = work.poller.busy.union(*(former.poller.busy for former in self._works.former))
        with self._guard:
            self._touched |= touched & busy  # it may have been read before it changed
        idle = [spec for spec in work.cycle.sources if spec.name not in busy]
        changed = [spec for spec in idle if spec.name in touched and not spec.settings.paused]
        if now < self._next_due:
            return changed, ()
        self._next_due = now + self._tick / 2  # which the next tick is surely after
        states = self._looked(work)
        due = work.poller.due([spec for spec in idle if spec.name not in touched], states)
        most = room(work.cycle.polling.concurrency, len(busy))
        if not work.cycle.store.alone and len(due) > most:  # so that others take up the rest meanwhile
            due = random.sample(due, most)
        return changed, due

    def _looked(self, work: Work) -> Mapping[str, SourceState]:
        """What the state says of all sources: read anew now and then, and of those that were settled meanwhile.

        Reading it of ten thousand takes as long as a hundred polls.
        """
        with self._looking:
            if (now := time.monotonic()) >= self._must_look:
                self._states = work.cycle.store.sources.states()
                self._must_look = now + _REFRESH
            elif self._settled:
                self._states = {**self._states, **work.cycle.store.sources.states(self._settled)}
            self._settled = set()
            return self._states

    def _watch(self, work: Work) -> None:
        self._watcher.watch({spec.name: spec.watched for spec in work.cycle.sources}, work.own)

    def _touch(self, names: Collection[str]) -> None:
        """Have sources read as soon as they are not being read."""
        with self._guard:
            self._touched.update(names)
        if names:
            self._ticker.soon("poll")

    def _clock_offset(self) -> float:
        clock: datetime = self._works.now.cycle.polling.clock()
        return clock.timestamp() - time.monotonic()

    def _publish_soon(self) -> None:
        self._must_publish = float("-inf")
        self._ticker.soon("publish")

    def _publish(self) -> None:
        """Publish what is new, and now and then whatever is not there as it should be."""
        now = time.monotonic()
        if now < max(self._must_publish, self._may_publish):
            return
        self._must_publish = now + _REFRESH  # before, as more may come in meanwhile
        with self._works.using() as work:
            cycle = work.cycle
            try:
                reports = publish(cycle.feeds, lambda: self._looked(work), cycle.publishing)
                incomplete = sorted({name for report in reports.values() for name in report.incomplete})
                if incomplete:
                    cycle.store.sources.forget(incomplete)
            except FeedbotError:
                self._must_publish = now
                raise
            self._journal.published(reports)
            if any(report.busy for report in reports.values()):
                self._must_publish = now  # whoever writes it may not have seen all
            ended = time.monotonic()
            self._may_publish = ended + (ended - now) / _PUBLISHING

    def _tell_hubs(self) -> None:
        with self._works.using() as work:
            if work.cycle.hubs is not None:
                self._journal.told(tell(work.cycle.hubs))

    def _forget(self) -> None:
        with self._works.using() as work:
            work.cycle.store.retention.prune(work.cycle.polling.clock() - work.cycle.retention)

    def _beat(self) -> None:
        """Tell the other threads that the ticker ticks, and now and then, through the state, other processes."""
        self._ticked = time.monotonic()
        if self._ticked - self._written < _BEAT:
            return
        self._written = self._ticked
        with self._works.using() as work:
            try:
                work.cycle.store.beat(work.cycle.polling.clock())
            except FeedbotError as error:
                self._unwritten = str(error)
                raise
        self._unwritten = ""

    def _subscribe(self) -> None:
        with self._works.using() as work:
            if work.cycle.subscribing is not None:
                wanted = [spec.name for spec in work.cycle.sources]
                self._journal.told(subscribe(wanted, work.cycle.subscribing))

    def _deliver(self, name: str) -> None:
        with self._works.using() as work:
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
