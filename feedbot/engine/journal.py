"""Tells the log what happened: transitions, not repetitions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Lock

from feedbot.engine.report import FeedReport, SinkReport, SourceReport, SourceStatus
from feedbot.message.terminal import counted, inert

_AGAIN = timedelta(days=1)

log = logging.getLogger(__name__)


class Journal:
    """Remembers what is wrong, so that it is told once when it begins, once a day, and once when it ends."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = Lock()
        self._wrong: dict[str, tuple[str, datetime]] = {}

    def polled(self, reports: Mapping[str, SourceReport], seconds: float) -> None:
        """Tell of a round of polls: a line where it brought something, and one for each source that changed state."""
        done = [report for report in reports.values() if report.status is not SourceStatus.SKIPPED]
        for report in done:
            name = f"source {report.name}"
            if report.status is SourceStatus.FAILED:
                hint = f" ({report.hint})" if report.hint else ""
                self.wrong(name, f"{report.error}{hint}")
            else:
                self.well(name)
            for problem in report.problems:
                self.wrong(f"{name}: {problem.where}", str(problem), level=logging.INFO)
            if report.alert:
                log.warning("%s: %s", name, inert(report.alert))
        counts = [
            (sum(len(report.new) for report in done), "new"),
            (sum(len(report.updated) for report in done), "updated"),
            (sum(len(report.withdrawn) for report in done), "withdrawn"),
        ]
        brought = [f"{number} {word}" for number, word in counts if number]
        unchanged = sum(report.status is SourceStatus.NOT_MODIFIED for report in done)
        failed = sum(report.status is SourceStatus.FAILED for report in done)
        held = sum(report.status is SourceStatus.HELD for report in done)
        how = [f"{n} {word}" for n, word in ((unchanged, "not modified"), (failed, "failed"), (held, "held")) if n]
        line = counted(len(done), "source", "sources") + (f" ({', '.join(how)})" if how else "")
        if done:
            log.log(
                logging.INFO if brought else logging.DEBUG,
                "polled %s",
                " · ".join([line, *brought, f"{seconds:.1f} s"]),
            )

    def published(self, reports: Mapping[str, FeedReport]) -> None:
        """Tell which files were written, and which could not be."""
        for report in reports.values():
            name = f"feed {report.name}"
            if report.written:
                log.info("%s: wrote %s", name, ", ".join(report.written))
            if report.error:
                self.wrong(name, f"{report.error} ({report.hint})" if report.hint else report.error)
            else:
                self.well(name)
            for problem in report.problems:
                self.wrong(f"{name}: {problem}", problem)

    def told(self, failed: Mapping[str, str]) -> None:
        """Tell which feeds' hubs were told in vain."""
        for name, error in failed.items():
            self.wrong(f"hub of feed {name}", error)

    def delivered(self, reports: Mapping[str, SinkReport]) -> None:
        """Tell how many deliveries a sink took, and what it said to the others."""
        for report in reports.values():
            name = f"sink {report.name}"
            if report.sent:
                log.info("%s: %d sent", name, report.sent)
            if report.errors:
                self.wrong(name, "; ".join(report.errors))
            elif report.sent:
                self.well(name)
            if report.alert:
                log.warning("%s: %s", name, inert(report.alert))

    def wrong(self, name: str, text: str, *, level: int = logging.WARNING) -> None:
        """Tell what is wrong with a part, unless that was told within a day."""
        now = self._clock()
        with self._lock:
            former, told = self._wrong.get(name, ("", now))
            if former == text and now - told < _AGAIN:
                return
            self._wrong[name] = text, now
        log.log(level, "%s: %s", inert(name), inert(text))

    def well(self, name: str) -> None:
        """Tell that a part is well again, if it was not."""
        with self._lock:
            if self._wrong.pop(name, None) is None:
                return
        log.info("%s: it is well again", inert(name))
