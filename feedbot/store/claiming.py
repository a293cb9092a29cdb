"""Finds the deliveries of a sink that are to be taken up next, and what a digest is made of."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from itertools import takewhile

import sqlalchemy as sa

from feedbot.core.route import digest_key
from feedbot.model import DeliveryState
from feedbot.store.schema import outbox
from feedbot.store.transactions import unless_taken

OVERFLOW = "overflow"
"""Stands for the schedule of a digest that is made of what was too much for one run."""

_DIGEST = 500  # deliveries; more of them are another digest


def due_rows(
    connection: sa.Connection, sink: str, now: datetime, most: int, *, digests: bool, without: Collection[str]
) -> tuple[list[int], str]:
    """The rows to take up, those first that have been due for longest: at most so many, or one digest, with its key.

    A digest is made of all that is due of one schedule, and stays what it was when it was first taken up.
    """
    waiting = sa.select(outbox.c.pk, outbox.c.digest, outbox.c.batch).where(
        outbox.c.sink == sink, outbox.c.state == DeliveryState.PENDING.value, outbox.c.not_before <= now
    )
    if without:
        waiting = waiting.where(outbox.c.route.not_in(without))
    first_due = waiting.order_by(outbox.c.not_before, outbox.c.pk).limit(most)
    rows = connection.execute(unless_taken(first_due)).all()
    if not digests or not rows:
        return [row.pk for row in rows], ""
    first = rows[0]
    if not first.digest:
        return [row.pk for row in takewhile(lambda row: not row.digest, rows)], ""
    if first.batch is not None:
        return _begun(connection, first.batch), first.batch
    together = (
        sa.select(outbox.c.pk, outbox.c.key)
        .where(
            outbox.c.sink == sink,
            outbox.c.state == DeliveryState.PENDING.value,
            outbox.c.not_before <= now,
            outbox.c.digest == first.digest,
            outbox.c.batch.is_(None),
        )
        .order_by(outbox.c.not_before, outbox.c.pk)
        .limit(_DIGEST)
    )
    members = connection.execute(unless_taken(together)).all()
    return [row.pk for row in members], digest_key(row.key for row in members)


def _begun(connection: sa.Connection, batch: str) -> list[int]:
    """What is still to be sent of a digest that was tried before; what else was of it and waits is so no more."""
    of_it = sa.select(outbox.c.pk, outbox.c.state).where(outbox.c.batch == batch)
    members = connection.execute(unless_taken(of_it)).all()
    waiting = [row.pk for row in members if row.state == DeliveryState.PENDING.value]
    apart = [row.pk for row in members if row.state in (DeliveryState.HELD.value, DeliveryState.DEAD.value)]
    if apart:
        connection.execute(sa.update(outbox).where(outbox.c.pk.in_(apart)).values(batch=None))
    return waiting
