"""How a sink is doing from run to run; a person is told once that nothing reaches it, and once that it is well."""

from __future__ import annotations

from datetime import datetime

from feedbot.core.outbox import worth_telling
from feedbot.engine.alerts import Alerting
from feedbot.engine.report import SinkReport
from feedbot.store.sinks import Sinks, SinkState


class Health:
    """How the sink of a report is doing: ``state`` is what former runs left, ``failing`` that it failed in this one."""

    def __init__(self, report: SinkReport, sinks: Sinks, alerting: Alerting) -> None:
        self.state = SinkState(name=report.name)
        self.failing = False
        self._report = report
        self._sinks = sinks
        self._alerting = alerting

    @property
    def disabled(self) -> bool:
        """Whether it wants no more deliveries."""
        return self.state.disabled_at is not None

    def disable(self, error: str, now: datetime) -> bool:
        """Note that it wants no more of anything, ever; False where that is known."""
        if self.disabled:
            return False
        self.state = self.state._replace(disabled_at=now, error=error)
        self._sinks.keep(self.state, self._alerting.sink_disabled(self._report.name, error, now), now)
        return True

    def remember(self, now: datetime) -> None:
        """Write down since when it has failed, and tell a person once; likewise when it is well again."""
        if self.disabled:
            return
        if self._report.sent:
            self._well(now)
        elif self.failing:
            self._unwell(now)

    def _well(self, now: datetime) -> None:
        state, report = self.state, self._report
        if state.told:
            report.alert = f"it is well again, after failing since {_day(state.failing_since)}"
        if state.failing_since is not None:
            told = self._alerting.sink_recovered(report.name, state.failing_since, now) if state.told else ()
            self._sinks.well(report.name, told, now)

    def _unwell(self, now: datetime) -> None:
        state, report = self.state, self._report
        since = state.failing_since or now
        telling = worth_telling(since, state.told, now)
        error = report.errors[-1] if report.errors else ""
        if telling:
            report.alert = f"nothing could be delivered since {_day(since)}: {error}"
        if telling or state.failing_since is None:
            alerts = self._alerting.sink_failing(report.name, error, since, now) if telling else ()
            told = state.told or telling
            self._sinks.keep(state._replace(failing_since=since, told=told, error=error), alerts, now)


def _day(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "long ago"
