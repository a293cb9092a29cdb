"""Lets go of entries that are old, leaving behind what tells that they were announced."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from feedbot.core.identity import LINK, PLACE
from feedbot.core.outbox import GONE_FIRST
from feedbot.model import DeliveryState
from feedbot.store.schema import aliases, announced, entries, outbox, sources
from feedbot.store.transactions import Transactions, upsert

_STEP = 200  # entries a transaction, so that nobody waits long for the database
_PAGES = 1000  # of the file, likewise
_DONE = [DeliveryState.SENT.value, DeliveryState.DROPPED.value]


class Old(NamedTuple):
    """Which entries are old: nothing happened to them since ``before``, and each source has ``keep`` newer ones.

    What a source listed when it was last read is not, nor is anything of the ``spared`` sources.
    """

    before: datetime
    keep: int
    spared: Collection[str] = ()


class Pruning:
    """Makes the state smaller. What is told once is not told again, whatever was let go of."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def entries(self, old: Old) -> dict[str, int]:
        """Let go of old entries; gives how many that were of each source.

        Of each entry the keys stay that name it for certain, in 16 bytes each: should it come back, it is stored
        and published anew, and announced to nobody. Entries stay whole that have something to be delivered, or
        that hold back the same entry of another source.
        """
        removed: dict[str, int] = {}
        for source, name, listed in self._sources(old):
            bound = self._bound(source, max(listed, old.keep, 1))
            number = 0
            while step := self._remove(source, _old(source, old.before, bound)):
                number += step
            if number:
                removed[name] = number
        return removed

    def give_back(self) -> int:
        """Hand the room that nothing needs any more back to the disk; gives how many bytes that were.

        A few pages at a time; but for the first time in a file from before that was possible, which is written anew.
        On a database server that is the server's business.
        """
        with self._transactions.read() as connection:
            if connection.dialect.name != "sqlite":
                return 0
            before, free = _size(connection), _pragma(connection, "freelist_count")
            incremental = _pragma(connection, "auto_vacuum") == 2
        if not free:
            return 0
        if not incremental:
            self._transactions.outside("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")
        while incremental and free:
            self._transactions.outside(f"PRAGMA incremental_vacuum({_PAGES})")
            with self._transactions.read() as connection:
                left = _pragma(connection, "freelist_count")
            incremental, free = left < free, left
        self._transactions.outside("PRAGMA wal_checkpoint(TRUNCATE)")
        with self._transactions.read() as connection:
            return max(0, before - _size(connection))

    def _sources(self, old: Old) -> list[tuple[int, str, int]]:
        query = sa.select(sources.c.pk, sources.c.name, sources.c.listed).order_by(sources.c.name)
        with self._transactions.read() as connection:
            return [(row.pk, row.name, row.listed) for row in connection.execute(query) if row.name not in old.spared]

    def _bound(self, source: int, keep: int) -> datetime | None:
        """The place of the oldest of the newest entries that are kept; None where there are no more than these."""
        query = (
            sa.select(entries.c.sort_at)
            .where(entries.c.source_pk == source, entries.c.withdrawn_at.is_(None))
            .order_by(entries.c.sort_at.desc())
            .offset(keep - 1)
            .limit(1)
        )
        with self._transactions.read() as connection:
            bound: datetime | None = connection.execute(query).scalar()
            return bound

    def _remove(self, source: int, old: sa.Select[tuple[int]]) -> int:
        with self._transactions.write() as connection:
            pks = list(connection.execute(old.limit(_STEP)).scalars())
            if not pks:
                return 0
            names = sa.select(aliases.c.source_pk, aliases.c.key).where(aliases.c.entry_pk.in_(pks))
            tombs = [dict(row._mapping) for row in connection.execute(names) if row.key[:1] not in (LINK, PLACE)]
            if tombs:
                connection.execute(upsert(announced).on_conflict_do_nothing(), tombs)
            connection.execute(sa.delete(entries).where(entries.c.pk.in_(pks)))
            connection.execute(
                sa.update(sources)
                .where(sources.c.pk == source)
                .values(entries=sources.c.entries - len(pks), version=sources.c.version + 1)
            )
            return len(pks)


def _old(source: int, before: datetime, bound: datetime | None) -> sa.Select[tuple[int]]:
    """The entries of a source to let go of, oldest first."""
    listed_no_more: sa.ColumnElement[bool] = entries.c.withdrawn_at.is_not(None)
    if bound is not None:
        listed_no_more |= entries.c.sort_at < bound
    needed = sa.exists().where(
        outbox.c.entry_pk == entries.c.pk,
        outbox.c.state.not_in(_DONE) | outbox.c.across.is_not(None) | (outbox.c.error == GONE_FIRST),
    )
    touched = (entries.c.first_seen, entries.c.edited_at, entries.c.revised_at, entries.c.withdrawn_at)
    untouched = [moment.is_(None) | (moment < before) for moment in touched]
    return (
        sa.select(entries.c.pk)
        .where(entries.c.source_pk == source, entries.c.sort_at < before, listed_no_more, *untouched, ~needed)
        .order_by(entries.c.sort_at)
    )


def _size(connection: sa.Connection) -> int:
    return _pragma(connection, "page_count") * _pragma(connection, "page_size")


def _pragma(connection: sa.Connection, name: str) -> int:
    return int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
