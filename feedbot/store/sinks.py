"""How sinks are doing: which want no more deliveries, and which have failed for how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from feedbot.core.text import storable
from feedbot.store.alerts import Alert, write_alerts
from feedbot.store.schema import sinks
from feedbot.store.transactions import Transactions, persistent, upsert


class SinkState(NamedTuple):
    """What is not well with a sink. ``disabled_at``: it said then that it wants no more; ``told``: a person knows."""

    name: str
    disabled_at: datetime | None = None
    failing_since: datetime | None = None
    told: bool = False
    error: str = ""


class Sinks:
    """Sinks that are not well; the others are not written down."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def states(self) -> dict[str, SinkState]:
        """Those that are not well, by name."""
        with self._transactions.read() as connection:
            return {
                row.name: SinkState(
                    name=row.name,
                    disabled_at=row.disabled_at,
                    failing_since=row.failing_since,
                    told=row.failing_told,
                    error=row.error,
                )
                for row in connection.execute(sa.select(sinks).order_by(sinks.c.name))
            }

    @persistent
    def keep(self, state: SinkState, alerts: Sequence[Alert] = (), now: datetime | None = None) -> None:
        """Remember what is not well with a sink, and tell of it as of ``now``."""
        values = {
            "disabled_at": state.disabled_at,
            "failing_since": state.failing_since,
            "failing_told": state.told,
            "error": storable(state.error),
        }
        statement = upsert(sinks).values(name=state.name, **values)
        with self._transactions.write() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
            if now is not None:
                write_alerts(connection, alerts, now)

    @persistent
    def well(self, name: str, alerts: Sequence[Alert] = (), now: datetime | None = None) -> None:
        """A sink took a delivery, of which ``alerts`` tell."""
        with self._transactions.write() as connection:
            connection.execute(sa.delete(sinks).where(sinks.c.name == name))
            if now is not None:
                write_alerts(connection, alerts, now)

    @persistent
    def enable(self, name: str) -> None:
        """A person says that a sink which wanted no more may be tried again; it is well once it takes a delivery."""
        disabled = sa.update(sinks).where(sinks.c.name == name, sinks.c.disabled_at.is_not(None))
        again = {"disabled_at": None, "failing_since": sinks.c.disabled_at, "failing_told": sa.true()}
        with self._transactions.write() as connection:
            connection.execute(disabled.values(again))
