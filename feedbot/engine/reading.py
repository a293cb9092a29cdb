"""Reads sources side by side, in threads, no more of one host at once than it is asked to bear."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from queue import Empty, SimpleQueue

from msgspec import Struct
from msgspec.structs import replace

from feedbot import faults
from feedbot.errors import SourceError
from feedbot.model import Document, Memory, SourceState, Validators
from feedbot.plugins import Source, SourceSettings

log = logging.getLogger(__name__)


class SourceSpec(Struct, frozen=True, kw_only=True):
    """A source of the configuration. ``digest`` is of the settings that shape its entries."""

    name: str
    settings: SourceSettings
    source: Source
    digest: str
    watched: tuple[Path, ...] = ()
    """Folders and files whose change has it polled at once, by whoever keeps running."""


class Reading(Struct, frozen=True):
    """What reading a source gave: a document, or the error that stood in the way; ``state`` is from before."""

    spec: SourceSpec
    state: SourceState
    at: datetime
    seconds: float
    document: Document | None = None
    error: SourceError | None = None


class _Line:
    """Sources that wait to be read, each host in its turn."""

    def __init__(self) -> None:
        self._waiting: defaultdict[str, deque[tuple[SourceSpec, SourceState]]] = defaultdict(deque)
        self._hosts: deque[str] = deque()

    def add(self, host: str, spec: SourceSpec, state: SourceState) -> None:
        if not self._waiting[host]:
            self._hosts.append(host)
        self._waiting[host].append((spec, state))

    def next(self, free: Callable[[str], bool]) -> tuple[str, SourceSpec, SourceState] | None:
        """Take out the first whose host is free; None where there is none."""
        for _ in range(len(self._hosts)):
            host = self._hosts.popleft()
            if not free(host):
                self._hosts.append(host)
                continue
            spec, state = self._waiting[host].popleft()
            if self._waiting[host]:
                self._hosts.append(host)
            else:
                del self._waiting[host]
            return host, spec, state
        return None

    def clear(self) -> set[str]:
        """Send all away; gives their names."""
        names = {spec.name for waiting in self._waiting.values() for spec, _ in waiting}
        self._waiting.clear()
        self._hosts.clear()
        return names


class Readers:
    """Threads that read what they are given; a source that is waiting or being read is not taken twice.

    Sources that failed the last time come after the others, as many of them may hang until their time is up.
    ``failing_share`` is the part of the threads that they may take, so that what is due meanwhile finds one free.
    """

    def __init__(
        self, clock: Callable[[], datetime], concurrency: int, per_host: int, failing_share: float = 1.0
    ) -> None:
        self._clock = clock
        self._concurrency = concurrency
        self._per_host = per_host
        self._most_failing = max(1, int(concurrency * failing_share))
        self._well, self._failing = _Line(), _Line()
        self._busy: defaultdict[str, int] = defaultdict(int)
        self._running: dict[str, tuple[_Line, str]] = {}  # by source: the line it stood in, and its host
        self._running_failing = 0
        self._threads = 0
        self._begun: SimpleQueue[tuple[SourceSpec, SourceState] | None] = SimpleQueue()  # None: a thread is to end
        self._read: SimpleQueue[Reading | BaseException] = SimpleQueue()
        self.names: set[str] = set()

    def add(self, specs: Sequence[SourceSpec], states: Mapping[str, SourceState]) -> None:
        """Take sources to be read, with what is known of each."""
        for spec in specs:
            state = states[spec.name]
            line = self._failing if state.failures else self._well
            line.add(spec.source.host or f"local:{spec.name}", spec, state)
            self.names.add(spec.name)

    def finished(self, seconds: float | None = None) -> Iterator[Reading]:
        """What was read, as it comes in, until nothing is left or so much time has passed.

        Where nothing waits to be read, all that is there already is given, however late it is.
        """
        if seconds is None and len(self.names) == 1 and not self._running and (taken := self._next()):
            _, _, spec, state = taken  # no thread for one alone
            yield self._done(read(spec, state, self._clock))
            return
        end = None if seconds is None else time.monotonic() + seconds
        self._start()
        while self._running:
            try:
                reading = self._read.get(timeout=None if end is None else max(0.0, end - time.monotonic()))
            except Empty:
                return
            if not isinstance(reading, Reading):
                raise reading
            line, host = self._running.pop(reading.spec.name)
            self._release(host)
            self._running_failing -= line is self._failing
            self._start()
            yield self._done(reading)
            if end is not None and time.monotonic() >= end and not (self.ready and self._all_begun):
                return

    def drop(self) -> None:
        """Take up nothing more of what waits."""
        self.names -= self._well.clear() | self._failing.clear()

    @property
    def ready(self) -> bool:
        """Whether something was read that nobody has asked for yet."""
        return not self._read.empty()

    @property
    def _all_begun(self) -> bool:
        return len(self.names) == len(self._running)

    def close(self) -> None:
        """Begin no more, without waiting for what is being read: a signal ends a run meanwhile."""
        for _ in range(self._threads):
            self._begun.put(None)
        self._threads = 0

    def _start(self) -> None:
        """Begin to read as many as may be read at once."""
        while len(self._running) < self._concurrency and (taken := self._next()):
            line, host, spec, state = taken
            self._running[spec.name] = line, host
            self._busy[host] += 1
            self._running_failing += line is self._failing
            self._begun.put((spec, state))
            if len(self._running) > self._threads:
                self._threads += 1
                threading.Thread(target=self._work, name=f"poll {self._threads}", daemon=True).start()

    def _work(self) -> None:
        """Read in a thread what is begun; whoever waits for the readings is told of whatever ends one."""
        while (begun := self._begun.get()) is not None:
            try:
                self._read.put(read(*begun, self._clock))
            except BaseException as end:
                self._read.put(end)

    def _next(self) -> tuple[_Line, str, SourceSpec, SourceState] | None:
        """Take out what is to be read next, and the line that it stood in; None where nothing may be read now."""
        lines = [self._well]
        if self._running_failing < self._most_failing:
            lines.append(self._failing)
        for line in lines:
            if taken := line.next(lambda host: self._busy.get(host, 0) < self._per_host):
                return line, *taken
        return None

    def _release(self, host: str) -> None:
        self._busy[host] -= 1
        if not self._busy[host]:
            del self._busy[host]

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
        error = by_itself(failure)
    except Exception as fault:
        error = unexpected(spec, fault)
    return Reading(spec, state, at, time.monotonic() - begun, document, error)


def by_itself(error: SourceError) -> SourceError:
    """The error without the frames that it came through: one that holds it in turn would keep all of them."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def unexpected(spec: SourceSpec, fault: Exception) -> SourceError:
    """The error of a source that did what nobody foresaw."""
    log.debug("source %s failed", spec.name, exc_info=fault)
    return SourceError(f"unexpected {type(fault).__name__}: {fault}", "please report this")
