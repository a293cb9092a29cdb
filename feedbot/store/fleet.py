"""Who is at work on a state that several share, and what those leave who are not any more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from msgspec import Struct

from feedbot.model import DeliveryState
from feedbot.store.schema import outbox, sources, turns, workers
from feedbot.store.transactions import Transactions, persistent, upsert
from feedbot.store.turns import LENGTH

WORKER, DAEMON, RUN = "worker", "daemon", "run"
_COMMANDS = (DAEMON, RUN)  # which stand in the place of queues
SILENCE = timedelta(seconds=15)
"""Who has not been heard of for so long is taken for dead, and what it had claimed is freed."""
_MARGIN = timedelta(minutes=5)
"""Leases that last longer still are not extended: most end before, and each extension writes a row."""
# By the clock of the server, as those of the machines differ.
_NOW = sa.type_coerce(
    sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * 1_000_000, sa.BigInteger), workers.c.seen_at.type
)


class WorkerState(Struct, frozen=True, kw_only=True):
    """A process at work: where it runs, since when, and when it was last heard of by the server's clock.

    ``id`` is that of its leases. A worker has the ``queues`` that it works off; ``readers`` sources are read side by
    side, ``slots`` jobs of polling taken up at once. What takes up no jobs has the name of its ``command``.
    """

    id: str
    host: str
    pid: int
    version: str
    queues: tuple[str, ...] = ()
    readers: int = 0
    slots: int = 0
    started: datetime
    seen: datetime
    command: str = WORKER


class Fleet:
    """The processes at work on the state: workers, daemons, runs."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def enter(self, worker: WorkerState) -> None:
        """Note a process that begins now, or goes on in another way."""
        way = {
            "queues": ",".join(worker.queues) or worker.command,
            "readers": worker.readers,
            "slots": worker.slots,
            "seen_at": _NOW,
        }
        whose = {"host": worker.host, "pid": worker.pid, "version": worker.version, "started_at": _NOW}
        row = upsert(workers).values(id=worker.id, **whose, **way)
        with self._transactions.write() as connection:
            connection.execute(row.on_conflict_do_update(index_elements=["id"], set_=way))

    def beat(self, worker: str, now: datetime, until: datetime, busy: Sequence[str] | None = None) -> bool:
        """Note that a process is at work, and hold on to its turns, and until then to the sources that it is ``busy``
        with, by default to all that it has claimed; False where it was taken for dead, and holds nothing any more."""
        claimed = [sources.c.lease_until.is_not(None), sources.c.lease_id == worker]
        claimed.append(sources.c.lease_until < until - _MARGIN if busy is None else sources.c.name.in_(busy))
        with self._transactions.write() as connection:
            seen = connection.execute(sa.update(workers).where(workers.c.id == worker).values(seen_at=_NOW))
            if not seen.rowcount:
                return False
            if busy is None or busy:
                connection.execute(sa.update(sources).where(*claimed).values(lease_until=until))
            # One that is over was left where the state was away, or is taken anew by whoever needs it.
            own = sa.update(turns).where(turns.c.lease_id == worker, turns.c.lease_until >= now)
            connection.execute(own.values(lease_until=now + LENGTH))
            return True

    def leave(self, worker: str) -> None:
        """Free all that a process had claimed, and forget it; where that fails, others do so when it is silent."""
        with self._transactions.write() as connection:
            _free(connection, [worker])

    def rescue(self) -> list[str]:
        """Free what processes had claimed that have fallen silent; gives them, who have lost it from now on.

        None is taken for silent as long as the server is up for no longer than that: it could not be heard of.
        """
        latest = sa.cast(_NOW, sa.BigInteger) - SILENCE // timedelta(microseconds=1)
        silent = sa.select(workers.c.id).where(sa.cast(workers.c.seen_at, sa.BigInteger) < latest)
        silent = silent.where(sa.func.clock_timestamp() - sa.func.pg_postmaster_start_time() > SILENCE)
        with self._transactions.write() as connection:
            dead = list(connection.execute(silent.order_by(workers.c.id).with_for_update(skip_locked=True)).scalars())
            if dead:
                _free(connection, dead)
        return dead

    @persistent
    def workers(self) -> list[WorkerState]:
        """All who are at work, also those that have fallen silent and nobody has noticed yet."""
        with self._transactions.read() as connection:
            rows = connection.execute(sa.select(workers).order_by(workers.c.host, workers.c.started_at, workers.c.id))
            return [
                WorkerState(
                    id=row.id,
                    host=row.host,
                    pid=row.pid,
                    version=row.version,
                    queues=() if row.queues in _COMMANDS else tuple(row.queues.split(",")),
                    readers=row.readers,
                    slots=row.slots,
                    started=row.started_at,
                    seen=row.seen_at,
                    command=row.queues if row.queues in _COMMANDS else WORKER,
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
