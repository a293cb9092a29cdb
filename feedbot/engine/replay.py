"""Walks through the history of a source, poll by poll, to tell what would have been announced."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from msgspec import Struct

from feedbot.engine.report import SourceReport, SourceStatus
from feedbot.model import Delivery


class Moment(Protocol):
    """A commit, or another state in which a source once was; ``date`` is when."""

    @property
    def id(self) -> str: ...

    @property
    def date(self) -> datetime: ...

    @property
    def subject(self) -> str: ...


AnyMoment = TypeVar("AnyMoment", bound=Moment, contravariant=True)


class Stage(Protocol[AnyMoment]):
    """A source that can be put into its former states, with a state of its own and nobody who is told."""

    def switch(self, moment: AnyMoment) -> bool:
        """Put the source into a state; tells whether that is another one."""
        ...

    def poll(self, now: datetime) -> SourceReport: ...

    def wake_at(self) -> datetime | None:
        """When something dated ahead is due."""
        ...

    def send(self, now: datetime) -> Sequence[Delivery]:
        """Take for sent what is due; gives it as it would have gone out."""
        ...

    def due_at(self) -> datetime | None:
        """When the next delivery is due."""
        ...


class Step(Struct, frozen=True):
    """What one moment brought. No ``report``: nothing was polled, but what had settled was sent.

    ``waking``: nothing was committed, but the date of a post had come.
    """

    moment: Moment
    at: datetime
    report: SourceReport | None
    sent: Sequence[Delivery] = ()
    waking: bool = False

    @property
    def held(self) -> bool:
        """Whether its announcements would have waited for a person."""
        return self.report is not None and self.report.status is SourceStatus.HELD

    @property
    def telling(self) -> bool:
        """Whether there is anything to tell of it."""
        report = self.report
        brought = report and (report.new or report.edited or report.withdrawn or report.error or report.announced)
        return bool(brought or self.sent)


def replay(moments: Sequence[AnyMoment], stage: Stage[AnyMoment]) -> Iterator[Step]:
    """Poll a source in each of its former states, oldest first; the first one is what was known before.

    In between, and after the last one, goes out what had to settle. Time never runs backwards: a commit with an
    earlier date than the one before counts as made a second after that.
    """
    now: datetime | None = None
    before: AnyMoment | None = None
    for moment in moments:
        if now is not None and before is not None:
            for step in _meanwhile(before, stage, now, moment.date):
                now = step.at
                yield step
        now = moment.date if now is None else max(moment.date, now + timedelta(seconds=1))
        if stage.switch(moment) or before is None:
            report = stage.poll(now)
            yield Step(moment, now, report, stage.send(now))
        before = moment
    while before is not None and now is not None and (due := stage.due_at()) is not None and due > now:
        now = due
        yield Step(before, now, None, stage.send(now))


def _meanwhile(moment: AnyMoment, stage: Stage[AnyMoment], now: datetime, until: datetime) -> Iterator[Step]:
    """What time alone brings until the next commit."""
    while True:
        wake, due = stage.wake_at(), stage.due_at()
        coming = [at for at in (wake, due) if at is not None and now < at < until]
        if not coming:
            return
        now = min(coming)
        report = stage.poll(now) if now == wake else None
        yield Step(moment, now, report, stage.send(now), waking=report is not None)
