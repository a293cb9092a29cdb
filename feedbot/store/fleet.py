"""The workers of a distributed installation: who is at work, and what those leave who are not any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from feedbot.model import DeliveryState
from feedbot.store.schema import outbox, sources, turns, workers
from feedbot.store.transactions import Transactions, persistent

SILENCE = timedelta(seconds=15)
"""A worker that has not been heard of for so long is taken for dead, and what it had claimed is freed."""
# By the clock of the server, as those of the machines differ.
_NOW = sa.type_coerce(
    sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * 1_000_000, sa.BigInteger), workers.c.seen_at.type
)


@dataclass(frozen=True, kw_only=True)
class WorkerState:
    """A worker: where it runs, what it works off, since when, and when it was last heard of by the server's clock.

    ``id`` is that of its leases; ``readers`` sources are read side by side, ``slots`` jobs of polling taken up at once.
    """

    id: str
    host: str
    pid: int
    version: str
    queues: tuple[str, ...]
    readers: int
    slots: int
    started: datetime
    seen: datetime


class Fleet:
    """The workers at work on the state."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def enter(self, worker: WorkerState) -> None:
        """Note a worker that begins now."""
        values = {
            "id": worker.id,
            "host": worker.host,
            "pid": worker.pid,
            "version": worker.version,
            "queues": ",".join(worker.queues),
            "readers": worker.readers,
            "slots": worker.slots,
            "started_at": _NOW,
            "seen_at": _NOW,
        }
        with self._transactions.write() as connection:
            connection.execute(sa.delete(workers).where(workers.c.id == worker.id))
            connection.execute(sa.insert(workers).values(values))

    def beat(self, worker: str, busy: Sequence[str], until: datetime) -> bool:
        """Note that a worker is at work, and hold on to the sources it is ``busy`` with and to its turns; False where
        it was taken for dead, and holds nothing any more."""
        extending = (
            sa.update(sources)
            .where(sources.c.lease_until.is_not(None), sources.c.lease_id == worker, sources.c.name.in_(busy))
            .values(lease_until=until)
        )
        with self._transactions.write() as connection:
            seen = connection.execute(sa.update(workers).where(workers.c.id == worker).values(seen_at=_NOW))
            if seen.rowcount and busy:
                connection.execute(extending)
            if seen.rowcount:
                connection.execute(sa.update(turns).where(turns.c.lease_id == worker).values(lease_until=until))
            return seen.rowcount > 0

    @persistent
    def leave(self, worker: str) -> None:
        """Free all that a worker had claimed, and forget it."""
        with self._transactions.write() as connection:
            _free(connection, [worker])

    def rescue(self) -> list[str]:
        """Free what workers had claimed that have fallen silent; gives them, who have lost it from now on."""
        latest = sa.cast(_NOW, sa.BigInteger) - int(SILENCE.total_seconds() * 1_000_000)
        silent = sa.select(workers.c.id).where(sa.cast(workers.c.seen_at, sa.BigInteger) < latest)
        with self._transactions.write() as connection:
            dead = list(connection.execute(silent.order_by(workers.c.id).with_for_update(skip_locked=True)).scalars())
            if dead:
                _free(connection, dead)
        return dead

    @persistent
    def workers(self) -> list[WorkerState]:
        """All workers, also those that have fallen silent and nobody has noticed yet."""
        with self._transactions.read() as connection:
            rows = connection.execute(sa.select(workers).order_by(workers.c.host, workers.c.started_at, workers.c.id))
            return [
                WorkerState(
                    id=row.id,
                    host=row.host,
                    pid=row.pid,
                    version=row.version,
                    queues=tuple(row.queues.split(",")),
                    readers=row.readers,
                    slots=row.slots,
                    started=row.started_at,
                    seen=row.seen_at,
                )
                for row in rows
            ]


def _free(connection: sa.Connection, leases: Sequence[str]) -> None:
    """Free what is claimed under these leases."""
    unclaimed = {"lease_id": None, "lease_until": None}
    claimed = (sources.c.lease_until.is_not(None), sources.c.lease_id.in_(leases))
    connection.execute(sa.update(sources).where(*claimed).values(unclaimed))
    sending = (outbox.c.state == DeliveryState.SENDING.value, outbox.c.lease_id.in_(leases))
    connection.execute(sa.update(outbox).where(*sending).values(unclaimed | {"state": DeliveryState.PENDING.value}))
    connection.execute(sa.delete(turns).where(turns.c.lease_id.in_(leases)))
    connection.execute(sa.delete(workers).where(workers.c.id.in_(leases)))
