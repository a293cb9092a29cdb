"""Deliveries as they are read: counted, listed, with what became of each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa

from feedbot.core.identity import across
from feedbot.model import ChangeKind, Delivery, DeliveryState, Entry
from feedbot.store.entries import entry_columns, to_entry
from feedbot.store.schema import Moment, entries, id_key, outbox, sources, tries
from feedbot.store.transactions import Transactions, in_chunks, persistent

_NOT_DONE = [DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.HELD, DeliveryState.DEAD]


class Trace(NamedTuple):
    """Where a delivery comes from and what became of it: routes, reason, revision, the last failed tries."""

    delivery: Delivery
    made_for: int
    carried: int | None
    route: str
    why: str
    done_at: datetime | None
    tries: tuple[tuple[datetime, str], ...]


class Backlog(NamedTuple):
    """Of what a sink still is to be sent: when the oldest was made, and when the first is, or was, due."""

    created: datetime
    due: datetime


class Deliveries:
    """The outbox, looked at and left as it is."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def counts(self, states: Sequence[DeliveryState] = ()) -> dict[str, dict[DeliveryState, int]]:
        """How many deliveries of each state, or of some, each sink has."""
        counted: dict[str, dict[DeliveryState, int]] = defaultdict(dict)
        query = sa.select(outbox.c.sink, outbox.c.state, sa.func.count()).group_by(outbox.c.state, outbox.c.sink)
        if states:
            query = query.where(outbox.c.state.in_([state.value for state in states]))
        with self._transactions.read() as connection:
            for sink, state, number in connection.execute(query):
                counted[sink][DeliveryState(state)] = number
        return dict(counted)

    @persistent
    def sent_since(self, moment: datetime) -> dict[str, int]:
        """How many deliveries each sink took since a moment."""
        sent = (outbox.c.state == DeliveryState.SENT.value) & (outbox.c.done_at >= moment)
        with self._transactions.read() as connection:
            counted = sa.select(outbox.c.sink, sa.func.count().label("number")).where(sent).group_by(outbox.c.sink)
            return {row.sink: row.number for row in connection.execute(counted)}

    def waiting(self) -> dict[str, dict[DeliveryState, int]]:
        """How many deliveries that are not done each sink has."""
        return self.counts(_NOT_DONE)

    @persistent
    def backlog(self) -> dict[str, Backlog]:
        """What each sink still is to be sent; none has nothing."""
        oldest, due = sa.func.min(outbox.c.created_at), sa.func.min(outbox.c.not_before)
        waiting = [DeliveryState.PENDING.value, DeliveryState.SENDING.value]
        query = (
            sa.select(
                outbox.c.sink, sa.type_coerce(oldest, Moment).label("oldest"), sa.type_coerce(due, Moment).label("due")
            )
            .where(outbox.c.state.in_(waiting))
            .group_by(outbox.c.sink)
        )
        with self._transactions.read() as connection:
            return {row.sink: Backlog(row.oldest, row.due) for row in connection.execute(query)}

    @persistent
    def last_sent(self, sinks: Iterable[str]) -> dict[str, datetime]:
        """When each of these sinks last took a delivery, as far as that is kept."""
        query = sa.select(sa.type_coerce(sa.func.max(outbox.c.not_before), Moment)).where(
            outbox.c.state == DeliveryState.SENT.value, outbox.c.sink == sa.bindparam("its_sink")
        )
        with self._transactions.read() as connection:
            found = {sink: connection.execute(query, {"its_sink": sink}).scalar() for sink in sinks}
        return {sink: moment for sink, moment in found.items() if moment is not None}

    @persistent
    def listed(self, states: Sequence[DeliveryState], *, sink: str = "", limit: int = 1000) -> list[Delivery]:
        """Deliveries of some states, oldest first."""
        query = with_entries().where(outbox.c.state.in_([s.value for s in states])).order_by(outbox.c.pk).limit(limit)
        if sink:
            query = query.where(outbox.c.sink == sink)
        with self._transactions.read() as connection:
            return [to_delivery(row) for row in connection.execute(query)]

    @persistent
    def traces(self, entry_id: str, source: str) -> list[Trace]:
        """All deliveries of an entry, oldest first, with where they come from and what became of them."""
        query = (
            with_entries().where(sources.c.name == source, entries.c.id_key == id_key(entry_id)).order_by(outbox.c.pk)
        )
        with self._transactions.read() as connection:
            rows = connection.execute(query).all()
            failed: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
            pks = [row.pk for row in rows]
            listed = in_chunks(
                connection, pks, lambda part: sa.select(tries).where(tries.c.delivery_pk.in_(part)).order_by(tries.c.pk)
            )
            for row in listed:
                failed[row.delivery_pk].append((row.at, row.error))
        return [
            Trace(
                delivery=to_delivery(row),
                made_for=row.revision,
                carried=row.carried,
                route=row.route,
                why=row.why,
                done_at=row.done_at,
                tries=tuple(failed[row.pk]),
            )
            for row in rows
        ]

    @persistent
    def told_elsewhere(self, entry: Entry, sinks: Sequence[str]) -> list[tuple[str, str]]:
        """The sinks that are told of an entry once across sources, and were by another, each with that source."""
        query = (
            sa.select(outbox.c.sink, sources.c.name)
            .join(entries, entries.c.pk == outbox.c.entry_pk)
            .join(sources, sources.c.pk == entries.c.source_pk)
            .where(outbox.c.across == across(entry), outbox.c.sink.in_(sinks), sources.c.name != entry.source)
            .order_by(outbox.c.pk)
        )
        with self._transactions.read() as connection:
            return [(row.sink, row.name) for row in connection.execute(query)]


@cache
def with_entries() -> sa.Select[Any]:
    """All deliveries, each with its entry as it is now and with what its sink was told of that, for ``to_delivery``."""
    told, new = outbox.alias("told"), ChangeKind.NEW.value
    own = (
        sa.select(told)
        .where(told.c.entry_pk == outbox.c.entry_pk, told.c.sink == outbox.c.sink)
        .limit(1)
        .correlate(outbox)
    )
    message = sa.func.coalesce(told.c.batch, told.c.key)
    is_sent = told.c.state == DeliveryState.SENT.value
    tried = is_sent | (told.c.attempts > 0)  # as one is that some recipients have and others refused
    first = own.with_only_columns(message).where(told.c.change == new, tried).order_by(is_sent.desc(), told.c.pk)
    last = own.with_only_columns(told.c.receipt).where(told.c.receipt != "", is_sent).order_by(told.c.pk.desc())
    return (
        sa.select(
            outbox,
            sa.case((outbox.c.change == new, ""), else_=first.scalar_subquery()).label("first_key"),
            sa.case((outbox.c.change == new, ""), else_=last.scalar_subquery()).label("last_receipt"),
            *entry_columns("entry_"),
        )
        .join(entries, entries.c.pk == outbox.c.entry_pk)
        .join(sources, sources.c.pk == entries.c.source_pk)
    )


def to_delivery(row: Any) -> Delivery:
    """The delivery of a row that ``with_entries`` gave."""
    return Delivery(
        pk=row.pk,
        key=row.key,
        sink=row.sink,
        change=ChangeKind(row.change),
        entry=to_entry(row, "entry_"),
        state=DeliveryState(row.state),
        attempts=row.attempts,
        created=row.created_at,
        not_before=row.not_before,
        error=row.error,
        delivered=frozenset(row.delivered),
        first_key=row.first_key or "",
        receipt=row.last_receipt or "",
    )
