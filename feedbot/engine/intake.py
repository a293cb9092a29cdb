"""Polls what jobs bring: takes over what was claimed for them, reads it side by side, commits it as it comes in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue

from feedbot.engine.queue import Batch
from feedbot.engine.report import SourceReport
from feedbot.engine.work import Work
from feedbot.errors import FeedbotError
from feedbot.model import SourceState
from feedbot.store.scheduling import Scheduling

LEASE = timedelta(seconds=30)
"""How long a source is held that was taken up; the beats of a worker extend it."""
_SLICE = 0.25
"""Seconds for which what was read is gathered, to be committed together."""
_GRACE = 3.0
"""Seconds that what is being read has to end in, where the worker is told to stop."""

log = logging.getLogger(__name__)

Polled = Callable[[Mapping[str, SourceReport], float], None]


class Intake:
    """What a worker polls of a configuration. ``take`` is called by threads that have a job each, ``run`` is the body
    of one thread."""

    def __init__(self, store: Scheduling, work: Work, polled: Polled) -> None:
        self._store = store
        self._specs = {spec.name: spec for spec in work.cycle.sources}
        self._poller = work.poller
        self._polled = polled
        self._brought: SimpleQueue[Mapping[str, SourceState]] = SimpleQueue()
        self._settled = threading.Condition()
        self._held: set[str] = set()
        self._begun: set[str] = set()
        self._retired = threading.Event()
        self._stopping = threading.Event()

    def held(self) -> list[str]:
        """The sources that were taken up and are not settled."""
        with self._settled:
            return sorted(self._held)

    def take(self, batch: Batch) -> None:
        """Take up a job, and return when there is room for another one. Raises StateError.

        It is not waited for until all is polled: one server that keeps silent would have the others' turn.
        """
        polling = self._poller.polling
        if self._stopping.is_set():
            return
        states = self._store.adopt(batch.pks, batch.lease, polling.lease, polling.clock() + LEASE)
        with self._settled:
            if not self._retired.is_set():
                # What is being read is not begun anew, though it was claimed anew: it is this worker's again.
                known = states.keys() & self._specs.keys()
                self._brought.put({name: states[name] for name in known - self._held})
                self._held |= known
            others = sorted(states.keys() - self._held)
        if others:  # unknown to this worker, whose configuration is another one; or it is about to leave off
            polling.store.release(others, polling.lease)
        with self._settled:
            self._settled.wait_for(lambda: len(self._held) <= polling.concurrency or self._retired.is_set())

    def run(self) -> None:
        """Read and settle until told to leave off, and then what was begun: all of it, or for a moment where the
        worker stops."""
        while not self._retired.is_set():
            if self._begin(wait=not self._poller.busy):
                self._settle(_SLICE)
        self._give_back()
        while self._poller.busy and not self._stopping.is_set():
            self._settle(_SLICE)
        self._settle(_GRACE)

    def retire(self) -> None:
        """Begin no more; what is being read is read to its end."""
        self._retired.set()
        with self._settled:
            self._settled.notify_all()

    def stop(self) -> None:
        """Begin no more, and have ``run`` end soon."""
        self._stopping.set()
        self.retire()

    def _begin(self, *, wait: bool) -> bool:
        """Have what was taken up read; gives whether anything is being read."""
        with suppress(Empty):
            states = self._brought.get(block=wait, timeout=_SLICE)
            while True:
                self._poller.resume([self._specs[name] for name in states], states)
                self._begun.update(states)
                states = self._brought.get_nowait()
        return bool(self._begun)

    def _give_back(self) -> None:
        """Free what was taken up and not begun, for whoever goes on."""
        self._poller.retire()
        polling, busy = self._poller.polling, self._poller.busy
        with self._settled:
            waiting, self._held = self._held - busy, self._held & busy
        if waiting:
            with suppress(FeedbotError):  # else it is free when its lease is over
                polling.store.release(sorted(waiting), polling.lease)

    def _settle(self, seconds: float) -> None:
        begun, reports, polling = time.monotonic(), dict[str, SourceReport](), self._poller.polling
        try:
            reports = self._poller.settle(seconds)
        except FeedbotError as error:  # of the state: what was read then is lost, and read again
            log.warning("polls were not kept: %s", error)
            with suppress(FeedbotError):  # else it is free when its lease is over
                polling.store.release(sorted(self._begun - self._poller.busy), polling.lease)
        done = self._begun - self._poller.busy
        self._begun -= done
        with self._settled:
            self._held -= done
            self._settled.notify_all()
        if reports:
            self._polled(reports, time.monotonic() - begun)
