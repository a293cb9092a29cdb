"""The outbox at work: deliveries as they are claimed, tried and marked, until their end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from msgspec.structs import replace

from feedbot import faults
from feedbot.core.outbox import MAY_FOLLOW
from feedbot.core.schedule import DAY, LONGEST_WAIT
from feedbot.errors import LeaseLostError
from feedbot.model import Content, Delivery, DeliveryState
from feedbot.store.alerts import Alert, write_alerts
from feedbot.store.claiming import OVERFLOW, due_rows
from feedbot.store.codec import from_json
from feedbot.store.deliveries import to_delivery, with_entries
from feedbot.store.schema import outbox, revisions, tries
from feedbot.store.transactions import Transactions, persistent

_KEPT_TRIES = 5

_TAKE = (
    sa.update(outbox)
    .where(outbox.c.pk == sa.bindparam("its_pk"))
    .values(
        state=DeliveryState.SENDING.value,
        carried=sa.bindparam("its_revision"),
        batch=sa.bindparam("its_batch"),
        lease_id=sa.bindparam("its_lease"),
        lease_until=sa.bindparam("its_end"),
    )
)
_MARK = (
    sa.update(outbox)
    .where(
        outbox.c.pk == sa.bindparam("its_pk"),
        outbox.c.lease_id == sa.bindparam("its_lease"),
        outbox.c.state == DeliveryState.SENDING.value,
    )
    .values(
        state=sa.bindparam("new_state"),
        attempts=outbox.c.attempts + 1,
        not_before=sa.bindparam("due"),
        done_at=sa.bindparam("done"),
        error=sa.bindparam("said"),
        receipt=sa.bindparam("called"),
        lease_id=None,
        lease_until=None,
    )
)


class Claimed(NamedTuple):
    """A delivery that was taken up for sending, its try counted, with how it goes out (see core.route.Manner).

    ``batch``: the key of the digest that it is part of.
    """

    delivery: Delivery
    batch: str = ""
    quiet: str = ""
    route: str = ""
    most: int | None = None


class Outcome(NamedTuple):
    """What became, ``at`` a moment, of claimed deliveries that were tried together.

    ``delivered`` are recipients that have them now, ``receipt`` is what the sink calls the message; ``alerts`` tell a
    person of it. ``batch`` is the key of the digest that they are from now on, where another one.
    """

    pks: Sequence[int]
    state: DeliveryState
    at: datetime
    not_before: datetime | None = None
    error: str = ""
    delivered: frozenset[str] = frozenset()
    receipt: str = ""
    alerts: Sequence[Alert] = ()
    batch: str = ""


class Outbox:
    """Deliveries, oldest first per sink."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def claim(
        self,
        sink: str,
        lease: str,
        until: datetime,
        now: datetime,
        *,
        most: int = 1,
        digests: bool = False,
        without: Collection[str] = (),
    ) -> list[Claimed]:
        """Take deliveries of a sink that are due, those that have been so for longest: at most so many, or one digest.

        Each carries its entry as it is now, with the revision of that, and an update what changed since the receiver
        was told last. Without ``digests`` those of a digest are taken one by one too; a digest is the same at every
        try. ``without``: routes whose deliveries are left alone.
        """
        with self._transactions.write() as connection:
            pks, batch = due_rows(connection, sink, now, most, digests=digests, without=without)
            if not pks:
                return []
            query = with_entries().where(outbox.c.pk.in_(pks)).order_by(outbox.c.not_before, outbox.c.pk)
            rows = connection.execute(query).all()
            # With the revision that was read: of two statements, either may see what another has committed between.
            own = {"its_batch": batch or None, "its_lease": lease, "its_end": until}
            carried = [{"its_pk": row.pk, "its_revision": row.entry_revision, **own} for row in rows]
            connection.execute(_TAKE, carried)
            claimed = [_claimed(connection, row, batch) for row in rows]
        faults.reach("claimed")
        return claimed

    def mark(self, outcomes: Sequence[Outcome], lease: str) -> None:
        """Write down what became of claimed deliveries in one transaction, as each has the disk written to.

        Raises LeaseLostError where some are another's by now; each outcome is then marked by itself, all of it or none.
        """
        try:
            self._mark(outcomes, lease)
        except LeaseLostError:
            if len(outcomes) == 1:
                raise
            lost: LeaseLostError | None = None
            for one in outcomes:
                try:
                    self._mark([one], lease)
                except LeaseLostError as error:
                    lost = error
            if lost is not None:
                raise lost from None

    @persistent
    def _mark(self, outcomes: Sequence[Outcome], lease: str) -> None:
        rows = [row for outcome in outcomes for row in _marking(outcome, lease)]
        with self._transactions.write() as connection:
            if connection.execute(_MARK, rows).rowcount != len(rows):
                raise _lost([pk for outcome in outcomes for pk in outcome.pks])
            for outcome in outcomes:
                _add_to(connection, outcome)
        for _ in outcomes:
            faults.reach("marked")

    @persistent
    def release(self, pks: Sequence[int], lease: str, not_before: datetime | None = None) -> None:
        """Give back claimed deliveries that were not tried; where a time is given, for no try before."""
        values: dict[str, Any] = {"state": DeliveryState.PENDING.value, "lease_id": None, "lease_until": None}
        if not_before is not None:
            values["not_before"] = not_before
        with self._transactions.write() as connection:
            connection.execute(
                sa.update(outbox)
                .where(outbox.c.pk.in_(pks), outbox.c.lease_id == lease, outbox.c.state == DeliveryState.SENDING.value)
                .values(values)
            )

    @persistent
    def put_off(self, sink: str, until: datetime) -> None:
        """Let a sink rest: what it still is to be sent is due then at the earliest."""
        waiting = [DeliveryState.PENDING.value, DeliveryState.SENDING.value]
        sooner = (outbox.c.sink == sink, outbox.c.state.in_(waiting), outbox.c.not_before < until)
        with self._transactions.write() as connection:
            connection.execute(sa.update(outbox).where(*sooner).values(not_before=until))

    @persistent
    def hold(self, pks: Sequence[int], lease: str, until: datetime) -> None:
        """Hold on to claimed deliveries. Raises LeaseLostError where one is another's by now."""
        claimed = (outbox.c.pk.in_(pks), outbox.c.lease_id == lease, outbox.c.state == DeliveryState.SENDING.value)
        with self._transactions.write() as connection:
            held = connection.execute(sa.update(outbox).where(*claimed).values(lease_until=until))
            if held.rowcount != len(pks):
                raise _lost(pks)

    @persistent
    def collect(self, sink: str, route: str, now: datetime) -> None:
        """Let what is due of a route, and was to go out one by one, be one digest."""
        with self._transactions.write() as connection:
            connection.execute(
                sa.update(outbox)
                .where(
                    outbox.c.sink == sink,
                    outbox.c.state == DeliveryState.PENDING.value,
                    outbox.c.not_before <= now,
                    outbox.c.route == route,
                    outbox.c.most.is_not(None),
                    outbox.c.digest == "",
                    outbox.c.attempts == 0,
                )
                .values(digest=OVERFLOW)
            )

    @persistent
    def given(self, sink: str, since: datetime) -> list[datetime]:
        """When a sink was given its last messages, oldest first; a digest is one."""
        message = sa.func.coalesce(outbox.c.batch, outbox.c.key)
        query = (
            sa.select(sa.func.max(outbox.c.not_before).label("at"))
            .where(outbox.c.state == DeliveryState.SENT.value, outbox.c.sink == sink, outbox.c.not_before > since)
            .group_by(message)
            .order_by("at")
        )
        with self._transactions.read() as connection:
            return list(connection.execute(query).scalars())

    @persistent
    def recover(self, now: datetime) -> int:
        """Make pending again what a dead process was sending: all of it where nobody else works on the state, else
        that whose lease is over.

        What waits for a time that only a clock since set back can have named is due at once too: quiet hours add less
        than a day to the longest wait.
        """
        sending, pending = DeliveryState.SENDING.value, DeliveryState.PENDING.value
        overlong = (outbox.c.attempts > 0) & (outbox.c.not_before > now + LONGEST_WAIT + DAY)
        early = (outbox.c.planned_at > now) | overlong
        left = outbox.c.state == sending
        if not self._transactions.alone:
            left &= outbox.c.lease_until < now
        stuck = outbox.c.state.in_([sending, pending]) & (left | early)
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
                    planned_at=sa.case((outbox.c.planned_at > now, moment), else_=outbox.c.planned_at),
                    not_before=sa.case((outbox.c.not_before > now, moment), else_=outbox.c.not_before),
                    lease_id=None,
                    lease_until=None,
                )
            ).rowcount

    @persistent
    def due_sinks(self, now: datetime) -> list[str]:
        """The sinks that have something to send now."""
        with self._transactions.read() as connection:
            query = (
                sa.select(outbox.c.sink)
                .where(outbox.c.state == DeliveryState.PENDING.value, outbox.c.not_before <= now)
                .distinct()
                .order_by(outbox.c.sink)
            )
            return list(connection.execute(query).scalars())

    @persistent
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

        Gives how many were changed. What became pending is tried anew, from the first try on, and at once.
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
            moment = sa.literal(now, outbox.c.not_before.type)
            due = sa.case((outbox.c.not_before > now, moment), else_=outbox.c.not_before)
            values |= {"not_before": due, "planned_at": now, "attempts": 0, "done_at": None}
        else:
            values["done_at"] = now
        with self._transactions.write() as connection:
            return connection.execute(query.values(values)).rowcount


def _claimed(connection: sa.Connection, row: Any, batch: str) -> Claimed:
    base = None if row.base is None else _content(connection, row.entry_pk, row.base)
    delivery = replace(to_delivery(row), state=DeliveryState.SENDING, attempts=row.attempts + 1)
    if base is not None:
        from feedbot.core.textdiff import text_diff  # reads HTML, which takes importing a parser of it

        delivery = replace(delivery, diff=text_diff(base, delivery.entry))
    return Claimed(
        delivery=delivery,
        batch=batch,
        quiet=row.quiet,
        route=row.route,
        most=row.most,
    )


def _marking(outcome: Outcome, lease: str) -> list[dict[str, Any]]:
    """What a row becomes of each delivery, as long as it is the claimer's."""
    ended = outcome.state in (DeliveryState.SENT, DeliveryState.DEAD)
    values = {
        "new_state": outcome.state.value,
        "due": outcome.not_before or outcome.at,
        "done": outcome.at if ended else None,
        "said": outcome.error,
        "called": outcome.receipt,
        "its_lease": lease,
    }
    return [{"its_pk": pk, **values} for pk in outcome.pks]


def _add_to(connection: sa.Connection, outcome: Outcome) -> None:
    """Write what is told of a delivery beside how it ended."""
    if outcome.batch:
        connection.execute(sa.update(outbox).where(outbox.c.pk.in_(outcome.pks)).values(batch=outcome.batch))
    for pk in outcome.pks if outcome.delivered else ():
        had = connection.execute(sa.select(outbox.c.delivered).where(outbox.c.pk == pk)).scalar_one()
        both = sorted({*had, *outcome.delivered})
        connection.execute(sa.update(outbox).where(outbox.c.pk == pk).values(delivered=both))
    for pk in outcome.pks if outcome.error else ():
        _note(connection, pk, outcome.at, outcome.error)
    write_alerts(connection, outcome.alerts, outcome.at)


def _lost(pks: Sequence[int]) -> LeaseLostError:
    which = f"delivery {pks[0]}" if len(pks) == 1 else f"one of {len(pks)} deliveries"
    return LeaseLostError(f"{which} was taken over by another process", "")


def _content(connection: sa.Connection, entry_pk: int, revision: int) -> Content | None:
    """What an entry was in a revision, or in the oldest one after it that is kept; None where it is that still."""
    kept = (
        sa.select(revisions.c.data)
        .where(revisions.c.entry_pk == entry_pk, revisions.c.revision >= revision)
        .order_by(revisions.c.revision)
        .limit(1)
    )
    data = connection.execute(kept).scalar()
    return None if data is None else Content(**from_json(data))


def _note(connection: sa.Connection, pk: int, now: datetime, error: str) -> None:
    """Keep what a failed try said, and let go of what was said long ago."""
    connection.execute(sa.insert(tries).values(delivery_pk=pk, at=now, error=error))
    last = (
        sa.select(tries.c.pk)
        .where(tries.c.delivery_pk == pk)
        .order_by(tries.c.pk.desc())
        .limit(1)
        .offset(_KEPT_TRIES - 1)
    )
    connection.execute(sa.delete(tries).where(tries.c.delivery_pk == pk, tries.c.pk < last.scalar_subquery()))
