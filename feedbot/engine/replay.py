"""Walks through the history of a source, poll by poll, to tell what would have been announced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from feedbot.engine.report import SourceReport, SourceStatus


class Moment(Protocol):
    """A commit, or another state in which a source once was; ``date`` is when."""

    @property
    def id(self) -> str: ...

    @property
    def date(self) -> datetime: ...

    @property
    def subject(self) -> str: ...


@dataclass(frozen=True)
class Step:
    """What one poll brought. ``waking``: nothing was committed, but the date of a post had come."""

    moment: Moment
    at: datetime
    report: SourceReport
    waking: bool = False

    @property
    def held(self) -> bool:
        """Whether its announcements would have waited for a person."""
        return self.report.status is SourceStatus.HELD

    @property
    def telling(self) -> bool:
        """Whether there is anything to tell of it."""
        report = self.report
        return bool(report.new or report.edited or report.withdrawn or report.error or report.announced)


def replay(
    moments: Sequence[Moment],
    *,
    switch: Callable[[Moment], bool],
    poll: Callable[[datetime], SourceReport],
    wake_at: Callable[[], datetime | None],
) -> Iterator[Step]:
    """Poll a source in each of its former states, oldest first; the first one is what was known before.

    ``switch`` puts the source into a state, and tells whether that is another one; ``poll`` polls it as of a time;
    ``wake_at`` tells when something dated ahead is due. Time never runs backwards: a commit with an earlier date than
    the one before counts as made a second after that.
    """
    now: datetime | None = None
    before: Moment | None = None
    for moment in moments:
        waking = wake_at() if before is not None else None
        while now is not None and before is not None and waking is not None and now < waking < moment.date:
            now = waking
            yield Step(before, now, poll(now), waking=True)
            waking = wake_at()
        now = moment.date if now is None else max(moment.date, now + timedelta(seconds=1))
        if switch(moment) or before is None:
            yield Step(moment, now, poll(now))
        before = moment
