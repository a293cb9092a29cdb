"""What the log tells of a run: a line in all, and what is other than before."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from feedbot.engine.journal import polls_in_words, tell
from feedbot.engine.report import RunReport, SourceReport, SourceStatus
from feedbot.message.terminal import counted


def log_polls(reports: Mapping[str, SourceReport]) -> None:
    """Tell of sources that fail now or do no longer; of the others only who asks for everything is told."""
    for report in reports.values():
        name = f"source {report.name}"
        if report.status is SourceStatus.FAILED:
            hint = f" ({report.hint})" if report.hint else ""
            tell(logging.DEBUG if report.failures else logging.INFO, name, f"{report.error}{hint}")
        elif report.failures and report.status is not SourceStatus.SKIPPED:
            tell(logging.INFO, name, "it is well again")
        entries = counted(report.entries, "entry", "entries")
        brought = f"{len(report.new)} new, {len(report.updated)} updated, {len(report.withdrawn)} withdrawn"
        tell(logging.DEBUG, name, f"{report.status.value} in {report.seconds:.3f} s, {entries}, {brought}")


def log_run(run: str, report: RunReport) -> None:
    """Tell of a run in one line, and in detail to who asks for everything."""
    for feed in report.feeds.values():
        entries = counted(feed.entries, "entry", "entries")
        tell(logging.DEBUG, f"feed {feed.name}", f"{entries}, wrote {', '.join(feed.written) or 'nothing'}")
    for sink in report.sinks.values():
        said = f"{sink.sent} sent, {sink.failed} failed, {sink.pending} waiting"
        tell(logging.DEBUG, f"sink {sink.name}", said)
    done = [source for source in report.sources.values() if source.status is not SourceStatus.SKIPPED]
    sent, queued = (sum(getattr(sink, count) for sink in report.sinks.values()) for count in ("sent", "pending"))
    parts = [*polls_in_words(done), f"{sent} sent", f"{queued} queued", f"{report.seconds:.1f} s"]
    logging.getLogger(__name__).info("run %s: %s", run, " · ".join(parts))
