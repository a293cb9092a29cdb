"""Tells the log what happened: transitions, not repetitions."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock

from feedbot.engine.report import FeedReport, SinkReport, SourceReport, SourceStatus
from feedbot.engine.tally import Tally
from feedbot.message.terminal import counted, inert

_AGAIN = timedelta(days=1)
_PART = re.compile(r"(source|sink|feed) ([a-z0-9-]+)")

log = logging.getLogger(__name__)


class Journal:
    """Remembers what is wrong, so that it is told once when it begins, once a day, and once when it ends.

    ``tally`` counts what it is told.
    """

    def __init__(self, clock: Callable[[], datetime], tally: Tally | None = None) -> None:
        self._clock = clock
        self._tally = tally or Tally()
        self._lock = Lock()
        self._wrong: dict[str, tuple[str, datetime]] = {}

    def polled(self, reports: Mapping[str, SourceReport], seconds: float) -> None:
        """Tell of a round of polls: a line where it brought something, and one for each source that changed state."""
        self._tally.polled(reports.values())
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
                tell(logging.WARNING, name, report.alert)
        if done:
            brought = any(report.new or report.updated or report.withdrawn for report in done)
            line = " · ".join([*polls_in_words(done), f"{seconds:.1f} s"])
            log.log(logging.INFO if brought else logging.DEBUG, "polled %s", line)

    def published(self, reports: Mapping[str, FeedReport]) -> None:
        """Tell which files were written, and which could not be."""
        self._tally.published(reports.values())
        for report in reports.values():
            name = f"feed {report.name}"
            if report.written:
                tell(logging.INFO, name, f"wrote {', '.join(report.written)}")
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
        self._tally.delivered(reports.values())
        for report in reports.values():
            name = f"sink {report.name}"
            if report.sent:
                tell(logging.INFO, name, f"{report.sent} sent")
            if report.errors:
                self.wrong(name, "; ".join(report.errors))
            elif report.sent:
                self.well(name)
            if report.alert:
                tell(logging.WARNING, name, report.alert)

    def wrong(self, name: str, text: str, *, level: int = logging.WARNING) -> None:
        """Tell what is wrong with a part, unless that was told within a day."""
        now = self._clock()
        with self._lock:
            former, told = self._wrong.get(name, ("", now))
            if former == text and now - told < _AGAIN:
                return
            self._wrong[name] = text, now
        tell(level, name, text)

    def well(self, name: str) -> None:
        """Tell that a part is well again, if it was not."""
        with self._lock:
            if self._wrong.pop(name, None) is None:
                return
        tell(logging.INFO, name, "it is well again")


def polls_in_words(done: Sequence[SourceReport]) -> list[str]:
    """How a round of polls went, in parts of a line: sources with how they answered, then what they brought."""
    answers = (
        (SourceStatus.NOT_MODIFIED, "not modified"),
        (SourceStatus.FAILED, "failed"),
        (SourceStatus.HELD, "held"),
    )
    counts = ((sum(report.status is status for report in done), word) for status, word in answers)
    how = ", ".join(f"{number} {word}" for number, word in counts if number)
    brought = (
        (sum(len(report.new) for report in done), "new"),
        (sum(len(report.updated) for report in done), "updated"),
        (sum(len(report.withdrawn) for report in done), "withdrawn"),
    )
    polled = counted(len(done), "source", "sources") + (f" ({how})" if how else "")
    return [polled, *(f"{number} {word}" for number, word in brought if number)]


def tell(level: int, name: str, text: str) -> None:
    """Write a line about a part, such as "source blog", which formats that have fields name in one of them."""
    if not log.isEnabledFor(level):
        return
    part = _PART.match(name)
    log.log(level, "%s: %s", inert(name), inert(text), extra={part[1]: part[2]} if part else None)
