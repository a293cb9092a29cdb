"""What hubs are to be told: the addresses of feeds that changed, from the moment that is committed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from feedbot.model import DeliveryState
from feedbot.store.schema import pings
from feedbot.store.transactions import Transactions, persistent, upsert


class Ping(NamedTuple):
    """A hub, and the address of a feed that it is to be told of. ``attempts`` counts the tries so far."""

    topic: str
    hub: str
    feed: str
    attempts: int


class Pings:
    """Hubs to be told. A feed that changes again before its hub was told is told of once."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def due(self, now: datetime) -> list[Ping]:
        """Those to be tried now, longest due first."""
        query = (
            sa.select(pings.c.topic, pings.c.hub, pings.c.feed, pings.c.attempts)
            .where(pings.c.state == DeliveryState.PENDING.value, pings.c.not_before <= now)
            .order_by(pings.c.not_before, pings.c.topic)
        )
        with self._transactions.read() as connection:
            return [Ping(**row._mapping) for row in connection.execute(query)]

    @persistent
    def mark(self, ping: Ping, state: DeliveryState, not_before: datetime, error: str = "") -> None:
        """Write down what became of a try; nothing where the feed has changed anew meanwhile."""
        with self._transactions.write() as connection:
            connection.execute(
                sa.update(pings)
                .where(pings.c.topic == ping.topic, pings.c.attempts == ping.attempts, pings.c.hub == ping.hub)
                .values(state=state.value, attempts=ping.attempts + 1, not_before=not_before, error=error)
            )


def plan(connection: sa.Connection, topics: Mapping[str, tuple[str, str]], now: datetime) -> None:
    """Have hubs told of feeds: by the feed's address, the hub and the feed's name."""
    statement = upsert(pings)
    fresh = {name: statement.excluded[name] for name in ("hub", "feed", "state", "attempts", "not_before", "error")}
    rows = [
        {
            "topic": topic, "hub": hub, "feed": feed, "state": DeliveryState.PENDING.value, "attempts": 0,
            "not_before": now, "error": "",
        }
        for topic, (hub, feed) in topics.items()
    ]  # fmt: skip
    if rows:
        connection.execute(statement.on_conflict_do_update(index_elements=[pings.c.topic], set_=fresh), rows)
