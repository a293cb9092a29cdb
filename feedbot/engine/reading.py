"""Reads sources side by side, in threads, no more of one host at once than it is asked to bear."""

from __future__ import annotations

import logging
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import datetime

from feedbot import faults
from feedbot.errors import SourceError
from feedbot.model import Document, Memory, SourceState, Validators
from feedbot.plugins import Source, SourceSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class SourceSpec:
    """A source of the configuration. ``digest`` is of the settings that shape its entries."""

    name: str
    settings: SourceSettings
    source: Source
    digest: str


@dataclass(frozen=True)
class Reading:
    """What reading a source gave: a document, or the error that stood in the way; ``state`` is from before."""

    spec: SourceSpec
    state: SourceState
    at: datetime
    seconds: float
    document: Document | None = None
    error: SourceError | None = None


class Readers:
    """Threads that read what they are given; a source that is waiting or being read is not taken twice."""

    def __init__(self, clock: Callable[[], datetime], concurrency: int, per_host: int) -> None:
        self._clock = clock
        self._concurrency = concurrency
        self._per_host = per_host
        self._waiting: defaultdict[str, deque[tuple[SourceSpec, SourceState]]] = defaultdict(deque)
        self._hosts: deque[str] = deque()  # those with something waiting, in turn
        self._busy: defaultdict[str, int] = defaultdict(int)
        self._running: dict[Future[Reading], str] = {}
        self._pool: ThreadPoolExecutor | None = None
        self.names: set[str] = set()

    def add(self, specs: Sequence[SourceSpec], states: Mapping[str, SourceState]) -> None:
        """Take sources to be read, with what is known of each."""
        for spec in specs:
            host = spec.source.host or f"local:{spec.name}"
            if not self._waiting[host]:
                self._hosts.append(host)
            self._waiting[host].append((spec, states[spec.name]))
            self.names.add(spec.name)

    def finished(self, seconds: float | None = None) -> Iterator[Reading]:
        """What was read, as it comes in, until nothing is left or so much time has passed."""
        if seconds is None and len(self.names) == 1 and self._hosts:  # no thread for one alone
            host = self._hosts.popleft()
            yield self._done(read(*self._waiting.pop(host).popleft(), self._clock))
            return
        end = None if seconds is None else time.monotonic() + seconds
        self._start()
        while self._running:
            left = None if end is None else max(0.0, end - time.monotonic())
            done, _ = wait(self._running, timeout=left, return_when=FIRST_COMPLETED)
            for future in done:
                host = self._running.pop(future)
                self._busy[host] -= 1
                self._start()
                yield self._done(future.result())
            if not done:
                return

    @property
    def ready(self) -> bool:
        """Whether something was read that nobody has asked for yet."""
        return any(future.done() for future in self._running)

    def close(self) -> None:
        """Begin no more, without waiting for what is being read: a signal ends a run meanwhile."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _start(self) -> None:
        """Begin to read as many as may be read at once."""
        passed = 0
        while self._hosts and passed < len(self._hosts) and len(self._running) < self._concurrency:
            host = self._hosts.popleft()
            if self._busy[host] >= self._per_host:
                self._hosts.append(host)
                passed += 1
                continue
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._concurrency, thread_name_prefix="poll")
            spec, state = self._waiting[host].popleft()
            self._running[self._pool.submit(read, spec, state, self._clock)] = host
            self._busy[host] += 1
            if self._waiting[host]:
                self._hosts.append(host)
            else:
                del self._waiting[host]
            passed = 0

    def _done(self, reading: Reading) -> Reading:
        self.names.discard(reading.spec.name)
        return reading


def read(spec: SourceSpec, state: SourceState, clock: Callable[[], datetime]) -> Reading:
    """Read one source. Whatever goes wrong with it is its error: it must not stop the others."""
    at = clock()
    begun = time.monotonic()
    memory = state.memory
    if state.settings_digest != spec.digest:
        memory = Memory()
    elif state.wake_at is not None and state.wake_at <= at:  # what was scheduled is due, though nothing changed
        memory = replace(memory, digest="", validators=Validators())
    document: Document | None = None
    error: SourceError | None = None
    try:
        document = spec.source.poll(memory, at)
        faults.reach("parsed")
    except SourceError as failure:
        error = failure
    except Exception as fault:
        error = unexpected(spec, fault)
    return Reading(spec, state, at, time.monotonic() - begun, document, error)


def unexpected(spec: SourceSpec, fault: Exception) -> SourceError:
    """The error of a source that did what nobody foresaw."""
    log.debug("source %s failed", spec.name, exc_info=fault)
    return SourceError(f"unexpected {type(fault).__name__}: {fault}", "please report this")
