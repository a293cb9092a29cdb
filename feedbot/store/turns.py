"""Turns: what one process at a time does, where several work on the same state."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from feedbot.store.schema import turns
from feedbot.store.transactions import Transactions, persistent, upsert

_LENGTH = timedelta(minutes=2)


class Turns:
    """Who delivers to a sink, or publishes. A turn is its holder's for two minutes, and longer where it is extended."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def take(self, name: str, lease: str, now: datetime) -> bool:
        """Take a turn, or extend it; False where it is another's. Where nobody else works, it is the caller's."""
        if self._transactions.alone:
            return True
        row = upsert(turns).values(name=name, lease_id=lease, lease_until=now + _LENGTH)
        free = (turns.c.lease_until < now) | (turns.c.lease_id == row.excluded.lease_id)
        ours = {"lease_id": row.excluded.lease_id, "lease_until": row.excluded.lease_until}
        taking = row.on_conflict_do_update(index_elements=["name"], set_=ours, where=free).returning(turns.c.name)
        with self._transactions.write() as connection:
            return connection.execute(taking).first() is not None

    @persistent
    def held(self, now: datetime) -> frozenset[str]:
        """The turns that somebody has."""
        with self._transactions.read() as connection:
            return frozenset(connection.execute(sa.select(turns.c.name).where(turns.c.lease_until >= now)).scalars())

    @persistent
    def give(self, name: str, lease: str) -> None:
        """Let go of a turn."""
        if not self._transactions.alone:
            with self._transactions.write() as connection:
                connection.execute(sa.delete(turns).where(turns.c.name == name, turns.c.lease_id == lease))
