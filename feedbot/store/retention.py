"""Lets go of deliveries that were done long ago, and makes done ones anew for those who ask for them again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from feedbot.core.outbox import GONE_FIRST
from feedbot.core.route import replay_key
from feedbot.model import ChangeKind, DeliveryState
from feedbot.store.alerts import forget_alerts
from feedbot.store.schema import entries, outbox, sources
from feedbot.store.transactions import Transactions, persistent

_STEP = 500  # deliveries a transaction, so that nobody waits long for the database
_DONE = [DeliveryState.SENT.value, DeliveryState.DROPPED.value]
_NOT_DONE = [state.value for state in DeliveryState if state.value not in _DONE]


class Retention:
    """Deliveries that are done: forgotten after a while, sent again on demand."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def prune(self, before: datetime, steps: int = 10) -> int:
        """Forget what was sent or dropped before a moment, in a few small steps; gives how many that were.

        What tells that an entry was announced already stays: the entry itself, the rows that hold it back from sinks
        which are told once across sources, and those of entries withdrawn before anybody was told.
        """
        old = (
            sa.select(outbox.c.pk)
            .where(
                outbox.c.done_at < before,
                outbox.c.across.is_(None),
                outbox.c.state.not_in(_NOT_DONE),  # which has no database look at all that is done instead
                outbox.c.error != GONE_FIRST,
            )
            .order_by(outbox.c.done_at)
            .limit(_STEP)
        )
        forgotten = 0
        for _ in range(steps):
            with self._transactions.read() as connection:
                pks = list(connection.execute(old).scalars())
            if not pks:
                break
            with self._transactions.write() as connection:
                gone = connection.execute(
                    sa.delete(outbox).where(outbox.c.pk.in_(pks), outbox.c.state.in_(_DONE)).returning(outbox.c.pk)
                )
                forgotten += len(gone.all())
                forget_alerts(connection, before)
            if len(pks) < _STEP:
                break
        return forgotten

    @persistent
    def sent(self, sink: str, since: datetime, until: datetime, source: str = "") -> list[int]:
        """The deliveries that a sink was sent from one moment to another, oldest first; each once, however often."""
        first = sa.func.min(outbox.c.pk)
        query = (
            sa.select(first)
            .where(
                outbox.c.state == DeliveryState.SENT.value,
                outbox.c.sink == sink,
                outbox.c.change != ChangeKind.ALERT.value,
                outbox.c.not_before >= since,
                outbox.c.not_before <= until,
            )
            .group_by(outbox.c.entry_pk, outbox.c.change, outbox.c.revision)
            .order_by(first)
        )
        if source:
            query = query.join(entries, entries.c.pk == outbox.c.entry_pk).join(
                sources, sources.c.pk == entries.c.source_pk
            )
            query = query.where(sources.c.name == source)
        with self._transactions.read() as connection:
            return list(connection.execute(query).scalars())

    def again(self, pks: Sequence[int], now: datetime) -> int:
        """Make these deliveries anew, due at once and one by one; their keys are others, lest they are ignored.

        Gives how many were made. All are made, or none.
        """
        copied = ("sink", "entry_pk", "change", "revision", "base", "route", "quiet")
        with self._transactions.write() as connection:
            for pk in pks:
                row = connection.execute(sa.select(outbox).where(outbox.c.pk == pk)).one()
                number = 1
                while connection.execute(
                    sa.select(outbox.c.pk).where(outbox.c.key == replay_key(row.key, number))
                ).first():
                    number += 1
                connection.execute(
                    sa.insert(outbox).values(
                        key=replay_key(row.key, number),
                        why="replay",
                        state=DeliveryState.PENDING.value,
                        created_at=now,
                        not_before=now,
                        planned_at=now,
                        delivered=[],
                        **{name: row._mapping[name] for name in copied},
                    )
                )
        return len(pks)
