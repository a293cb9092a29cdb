"""What one poll of a source leads to, and how it is written: all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from feedbot.core.identity import PLACE
from feedbot.core.text import storable
from feedbot.errors import LeaseLostError
from feedbot.model import ChangeKind, Content, DeliveryState, EditKind, Fingerprints, Memory, Problem
from feedbot.store.codec import to_json
from feedbot.store.schema import aliases, entries, outbox, revisions, sources
from feedbot.store.transactions import upsert

_KEPT_REVISIONS = 10


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A delivery to be put into the outbox together with its change.

    No second one of the same sink and ``across`` is made, whatever source it comes from.
    """

    sink: str
    key: str
    across: bytes | None = None
    diff: str = ""
    state: DeliveryState = DeliveryState.PENDING


@dataclass(frozen=True, kw_only=True)
class AddedEntry:
    """A new entry as it is stored. ``sort_at`` is its place among the others."""

    id: str
    content: Content
    sort_at: datetime
    fingerprints: Fingerprints
    keys: tuple[bytes, ...]
    deliveries: tuple[Planned, ...] = ()


@dataclass(frozen=True, kw_only=True)
class EditedEntry:
    """A known entry with other content. ``edit`` NONE keeps its content and revision."""

    pk: int
    revision: int
    content: Content
    sort_at: datetime
    edit: EditKind
    revised: bool
    restored: bool
    restless: int = 0
    fingerprints: Fingerprints
    keys: tuple[bytes, ...]
    deliveries: tuple[Planned, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WithdrawnEntry:
    """An entry that is gone from its source; ``revision`` is that of its withdrawal."""

    pk: int
    revision: int
    deliveries: tuple[Planned, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Poll:
    """What one poll of a source leads to, committed whole or not at all.

    ``memory``, ``settings_digest`` and ``problems`` (with ``wake_at``) keep what they were where they are None.
    """

    source: str
    lease: str
    at: datetime
    next_poll: datetime
    memory: Memory | None = None
    settings_digest: str | None = None
    title: str = ""
    link: str = ""
    failures: int = 0
    failing_since: datetime | None = None
    failing_told: bool = False
    error: str | None = None
    problems: tuple[Problem, ...] | None = None
    gone: bool = False
    rhythm: timedelta | None = None
    wake_at: datetime | None = None
    not_before: datetime | None = None
    added: tuple[AddedEntry, ...] = ()
    edited: tuple[EditedEntry, ...] = ()
    withdrawn: tuple[WithdrawnEntry, ...] = ()
    learnt: tuple[tuple[int, tuple[bytes, ...]], ...] = ()

    @property
    def changes_entries(self) -> bool:
        edits = any(entry.restored or entry.edit is not EditKind.NONE for entry in self.edited)
        return bool(self.added or self.withdrawn or edits)


def write_poll(connection: sa.Connection, poll: Poll) -> None:
    """Store what a poll found, in the caller's transaction.

    Raises LeaseLostError where the source was taken over by somebody else.
    """
    values: dict[str, Any] = {
        "last_poll": poll.at,
        "next_poll": poll.next_poll,
        "not_before": poll.not_before,
        "failures": poll.failures,
        "failing_since": poll.failing_since,
        "failing_told": poll.failing_told,
        "error": None if poll.error is None else storable(poll.error),
        "gone": poll.gone,
        "lease_id": None,
        "lease_until": None,
    }
    if poll.memory is not None:
        values |= {
            "etag": poll.memory.validators.etag,
            "last_modified": poll.memory.validators.last_modified,
            "body_digest": poll.memory.digest,
            "memory": dict(poll.memory.extra),
            "polled": True,
        }
    if poll.problems is not None:
        values["wake_at"] = poll.wake_at
        values["problems"] = [[p.where, p.message, p.hint] for p in poll.problems]
    if poll.rhythm is not None:
        values["rhythm"] = int(poll.rhythm.total_seconds())
    if poll.settings_digest is not None:
        values["settings_digest"] = poll.settings_digest
    if poll.title or poll.link:
        values |= {"title": storable(poll.title), "link": storable(poll.link)}
    if poll.changes_entries:
        values["version"] = sources.c.version + 1
    source_pk = connection.execute(
        sa.update(sources)
        .where(sources.c.name == poll.source, sources.c.lease_id == poll.lease)
        .values(values)
        .returning(sources.c.pk)
    ).scalar()
    if source_pk is None:
        raise LeaseLostError(f"{poll.source} was polled by another process meanwhile", "nothing of this poll was kept")
    learnt = _add(connection, source_pk, poll.added, poll.at)
    for edited in poll.edited:
        _edit(connection, edited, poll.at)
        learnt.append((edited.pk, edited.keys))
    for gone in poll.withdrawn:
        connection.execute(
            sa.update(entries).where(entries.c.pk == gone.pk).values(withdrawn_at=poll.at, revision=gone.revision)
        )
        _enqueue(connection, [(gone.pk, ChangeKind.WITHDRAWN, gone.revision, d) for d in gone.deliveries], poll.at)
    _learn(connection, source_pk, [*learnt, *poll.learnt])
    _leave_places(connection, source_pk, [*((e.pk, e.keys) for e in poll.edited), *poll.learnt])
    if poll.changes_entries:
        live = (
            sa.select(sa.func.count())
            .select_from(entries)
            .where(entries.c.source_pk == source_pk, entries.c.withdrawn_at.is_(None))
        )
        connection.execute(sa.update(sources).where(sources.c.pk == source_pk).values(entries=live.scalar_subquery()))


def _add(
    connection: sa.Connection, source_pk: int, added: Sequence[AddedEntry], now: datetime
) -> list[tuple[int, tuple[bytes, ...]]]:
    """Store new entries and their deliveries; gives the key each row got, with the keys that name it."""
    if not added:
        return []
    rows = [
        {
            "source_pk": source_pk,
            "id": entry.id,
            "sort_at": entry.sort_at,
            "first_seen": now,
            "data": to_json(entry.content),
            **_prints(entry.fingerprints),
        }
        for entry in added
    ]
    # The order of the rows is that of the announcement: deliveries are sent in the order of their own keys.
    insert = sa.insert(entries).returning(entries.c.pk, sort_by_parameter_order=True)
    pks = list(connection.execute(insert, rows).scalars())
    _enqueue(
        connection,
        [
            (pk, ChangeKind.NEW, 1, delivery)
            for pk, entry in zip(pks, added, strict=True)
            for delivery in entry.deliveries
        ],
        now,
    )
    return [(pk, entry.keys) for pk, entry in zip(pks, added, strict=True)]


def _edit(connection: sa.Connection, edited: EditedEntry, now: datetime) -> None:
    values: dict[str, Any] = {"withdrawn_at": None, **_prints(edited.fingerprints)}
    if edited.edit is not EditKind.NONE:
        kept = ["entry_pk", "revision", "replaced_at", "edit", "data"]
        former = sa.select(
            entries.c.pk, entries.c.revision, sa.literal(now, sources.c.last_poll.type), entries.c.edit, entries.c.data
        ).where(entries.c.pk == edited.pk)
        connection.execute(upsert(revisions).from_select(kept, former).on_conflict_do_nothing())
        values |= {
            "revision": edited.revision,
            "edit": edited.edit.value,
            "sort_at": edited.sort_at,
            "data": to_json(edited.content),
            "edited_at": now,
            "restless": edited.restless,
        }
        connection.execute(
            sa.delete(revisions).where(
                revisions.c.entry_pk == edited.pk, revisions.c.revision < edited.revision - _KEPT_REVISIONS
            )
        )
        if edited.revised:
            values["revised_at"] = now
    connection.execute(sa.update(entries).where(entries.c.pk == edited.pk).values(values))
    _enqueue(connection, [(edited.pk, ChangeKind.UPDATED, edited.revision, d) for d in edited.deliveries], now)


def _learn(connection: sa.Connection, source_pk: int, learnt: Sequence[tuple[int, tuple[bytes, ...]]]) -> None:
    """Remember keys of entries.

    One that names another entry already names neither from now on; but a place is that of whoever is there now.
    """
    rows = [{"source_pk": source_pk, "key": key, "entry_pk": pk} for pk, keys in learnt for key in keys]
    if not rows:
        return
    statement = upsert(aliases)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[aliases.c.source_pk, aliases.c.key],
            set_={
                "entry_pk": sa.case(
                    (_is_place(aliases.c.key), statement.excluded.entry_pk),
                    else_=sa.null(),
                )
            },
            where=aliases.c.entry_pk.is_not(None) & (aliases.c.entry_pk != statement.excluded.entry_pk),
        ),
        rows,
    )


def _leave_places(connection: sa.Connection, source_pk: int, learnt: Sequence[tuple[int, tuple[bytes, ...]]]) -> None:
    """Forget the former places of entries that have another one now, so that a new file there is a new post."""
    for pk, keys in learnt:
        places = [key for key in keys if key.startswith(PLACE)]
        if places:
            connection.execute(
                sa.delete(aliases).where(
                    aliases.c.source_pk == source_pk,
                    aliases.c.entry_pk == pk,
                    _is_place(aliases.c.key),
                    aliases.c.key.not_in(places),
                )
            )


def _is_place(key: sa.ColumnElement[bytes]) -> sa.ColumnElement[bool]:
    return (key >= PLACE) & (key < bytes([PLACE[0] + 1]))


def _enqueue(connection: sa.Connection, planned: Sequence[tuple[int, ChangeKind, int, Planned]], now: datetime) -> None:
    """Make deliveries: of an entry, of a change of it, which made it this revision."""
    rows: list[dict[str, Any]] = [
        {
            "key": delivery.key,
            "sink": delivery.sink,
            "entry_pk": pk,
            "across": delivery.across,
            "change": change.value,
            "revision": revision,
            "diff": delivery.diff,
            "state": delivery.state.value,
            "created_at": now,
            "not_before": now,
            "delivered": [],
        }
        for pk, change, revision, delivery in planned
    ]
    if rows:
        connection.execute(upsert(outbox).on_conflict_do_nothing(), rows)


def _prints(prints: Fingerprints) -> dict[str, str]:
    return {
        "text_print": prints.text,
        "markup_print": prints.markup,
        "metadata_print": prints.metadata,
        "whole_print": prints.whole,
    }
