"""Polls a source and sends what it announces as a run would, on a state in memory and to nobody."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Generic, TypeVar

from msgspec.structs import replace

from feedbot.app import App, RunOptions
from feedbot.engine.dispatch import dispatch
from feedbot.engine.poll import poll
from feedbot.engine.replay import Moment
from feedbot.engine.report import SourceReport
from feedbot.model import Delivery
from feedbot.plugins import SinkSettings
from feedbot.settings import Configuration
from feedbot.store.store import Store

AnyMoment = TypeVar("AnyMoment", bound=Moment)


class Rehearsal(Generic[AnyMoment]):
    """One source of a configuration, put by ``switch`` into its former states (see engine.replay.Stage).

    ``store`` is a state that nothing else works on.
    """

    def __init__(
        self, configuration: Configuration, source: str, store: Store, switch: Callable[[AnyMoment], bool]
    ) -> None:
        self.switch = switch
        self._source = source
        self._now = datetime.min.replace(tzinfo=UTC)
        self._app = App(configuration, out=sys.stderr, clock=lambda: self._now)
        self._store = store
        cycle = self._app.cycle(store, RunOptions(), [source])
        self._sources = cycle.sources
        self._polling = replace(cycle.polling, publish_assets=lambda _assets: None)
        self._dispatching = cycle.dispatching

    def poll(self, now: datetime) -> SourceReport:
        self._now = now
        return poll(self._sources, self._polling, force=True)[self._source]

    def wake_at(self) -> datetime | None:
        state = self._store.sources.states().get(self._source)
        return state.wake_at if state else None

    def send(self, now: datetime) -> Sequence[Delivery]:
        self._now = now
        sent: list[Delivery] = []
        due = self._store.outbox.due_sinks(now)
        if due and self._dispatching is not None:
            dispatch([(name, lambda: _Noting(sent)) for name in due], self._dispatching)
        return sent

    def due_at(self) -> datetime | None:
        return min((backlog.due for backlog in self._store.deliveries.backlog().values()), default=None)

    def title(self, entry_id: str) -> str:
        """What an entry is called by now."""
        return next((entry.title for entry in self._store.entries.find(entry_id) if entry.id == entry_id), "")

    def close(self) -> None:
        """Let go of connections."""
        self._app.close()


class _Noting:
    """A sink that notes what it is given."""

    Settings: ClassVar[type[SinkSettings]] = SinkSettings
    prints: ClassVar[bool] = False

    def __init__(self, given: list[Delivery]) -> None:
        self._given = given

    def send(self, delivery: Delivery, now: datetime) -> None:  # noqa: ARG002
        self._given.append(delivery)

    def close(self) -> None:
        """It holds nothing."""
