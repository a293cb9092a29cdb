"""Writes what a poll found, in one transaction of its caller."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa

from feedbot.core.history import KEPT, LETTERS, packed
from feedbot.core.identity import PLACE
from feedbot.core.outbox import BACK_FIRST, GONE_FIRST, OPEN, UNDONE
from feedbot.core.text import storable
from feedbot.errors import LeaseLostError
from feedbot.model import ChangeKind, DeliveryState, EditKind, Fingerprints
from feedbot.store.alerts import write_alerts
from feedbot.store.codec import encode, to_text
from feedbot.store.poll import AddedEntry, EditedEntry, Planned, Poll, WithdrawnEntry
from feedbot.store.schema import Encoded, aliases, driven, entries, id_key, meta, outbox, revisions, sources, to_micros
from feedbot.store.schema import polls as history
from feedbot.store.subscriptions import want
from feedbot.store.transactions import Bulk, upsert

Named = tuple[int, tuple[bytes, ...]]
"""An entry's row, with keys that name it."""

FORMER_NAME = "former name of "
"""Before a source's name: the row of ``meta`` that holds the name it had before."""

_PRINTS = ("text_print", "metadata_print", "whole_print")
_OPEN = [state.value for state in OPEN]
_UNTOLD = [*_OPEN, DeliveryState.DEAD.value]

_ENTRIES = Bulk(sa.insert(entries), "source_pk", "id", "id_key", "sort_at", "first_seen", "why", "data", *_PRINTS)
_OUTBOX = Bulk(
    upsert(outbox).on_conflict_do_nothing(),
    "key", "sink", "entry_pk", "across", "change", "revision", "base", "route", "why", "state", "created_at",
    "not_before", "planned_at", "delivered", "digest", "quiet", "most",
)  # fmt: skip
_DRIVEN = {column.name: driven(column.type) for column in sources.c}
_LAST = sa.select(sa.func.max(entries.c.pk))
_SINCE = sa.select(entries.c.id, entries.c.pk).where(
    entries.c.pk > sa.bindparam("last"), entries.c.source_pk == sa.bindparam("source")
)
_place = upsert(aliases)
_other = upsert(aliases)
_IS_PLACE = (aliases.c.key >= PLACE) & (aliases.c.key < bytes([PLACE[0] + 1]))
_KEY = ("source_pk", "key", "entry_pk")
# A place is that of whoever is there now. Any other key that names another entry already names neither from now on.
_PLACES = Bulk(
    _place.on_conflict_do_update(index_elements=list(_KEY[:2]), set_={"entry_pk": _place.excluded.entry_pk}), *_KEY
)
_KEYS = Bulk(
    _other.on_conflict_do_update(
        index_elements=list(_KEY[:2]),
        set_={"entry_pk": sa.null()},
        where=aliases.c.entry_pk.is_not(None) & (aliases.c.entry_pk != _other.excluded.entry_pk),
    ),
    *_KEY,
)
# Statements of each edit, built once as that costs more than to run them.
_FORMER = (
    upsert(revisions)
    .from_select(
        ["entry_pk", "revision", "seen_at", "edit", "why", "data"],
        sa.select(
            entries.c.pk,
            entries.c.revision,
            sa.func.coalesce(entries.c.edited_at, entries.c.first_seen),
            entries.c.edit,
            entries.c.why,
            entries.c.data,
        ).where(entries.c.pk == sa.bindparam("its_pk")),
    )
    .on_conflict_do_nothing()
)
_LONG_AGO = sa.delete(revisions).where(
    revisions.c.entry_pk == sa.bindparam("its_pk"), revisions.c.revision < sa.bindparam("least")
)
_LEFT = sa.delete(aliases).where(
    aliases.c.source_pk == sa.bindparam("source"),
    aliases.c.entry_pk == sa.bindparam("its_pk"),
    _IS_PLACE,
    aliases.c.key != sa.bindparam("place"),
)
_past = upsert(history)
_joined = history.c.recent + _past.excluded.recent
# Literals, as the rows of a Bulk give every parameter.
_too_many = sa.func.length(_joined) - sa.literal_column(str(KEPT * LETTERS))
_one: sa.ColumnElement[int] = sa.literal_column("1")
_HISTORY = Bulk(
    _past.values(
        source_pk=sa.select(sources.c.pk).where(sources.c.name == sa.bindparam("its_name")).scalar_subquery(),
        recent=sa.bindparam("record"),
    ).on_conflict_do_update(
        index_elements=["source_pk"],
        set_={
            "recent": sa.func.substr(
                _joined, sa.case((_too_many > sa.literal_column("0"), _too_many + _one), else_=_one)
            )
        },
    ),
    "its_name",
    "record",
)


def write_polls(connection: sa.Connection, polls: Sequence[Poll]) -> None:
    """Store what polls of different sources found. Raises LeaseLostError where one was taken over by somebody else."""
    quiet: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
    together = connection.dialect.supports_sane_multi_rowcount
    for poll in polls:
        if poll.touches_entries or not together:
            _write(connection, poll)
        else:
            values = _source_values(poll)
            quiet.setdefault(tuple(values), []).append((*values.values(), poll.source, poll.lease))
    for names, rows in quiet.items():
        if _update_many(names)(connection, rows) != len(rows):
            raise _lost(f"one of {len(rows)} sources" if len(rows) > 1 else rows[0][-2])
    # Put each poll behind the last ones of its source, of which the oldest go.
    _HISTORY(connection, [(poll.source, packed(poll.past)) for poll in polls if poll.past is not None])
    for poll in polls:
        if poll.hub is not None:
            want(connection, poll.source, poll.hub, poll.at)
        write_alerts(connection, poll.alerts, poll.at)


def _write(connection: sa.Connection, poll: Poll) -> None:
    if poll.former:
        _take_over(connection, poll)
    values = _source_values(poll)
    updating = _update_and_tell(tuple(values), poll.changes_entries)
    more = len(poll.added) + sum(entry.restored for entry in poll.edited) - len(poll.withdrawn)
    whose = {"its_name": poll.source, "its_lease": poll.lease} | ({"more": more} if poll.changes_entries else {})
    source_pk = connection.execute(updating, values | whose).scalar()
    if source_pk is None:
        raise _lost(poll.source)
    learnt = _add(connection, source_pk, poll.added, poll.at)
    for edited in poll.edited:
        _edit(connection, edited, poll.at, poll.keep_revisions)
        learnt.append((edited.pk, edited.keys))
    for gone in poll.withdrawn:
        _withdraw(connection, gone, poll.at, poll.keep_revisions)
    if poll.missing is not None:
        _count_missing(connection, source_pk, poll.missing)
    _learn(connection, source_pk, [*learnt, *poll.learnt])
    _leave_places(connection, source_pk, [*((e.pk, e.keys) for e in poll.edited), *poll.learnt])


def _take_over(connection: sa.Connection, poll: Poll) -> None:
    """Give the source that is known by its former name the new one, and the lease that the new one was claimed with."""
    claimed = (sources.c.name == poll.source, sources.c.lease_id == poll.lease)
    blank = connection.execute(sa.delete(sources).where(*claimed, sources.c.polled.is_(False)))
    known = connection.execute(
        sa.update(sources)
        .where(sources.c.name == poll.former)
        .values(name=poll.source, lease_id=poll.lease, version=sources.c.version + 1)
    )
    if (blank.rowcount, known.rowcount) != (1, 1):
        raise _lost(poll.source)
    called = upsert(meta).values(name=f"{FORMER_NAME}{poll.source}", value=poll.former)
    connection.execute(called.on_conflict_do_update(index_elements=["name"], set_={"value": called.excluded.value}))


def _lost(what: str) -> LeaseLostError:
    return LeaseLostError(f"{what} was polled by another process meanwhile", "nothing of this poll was kept")


def _source_values(poll: Poll) -> dict[str, Any]:
    """What a poll sets of its source's row, as the database's driver takes it."""
    values: dict[str, Any] = {
        "last_poll": to_micros(poll.at),
        "next_poll": to_micros(poll.next_poll),
        "not_before": _micros(poll.not_before),
        "failures": poll.failures,
        "failing_since": _micros(poll.failing_since),
        "failing_told": poll.failing_told,
        "error": poll.error,
        "gone": poll.gone,
        "lease_id": None,
        "lease_until": None,
    }
    if poll.memory is not None:
        values |= {
            "etag": poll.memory.validators.etag,
            "last_modified": poll.memory.validators.last_modified,
            "body_digest": poll.memory.digest,
            "memory": encode(dict(poll.memory.extra)),
            "polled": True,
        }
    if poll.problems is not None:
        values["wake_at"] = _micros(poll.wake_at)
        values["problems"] = encode([[p.where, p.message, p.hint] for p in poll.problems])
    if poll.rhythm is not None:
        values["rhythm"] = int(poll.rhythm.total_seconds())
    if poll.title or poll.link:
        values |= {"title": poll.title, "link": poll.link}
    given = {"settings_digest": poll.settings_digest, "identity": poll.identity, "listed": poll.listed}
    values |= {name: value for name, value in given.items() if value is not None}
    return values


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


# Statements are built once for each choice of columns, since building one costs more than running it.


@cache
def _update_many(names: tuple[str, ...]) -> Bulk:
    """What sets these columns of claimed sources, whose entries stay as they are."""
    return Bulk(_update_source(names), *names, "its_name", "its_lease")


@cache
def _update_and_tell(names: tuple[str, ...], changed: bool) -> sa.Executable:
    """The same of one source, giving the key of its row, and nothing where it was taken over."""
    update = _update_source(names)
    if changed:
        update = update.values(version=sources.c.version + 1, entries=sources.c.entries + sa.bindparam("more"))
    return update.returning(sources.c.pk)


def _update_source(names: Sequence[str]) -> sa.Update:
    whose = (sources.c.name == sa.bindparam("its_name"), sources.c.lease_id == sa.bindparam("its_lease"))
    return sa.update(sources).where(*whose).values({name: sa.bindparam(name, type_=_DRIVEN[name]) for name in names})


def _add(connection: sa.Connection, source_pk: int, added: Sequence[AddedEntry], now: datetime) -> list[Named]:
    """Store new entries and their deliveries; gives the key each row got, with the keys that name it."""
    if not added:
        return []
    seen = to_micros(now)
    # The order of the rows is that of the announcement: deliveries are sent in the order of their own keys.
    ids = [storable(entry.id) for entry in added]
    rows = [
        (source_pk, own, id_key(own), to_micros(e.sort_at), seen, e.why, to_text(e.content), *_prints(e))
        for own, e in zip(ids, added, strict=True)
    ]
    last = connection.execute(_LAST).scalar() or 0
    _ENTRIES(connection, rows)
    since = connection.execute(_SINCE, {"last": last, "source": source_pk})
    pks: dict[str, int] = dict(map(tuple, since))
    named = [(pks[own], entry) for own, entry in zip(ids, added, strict=True)]
    _enqueue(connection, [(pk, ChangeKind.NEW, 1, delivery) for pk, e in named for delivery in e.deliveries], now)
    return [(pk, entry.keys) for pk, entry in named]


def _edit(connection: sa.Connection, edited: EditedEntry, now: datetime, kept: int) -> None:
    values: dict[str, Any] = {"withdrawn_at": None, **dict(zip(_PRINTS, _prints(edited), strict=True))}
    if edited.restored or edited.edit is not EditKind.NONE:
        _keep_former(connection, edited.pk, edited.revision, kept)
        values |= {
            "revision": edited.revision,
            "edit": "restored" if edited.restored else edited.edit.value,
            "why": edited.why,
            "edited_at": now,
            "restless": edited.restless,
        }
    if edited.edit is not EditKind.NONE:
        values |= {"sort_at": edited.sort_at, "data": sa.literal(to_text(edited.content), Encoded)}
        if edited.revised:
            values["revised_at"] = now
    connection.execute(sa.update(entries).where(entries.c.pk == edited.pk).values(values))
    if edited.restored:
        connection.execute(
            sa.update(outbox)
            .where(
                outbox.c.entry_pk == edited.pk,
                outbox.c.change == ChangeKind.WITHDRAWN.value,
                outbox.c.state.in_(_UNTOLD),
            )
            .values(state=DeliveryState.DROPPED.value, done_at=now, error=BACK_FIRST)
        )
    for shift in edited.shifts:
        connection.execute(
            sa.update(outbox)
            .where(outbox.c.pk == shift.pk, outbox.c.state == DeliveryState.PENDING.value, outbox.c.attempts == 0)
            .values(not_before=shift.not_before, planned_at=now)
        )
    # What was taken up for sending since it was looked at carries the former content.
    told = [d for d in edited.deliveries if d.within is None or not _untold(connection, d.within)]
    if edited.undone:
        dropped = sa.update(outbox).where(outbox.c.pk.in_(edited.undone), outbox.c.state.in_(_OPEN))
        connection.execute(dropped.values(state=DeliveryState.DROPPED.value, done_at=now, error=UNDONE))
    _enqueue(connection, [(edited.pk, ChangeKind.UPDATED, edited.revision, d) for d in told], now)
    _enqueue(connection, [(edited.pk, ChangeKind.NEW, edited.revision, d) for d in edited.announced_anew], now)


def _withdraw(connection: sa.Connection, gone: WithdrawnEntry, now: datetime, kept: int) -> None:
    _keep_former(connection, gone.pk, gone.revision, kept)
    connection.execute(
        sa.update(entries)
        .where(entries.c.pk == gone.pk)
        .values(withdrawn_at=now, revision=gone.revision, edit="withdrawn", why=gone.why, edited_at=now, missing=0)
    )
    # Dead ones too, lest they be tried again; and none of them keeps back the same entry of another source.
    connection.execute(
        sa.update(outbox)
        .where(outbox.c.entry_pk == gone.pk, outbox.c.state.in_(_UNTOLD))
        .values(state=DeliveryState.DROPPED.value, done_at=now, error=GONE_FIRST, across=None)
    )
    _enqueue(connection, [(gone.pk, ChangeKind.WITHDRAWN, gone.revision, d) for d in gone.deliveries], now)


def _keep_former(connection: sa.Connection, pk: int, revision: int, kept: int) -> None:
    """Keep what an entry was until now, and let go of what it was long ago."""
    connection.execute(_FORMER, {"its_pk": pk})
    connection.execute(_LONG_AGO, {"its_pk": pk, "least": revision - kept})


def _untold(connection: sa.Connection, delivery: int) -> bool:
    # Locked, so that nobody takes it up meanwhile with the content that is just being replaced.
    query = sa.select(outbox.c.pk).where(outbox.c.pk == delivery, outbox.c.state.in_(_UNTOLD)).with_for_update()
    return connection.execute(query).first() is not None


def _count_missing(connection: sa.Connection, source_pk: int, missing: Sequence[int]) -> None:
    back = sa.update(entries).where(entries.c.source_pk == source_pk, entries.c.missing > 0)
    if missing:
        connection.execute(sa.update(entries).where(entries.c.pk.in_(missing)).values(missing=entries.c.missing + 1))
        back = back.where(entries.c.pk.not_in(missing))
    connection.execute(back.values(missing=0))


def _learn(connection: sa.Connection, source_pk: int, learnt: Sequence[Named]) -> None:
    """Remember keys of entries."""
    places = [(source_pk, key, pk) for pk, keys in learnt for key in keys if key.startswith(PLACE)]
    others = [(source_pk, key, pk) for pk, keys in learnt for key in keys if not key.startswith(PLACE)]
    _PLACES(connection, places)
    _KEYS(connection, others)


def _leave_places(connection: sa.Connection, source_pk: int, learnt: Sequence[Named]) -> None:
    """Forget the former places of entries that have another one now, so that a new file there is a new post."""
    rows = [
        {"source": source_pk, "its_pk": pk, "place": place}
        for pk, keys in learnt
        for place in [key for key in keys if key.startswith(PLACE)][:1]  # any other is one that it had before
    ]
    if rows:
        connection.execute(_LEFT, rows)


def _enqueue(connection: sa.Connection, planned: Sequence[tuple[int, ChangeKind, int, Planned]], now: datetime) -> None:
    """Make deliveries: of an entry, of a change of it, which made it this revision."""
    at = to_micros(now)
    rows = [
        (
            d.key, d.sink, pk, d.across, change.value, revision, d.base, d.route, d.why, d.state.value, at,
            at if d.not_before is None else to_micros(d.not_before), at, "[]", d.digest, d.quiet, d.most,
        )
        for pk, change, revision, d in planned
    ]  # fmt: skip
    _OUTBOX(connection, rows)


def _prints(entry: AddedEntry | EditedEntry) -> tuple[str, str, str]:
    prints: Fingerprints = entry.fingerprints
    return (prints.text, prints.metadata, prints.whole)
