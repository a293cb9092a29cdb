"""Polls what jobs bring: takes over what was claimed for them, reads it side by side, commits it as it comes in."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from queue import Empty, SimpleQueue

from feedbot.engine.poll import Poller
from feedbot.engine.queue import Batch
from feedbot.engine.reading import SourceSpec
from feedbot.engine.report import SourceReport
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
    """What a worker polls. ``take`` is called by threads that have a job each, ``run`` is the body of one thread."""

    def __init__(self, store: Scheduling, specs: Mapping[str, SourceSpec], poller: Poller, polled: Polled) -> None:
        self._store = store
        self._specs = specs
        self._poller = poller
        self._polled = polled
        self._brought: SimpleQueue[Mapping[str, SourceState]] = SimpleQueue()
        self._settled = threading.Condition()
        self._held: set[str] = set()
        self._begun: set[str] = set()
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
        unknown = sorted(name for name in states if name not in self._specs)
        if unknown:  # to this worker, whose configuration is another one
            polling.store.release(unknown, polling.lease)
        with self._settled:
            # What is being read is not begun anew, though it was claimed anew: it is this worker's again.
            fresh = {name: state for name, state in states.items() if name in self._specs and name not in self._held}
            self._held |= fresh.keys()
            self._brought.put(fresh)
            self._settled.wait_for(lambda: len(self._held) <= polling.concurrency or self._stopping.is_set())

    def run(self) -> None:
        """Read and settle until told to stop, and then for a moment what was begun."""
        while not self._stopping.is_set():
            if self._begin(wait=not self._poller.busy):
                self._settle(_SLICE)
        self._poller.retire()
        self._settle(_GRACE)

    def stop(self) -> None:
        """Begin no more."""
        self._stopping.set()
        with self._settled:
            self._settled.notify_all()

    def _begin(self, *, wait: bool) -> bool:
        """Have what was taken up read; gives whether anything is being read."""
        with suppress(Empty):
            states = self._brought.get(block=wait, timeout=_SLICE)
            while True:
                self._poller.resume([self._specs[name] for name in states], states)
                self._begun.update(states)
                states = self._brought.get_nowait()
        return bool(self._begun)

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
