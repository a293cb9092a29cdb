"""Counts what a process has done since it began, for whoever watches it."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from threading import Lock

from msgspec import Struct, field

from feedbot.engine.report import FeedReport, SinkReport, SourceReport, SourceStatus

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Seconds up to which polls are counted together, beside those that took longer."""


class Counts(Struct, frozen=True):
    """What was done: polls by outcome and by duration, changes by kind, deliveries by sink and outcome, files, bytes.

    ``durations`` has a number for each of BOUNDS and one for what took longer.
    """

    polls: Mapping[str, int] = field(default_factory=dict)
    durations: tuple[int, ...] = (0,) * (len(BOUNDS) + 1)
    seconds: float = 0.0
    changes: Mapping[str, int] = field(default_factory=dict)
    deliveries: Mapping[tuple[str, str], int] = field(default_factory=dict)
    files: int = 0
    received: int = 0


class Tally:
    """Counts up from nothing; may be told by any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._polls: Counter[str] = Counter()
        self._durations = [0] * (len(BOUNDS) + 1)
        self._seconds = 0.0
        self._changes: Counter[str] = Counter()
        self._deliveries: Counter[tuple[str, str]] = Counter()
        self._files = 0
        self._received = 0

    def polled(self, reports: Iterable[SourceReport]) -> None:
        with self._lock:
            for report in reports:
                if report.status is SourceStatus.SKIPPED:
                    continue
                self._polls[report.status.value] += 1
                self._durations[bisect_left(BOUNDS, report.seconds)] += 1
                self._seconds += report.seconds
                self._changes["new"] += len(report.new)
                self._changes["updated"] += len(report.updated)
                self._changes["withdrawn"] += len(report.withdrawn)

    def published(self, reports: Iterable[FeedReport]) -> None:
        with self._lock:
            self._files += sum(len(report.written) for report in reports)

    def delivered(self, reports: Iterable[SinkReport]) -> None:
        with self._lock:
            for report in reports:
                self._deliveries[report.name, "sent"] += report.sent
                self._deliveries[report.name, "failed"] += report.failed

    def took(self, count: int) -> None:
        """Bytes came in over HTTP."""
        with self._lock:
            self._received += count

    def counts(self) -> Counts:
        """What was counted so far."""
        with self._lock:
            return Counts(
                polls=dict(self._polls),
                durations=tuple(self._durations),
                seconds=self._seconds,
                changes=dict(self._changes),
                deliveries=dict(self._deliveries),
                files=self._files,
                received=self._received,
            )
