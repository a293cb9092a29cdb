"""The outbox: deliveries from the moment their change is committed until their end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from feedbot import faults
from feedbot.core.outbox import MAY_FOLLOW
from feedbot.core.schedule import LONGEST_WAIT
from feedbot.core.text import storable
from feedbot.errors import LeaseLostError
from feedbot.model import ChangeKind, Delivery, DeliveryState
from feedbot.store.entries import entry_columns, to_entry
from feedbot.store.schema import entries, outbox, sources
from feedbot.store.transactions import Transactions


class Outbox:
    """Deliveries, oldest first per sink."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def claim(self, sink: str, lease: str, until: datetime, now: datetime) -> Delivery | None:
        """Take the oldest delivery of a sink that is due; its tries count the one that follows."""
        due = (
            sa.select(outbox.c.pk)
            .where(outbox.c.sink == sink, outbox.c.state == DeliveryState.PENDING, outbox.c.not_before <= now)
            .order_by(outbox.c.pk)
            .limit(1)
        )
        with self._transactions.write() as connection:
            pk = connection.execute(
                sa.update(outbox)
                .where(outbox.c.pk == due.scalar_subquery())
                .values(
                    state=DeliveryState.SENDING.value,
                    attempts=outbox.c.attempts + 1,
                    lease_id=lease,
                    lease_until=until,
                )
                .returning(outbox.c.pk)
            ).scalar()
            claimed = None if pk is None else _delivery(connection.execute(_select().where(outbox.c.pk == pk)).one())
        if claimed is not None:
            faults.reach("claimed")
        return claimed

    def mark(
        self,
        pk: int,
        lease: str,
        state: DeliveryState,
        now: datetime,
        *,
        not_before: datetime | None = None,
        error: str = "",
        delivered: Iterable[str] = (),
    ) -> None:
        """Write down what became of a claimed delivery. Raises LeaseLostError where it is another's by now."""
        ended = state in (DeliveryState.SENT, DeliveryState.DEAD)
        with self._transactions.write() as connection:
            marked = connection.execute(
                sa.update(outbox)
                .where(outbox.c.pk == pk, outbox.c.lease_id == lease, outbox.c.state == DeliveryState.SENDING)
                .values(
                    state=state.value,
                    not_before=not_before or now,
                    done_at=now if ended else None,
                    lease_id=None,
                    lease_until=None,
                    error=storable(error),
                    delivered=sorted(delivered),
                )
            )
            if marked.rowcount != 1:
                raise LeaseLostError(f"delivery {pk} was taken over by another process", "")
        faults.reach("marked")

    def recover(self, now: datetime) -> int:
        """Make pending again what a dead process was sending; for whoever holds the run lock.

        What waits for a time that only a clock since set back can have named is due at once too.
        """
        early = (outbox.c.created_at > now) | (outbox.c.not_before > now + LONGEST_WAIT)
        stuck = (outbox.c.state == DeliveryState.SENDING) | ((outbox.c.state == DeliveryState.PENDING) & early)
        with self._transactions.read() as connection:
            if connection.execute(sa.select(outbox.c.pk).where(stuck).limit(1)).first() is None:
                return 0
        moment = sa.literal(now, outbox.c.created_at.type)
        with self._transactions.write() as connection:
            return connection.execute(
                sa.update(outbox)
                .where(stuck)
                .values(
                    state=DeliveryState.PENDING.value,
                    created_at=sa.case((outbox.c.created_at > now, moment), else_=outbox.c.created_at),
                    not_before=now,
                    lease_id=None,
                    lease_until=None,
                )
            ).rowcount

    def counts(self) -> dict[str, dict[DeliveryState, int]]:
        """How many deliveries of each state each sink has."""
        counted: dict[str, dict[DeliveryState, int]] = defaultdict(dict)
        with self._transactions.read() as connection:
            query = sa.select(outbox.c.sink, outbox.c.state, sa.func.count()).group_by(outbox.c.sink, outbox.c.state)
            for sink, state, number in connection.execute(query):
                counted[sink][DeliveryState(state)] = number
        return dict(counted)

    def due_sinks(self, now: datetime) -> list[str]:
        """The sinks that have something to send now."""
        with self._transactions.read() as connection:
            query = (
                sa.select(outbox.c.sink)
                .where(outbox.c.state == DeliveryState.PENDING, outbox.c.not_before <= now)
                .distinct()
                .order_by(outbox.c.sink)
            )
            return list(connection.execute(query).scalars())

    def listed(self, states: Sequence[DeliveryState], *, sink: str = "", limit: int = 1000) -> list[Delivery]:
        """Deliveries of some states, oldest first."""
        query = _select().where(outbox.c.state.in_([s.value for s in states])).order_by(outbox.c.pk).limit(limit)
        if sink:
            query = query.where(outbox.c.sink == sink)
        with self._transactions.read() as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def move(
        self,
        to: DeliveryState,
        now: datetime,
        *,
        pks: Sequence[int] = (),
        sink: str = "",
        only: DeliveryState | None = None,
    ) -> int:
        """Change the state of deliveries by hand, where it may; those named, or all of a sink or a state.

        Gives how many were changed. What became pending is tried anew, from the first try on.
        """
        legal = [s.value for s, after in MAY_FOLLOW.items() if to in after and s is not DeliveryState.SENDING]
        if to is DeliveryState.PENDING:
            legal.append(DeliveryState.PENDING.value)
        query = sa.update(outbox).where(outbox.c.state.in_(legal))
        if pks:
            query = query.where(outbox.c.pk.in_(pks))
        if sink:
            query = query.where(outbox.c.sink == sink)
        if only is not None:
            query = query.where(outbox.c.state == only.value)
        values: dict[str, Any] = {"state": to.value}
        if to is DeliveryState.PENDING:
            values |= {"not_before": now, "attempts": 0, "done_at": None}
        else:
            values["done_at"] = now
        with self._transactions.write() as connection:
            return connection.execute(query.values(values)).rowcount


def _select() -> sa.Select[Any]:
    return (
        sa.select(outbox, outbox.c.revision.label("change_revision"), *entry_columns("entry_"))
        .join(entries, entries.c.pk == outbox.c.entry_pk)
        .join(sources, sources.c.pk == entries.c.source_pk)
    )


def _delivery(row: Any) -> Delivery:
    return Delivery(
        pk=row.pk,
        key=row.key,
        sink=row.sink,
        change=ChangeKind(row.change),
        entry=to_entry(row, "entry_", revision=row.change_revision),
        diff=row.diff,
        state=DeliveryState(row.state),
        attempts=row.attempts,
        created=row.created_at,
        not_before=row.not_before,
        error=row.error,
        delivered=frozenset(row.delivered),
    )
