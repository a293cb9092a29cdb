"""The state of one installation."""

from __future__ import annotations

from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from feedbot.location import Location
from feedbot.store import sqlite
from feedbot.store.database import explained, open_state, open_to_read, there
from feedbot.store.deliveries import Deliveries
from feedbot.store.entries import Entries
from feedbot.store.fleet import Fleet
from feedbot.store.knowledge import Knowledge
from feedbot.store.outbox import Outbox
from feedbot.store.pings import Pings
from feedbot.store.prune import Pruning
from feedbot.store.retention import Retention
from feedbot.store.schema import meta
from feedbot.store.sinks import Sinks
from feedbot.store.sources import Sources
from feedbot.store.subscriptions import Subscriptions
from feedbot.store.transactions import Rehearsal, Transactions, persistent, upsert
from feedbot.store.turns import Turns

if TYPE_CHECKING:
    from feedbot.store.jobs import Jobs
    from feedbot.store.scheduling import Scheduling


class Store:
    """All that feedbot remembers. Its methods raise StateError where the database cannot be used."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self.sources = Sources(self._transactions)
        self.knowledge = Knowledge(self._transactions)
        self.entries = Entries(self._transactions)
        self.outbox = Outbox(self._transactions)
        self.deliveries = Deliveries(self._transactions)
        self.sinks = Sinks(self._transactions)
        self.retention = Retention(self._transactions)
        self.pruning = Pruning(self._transactions)
        self.pings = Pings(self._transactions)
        self.subscriptions = Subscriptions(self._transactions)
        self.turns = Turns(self._transactions)
        self.fleet = Fleet(self._transactions)

    @cached_property
    def jobs(self) -> Jobs:
        """The tables of the queue, which only a state in PostgreSQL has."""
        from feedbot.store.jobs import Jobs

        return Jobs(self._transactions)

    @cached_property
    def scheduling(self) -> Scheduling:
        """Claims for the queue."""
        from feedbot.store.scheduling import Scheduling

        return Scheduling(self._transactions)

    @classmethod
    def open(cls, location: Location, *, create: bool = True) -> Store:
        """Open the state; made where none is, if ``create``."""
        return cls(Transactions(open_state(location, create=create), location))

    @classmethod
    def open_to_read(cls, location: Location) -> Store:
        """Open the state for a look at it, for which reading it is right enough."""
        return cls(Transactions(open_to_read(location), location))

    @classmethod
    def open_copy(cls, location: Location) -> Store:
        """Open the state (an empty one where there is none) so that a run may be tried on it without consequence.

        Of a file it is a copy in memory, of a database a transaction that is taken back.
        """
        with explained(location):
            if isinstance(location, Path):
                return cls(Rehearsal(sqlite.open_copy(location), location))
            from feedbot.store import postgres

            return cls(Rehearsal(postgres.open_to_try(location), location, postgres.make_where_none))

    @property
    def alone(self) -> bool:
        """Whether no other process works on the state."""
        return self._transactions.alone

    @staticmethod
    def exists(location: Location) -> bool:
        """Whether there is a state."""
        return there(location)

    def recover(self, now: datetime) -> None:
        """Free what processes had claimed that are gone.

        Where the run lock says that nobody else works, that is all; else what they have not held on to until ``now``.
        """
        if self.alone:
            self.sources.release_all()
        self.outbox.recover(now)

    @persistent
    def instance(self) -> str:
        """What tells this installation's deliveries from any other's."""
        with self._transactions.read() as connection:
            value = connection.execute(sa.select(meta.c.value).where(meta.c.name == "instance")).scalar_one()
            return str(value)

    @persistent
    def beat(self, now: datetime) -> None:
        """Note that a feedbot is at work on the state, for those who look whether one is."""
        statement = upsert(meta).values(name="alive", value=now.isoformat())
        changed = statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})
        with self._transactions.write() as connection:
            connection.execute(changed)

    @persistent
    def beaten(self) -> datetime | None:
        """When a feedbot was last at work on the state."""
        with self._transactions.read() as connection:
            value = connection.execute(sa.select(meta.c.value).where(meta.c.name == "alive")).scalar()
            return None if value is None else datetime.fromisoformat(value)

    def close(self) -> None:
        self._transactions.close()
