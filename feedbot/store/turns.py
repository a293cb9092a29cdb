"""Turns: what one process at a time does, where several work on the same state."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from feedbot.errors import LeaseLostError
from feedbot.store.schema import turns
from feedbot.store.transactions import Transactions, persistent, upsert

LENGTH = timedelta(seconds=30)
"""How long a turn is its holder's who is not heard of any more; whoever is at work holds on to his (see Fleet)."""

SURE = timedelta(seconds=5)
"""How long what was taken is surely still its holder's, however often others look."""


class Held(NamedTuple):
    """Turns that were taken under a lease."""

    names: frozenset[str]
    lease: str


class Turns:
    """Who delivers to a sink, publishes a feed, asks hubs. Where nobody else works, each turn is the caller's."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def take(self, name: str, lease: str, now: datetime) -> bool:
        """Take a turn, or extend it; False where it is another's."""
        return name in self.take_free([name], lease, now)

    @persistent
    def take_free(self, names: Collection[str], lease: str, now: datetime) -> frozenset[str]:
        """Take those of some turns that are nobody else's, or extend them; gives them."""
        if self._transactions.alone or not names:
            return frozenset(names)
        end = now + LENGTH
        row = upsert(turns).values([{"name": name, "lease_id": lease, "lease_until": end} for name in sorted(names)])
        free = (turns.c.lease_until < now) | (turns.c.lease_id == row.excluded.lease_id)
        ours = {"lease_id": row.excluded.lease_id, "lease_until": row.excluded.lease_until}
        taking = row.on_conflict_do_update(index_elements=["name"], set_=ours, where=free).returning(turns.c.name)
        with self._transactions.write() as connection:
            return frozenset(connection.execute(taking).scalars())

    @contextmanager
    def taking(self, name: str, lease: str, now: datetime) -> Iterator[bool]:
        """Have a turn for as long as the block lasts; False where it is another's."""
        taken = self.take(name, lease, now)
        try:
            yield taken
        finally:
            if taken:
                self.give([name], lease)

    @persistent
    def hold(self, held: Held, now: datetime) -> None:
        """Extend turns. Raises LeaseLostError where one was lost, if only for a moment."""
        own = sa.update(turns).where(turns.c.name.in_(held.names), turns.c.lease_id == held.lease)
        with self._transactions.write() as connection:
            assure(connection, held)
            connection.execute(own.values(lease_until=now + LENGTH))

    @persistent
    def held(self, now: datetime) -> frozenset[str]:
        """The turns that somebody has."""
        with self._transactions.read() as connection:
            return frozenset(connection.execute(sa.select(turns.c.name).where(turns.c.lease_until >= now)).scalars())

    @persistent
    def give(self, names: Collection[str], lease: str) -> None:
        """Let go of turns."""
        if not self._transactions.alone and names:
            with self._transactions.write() as connection:
                connection.execute(sa.delete(turns).where(turns.c.name.in_(names), turns.c.lease_id == lease))


def assure(connection: sa.Connection, held: Held) -> None:
    """Have turns that are held stay so until the transaction ends. Raises LeaseLostError where one is another's."""
    own = sa.select(turns.c.name).where(turns.c.name.in_(held.names), turns.c.lease_id == held.lease)
    if len(connection.execute(own.order_by(turns.c.name).with_for_update()).all()) != len(held.names):
        raise LeaseLostError("another process does the same by now", "nothing of this round was noted")
