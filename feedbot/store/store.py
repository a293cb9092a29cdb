"""The state of one installation."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from feedbot.store.database import open_copy, open_state, open_to_read
from feedbot.store.entries import Entries
from feedbot.store.outbox import Outbox
from feedbot.store.pings import Pings
from feedbot.store.retention import Retention
from feedbot.store.schema import meta
from feedbot.store.sinks import Sinks
from feedbot.store.sources import Sources
from feedbot.store.subscriptions import Subscriptions
from feedbot.store.transactions import Transactions


class Store:
    """All that feedbot remembers. Its methods raise StateError where the database cannot be used."""

    def __init__(self, engine: sa.Engine, path: Path) -> None:
        self._transactions = Transactions(engine, path)
        self.sources = Sources(self._transactions)
        self.entries = Entries(self._transactions)
        self.outbox = Outbox(self._transactions)
        self.sinks = Sinks(self._transactions)
        self.retention = Retention(self._transactions)
        self.pings = Pings(self._transactions)
        self.subscriptions = Subscriptions(self._transactions)

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Store:
        """Open the state at ``path``; made where none is, if ``create``."""
        return cls(open_state(path, create=create), path)

    @classmethod
    def open_to_read(cls, path: Path) -> Store:
        """Open the state at ``path`` for a look at it, for which reading it is right enough."""
        return cls(open_to_read(path), path)

    @classmethod
    def open_copy(cls, path: Path) -> Store:
        """Open a copy in memory, on which a run may be tried without consequence."""
        return cls(open_copy(path), path)

    def instance(self) -> str:
        """What tells this installation's deliveries from any other's."""
        with self._transactions.read() as connection:
            value = connection.execute(sa.select(meta.c.value).where(meta.c.name == "instance")).scalar_one()
            return str(value)

    def close(self) -> None:
        self._transactions.close()
