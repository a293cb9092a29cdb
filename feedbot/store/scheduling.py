"""Claims sources that are due, for jobs that are put on the queue in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct

from feedbot.model import ALERTS, SourceState
from feedbot.store.jobs import reaching_jobs
from feedbot.store.postgres import LOCKS, SCHEDULING
from feedbot.store.schema import sources, workers
from feedbot.store.sources import states_of
from feedbot.store.transactions import Transactions, in_chunks, persistent, unless_taken, upsert

_DUE = sa.select(
    sources.c.pk, sources.c.name, sources.c.last_poll, sources.c.next_poll, sources.c.not_before, sources.c.rhythm
)


class Standing(Struct, frozen=True):
    """What scheduling goes by: the sources that look due, oldest first, by key, and the names of those that are
    claimed; and how many jobs of polling, and how many sources, all workers take up at once."""

    due: Mapping[int, SourceState]
    claimed: frozenset[str]
    slots: int
    readers: int


class Scheduling:
    """Claims for the queue. Only a state in PostgreSQL has one."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def make(self, names: Collection[str]) -> None:
        """Have a row for each of these sources."""
        with self._transactions.write() as connection:
            rows = [{"name": name} for name in sorted(names)]
            if rows:
                connection.execute(upsert(sources).on_conflict_do_nothing(), rows)

    def schedule(
        self,
        lease: str,
        until: datetime,
        now: datetime,
        *,
        most: int,
        also: Sequence[str],
        choose: Callable[[Standing], Sequence[int]],
        put: Callable[[Any, Sequence[int]], None],
    ) -> int | None:
        """Claim what ``choose`` takes of what is due, and ``put`` jobs for it on the queue, both or neither.

        At most so many rows are looked at, beside the sources named in ``also``. ``put`` is given the driver's
        connection and the keys that were claimed. Gives how many rows looked due and were not taken; None where
        another process schedules just now.
        """
        with self._transactions.write() as connection:
            if not connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({LOCKS}, {SCHEDULING})").scalar():
                return None
            standing = _standing(connection, now, most, also)
            chosen = choose(standing)
            if chosen:
                own = sa.select(sources.c.pk).where(sources.c.pk.in_(chosen), _free(now))
                taking = sa.update(sources).where(sources.c.pk.in_(unless_taken(own)))
                rows = connection.execute(taking.values(lease_id=lease, lease_until=until).returning(sources.c.pk))
                taken = set(rows.scalars())
                put(reaching_jobs(connection), [pk for pk in chosen if pk in taken])
            return len(standing.due) - len(chosen)

    @persistent
    def adopt(self, pks: Sequence[int], lease: str, worker: str, until: datetime) -> dict[str, SourceState]:
        """Take over what was claimed for a job, unless somebody else has it by now."""
        taking = sa.update(sources).values(lease_id=worker, lease_until=until).returning(sources)
        with self._transactions.write() as connection:
            rows = in_chunks(
                connection, pks, lambda part: taking.where(sources.c.pk.in_(part), sources.c.lease_id == lease)
            )
            return states_of(rows)

    @persistent
    def lag(self, now: datetime) -> timedelta:
        """For how long the source has been due that has waited longest, of those that were ever polled."""
        longest = sa.select(sa.func.min(sources.c.next_poll)).where(_free(now), sources.c.next_poll <= now)
        with self._transactions.read() as connection:
            first: datetime | None = connection.execute(sa.select(_moment(longest))).scalar()
            return now - first if first is not None else timedelta(0)


def _standing(connection: sa.Connection, now: datetime, most: int, also: Sequence[str]) -> Standing:
    free = _DUE.where(_free(now), sources.c.name != ALERTS).limit(most)
    rows = [
        *connection.execute(free.where(sources.c.next_poll.is_(None)).order_by(sources.c.pk)),
        *connection.execute(free.where(sources.c.next_poll <= now).order_by(sources.c.next_poll, sources.c.pk)),
        *in_chunks(connection, also, lambda part: free.where(sources.c.name.in_(part), sources.c.next_poll > now)),
    ]
    claimed = connection.execute(sa.select(sources.c.name).where(sources.c.lease_until >= now)).scalars()
    at_work = sa.select(
        sa.func.coalesce(sa.func.sum(workers.c.slots), 0), sa.func.coalesce(sa.func.sum(workers.c.readers), 0)
    )
    slots, readers = connection.execute(at_work).one()
    due = {
        row.pk: SourceState(
            name=row.name,
            last_poll=row.last_poll,
            next_poll=row.next_poll,
            not_before=row.not_before,
            rhythm=None if row.rhythm is None else timedelta(seconds=row.rhythm),
        )
        for row in rows
    }
    return Standing(due, frozenset(claimed), slots, readers)


def _free(now: datetime) -> sa.ColumnElement[bool]:
    return sources.c.lease_until.is_(None) | (sources.c.lease_until < now)


def _moment(query: sa.Select[Any]) -> sa.ColumnElement[Any]:
    return sa.type_coerce(query.scalar_subquery(), sources.c.next_poll.type)
