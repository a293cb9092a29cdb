"""Sources: when they are due, what is known of them, and the commit of what a poll found."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from feedbot import faults
from feedbot.core.identity import PLACE
from feedbot.core.text import storable
from feedbot.errors import LeaseLostError
from feedbot.model import (
    ChangeKind,
    Content,
    DeliveryState,
    EditKind,
    Fingerprints,
    Known,
    Memory,
    Problem,
    SourceState,
    Validators,
)
from feedbot.store.codec import from_json, to_json
from feedbot.store.schema import aliases, announced, entries, outbox, revisions, sources
from feedbot.store.transactions import Transactions, in_chunks, upsert


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


@dataclass(frozen=True)
class Stored:
    """A stored entry's content, with when its text or markup was last seen to change."""

    content: Mapping[str, Any]
    first_seen: datetime
    revised_at: datetime | None = None
    edited_at: datetime | None = None
    restless: int = 0


class Sources:
    """What the state holds about sources."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def states(self) -> dict[str, SourceState]:
        """All sources by name, also those that the configuration no longer has."""
        with self._transactions.read() as connection:
            return {row.name: _state(row) for row in connection.execute(sa.select(sources).order_by(sources.c.name))}

    def claim(self, names: Sequence[str], lease: str, until: datetime, now: datetime) -> dict[str, SourceState]:
        """Take sources for polling, so that no one else does until ``until``; gives those that were free."""
        free = sources.c.lease_until.is_(None) | (sources.c.lease_until < now)
        taking = sa.update(sources).where(free).values(lease_id=lease, lease_until=until).returning(sources)
        with self._transactions.write() as connection:
            if names:
                connection.execute(upsert(sources).on_conflict_do_nothing(), [{"name": name} for name in names])
            rows = in_chunks(connection, names, lambda part: taking.where(sources.c.name.in_(part)))
            return {row.name: _state(row) for row in rows}

    def forget(self, names: Sequence[str]) -> None:
        """Have sources read anew at their next poll, as if nothing was known of their last answer."""
        with self._transactions.write() as connection:
            connection.execute(
                sa.update(sources).where(sources.c.name.in_(names)).values(etag="", last_modified="", body_digest="")
            )

    def reset(self, name: str) -> bool:
        """Have a source polled at once and read anew, as if it had never failed; False where it is not known.

        Its entries stay known, so that none of them is announced again.
        """
        fresh: dict[str, Any] = {
            "etag": "",
            "last_modified": "",
            "body_digest": "",
            "memory": {},
            "settings_digest": "",
            "gone": False,
        }
        waiting: dict[str, Any] = {
            "failures": 0,
            "error": None,
            "last_poll": None,
            "next_poll": None,
            "not_before": None,
        }
        with self._transactions.write() as connection:
            changed = connection.execute(sa.update(sources).where(sources.c.name == name).values({**fresh, **waiting}))
            return changed.rowcount > 0

    def adopt(self, announced_before: Mapping[str, Collection[bytes]]) -> frozenset[str]:
        """Take sources over from another program, with the keys of what it has announced; gives those taken.

        Their first poll counts as one of a known source: it announces what none of the keys names. A source that
        was read here already is left as it is.
        """
        unread = sources.c.polled.is_(False) | sources.c.last_poll.is_(None)
        taken: set[str] = set()
        with self._transactions.write() as connection:
            for name, keys in announced_before.items():
                connection.execute(upsert(sources).on_conflict_do_nothing(), {"name": name})
                taking = sa.update(sources).where(sources.c.name == name, unread).values(polled=True)
                pk = connection.execute(taking.returning(sources.c.pk)).scalar()
                if pk is None:
                    continue
                taken.add(name)
                rows = [{"source_pk": pk, "key": key} for key in keys]
                if rows:
                    connection.execute(upsert(announced).on_conflict_do_nothing(), rows)
        return frozenset(taken)

    def announced_before(self, source: str, keys: Sequence[bytes]) -> set[bytes]:
        """Which of these keys name entries that another program has announced."""
        with self._transactions.read() as connection:
            pk = _pk(connection, source)
            rows = in_chunks(
                connection,
                keys,
                lambda part: sa.select(announced.c.key).where(announced.c.source_pk == pk, announced.c.key.in_(part)),
            )
            return {bytes(row.key) for row in rows}

    def release_all(self) -> None:
        """Free what a dead process had claimed; for whoever holds the run lock."""
        with self._transactions.read() as connection:
            if (
                connection.execute(sa.select(sources.c.pk).where(sources.c.lease_id.is_not(None)).limit(1)).first()
                is None
            ):
                return
        with self._transactions.write() as connection:
            connection.execute(sa.update(sources).values(lease_id=None, lease_until=None))

    def named(self, source: str, keys: Sequence[bytes]) -> dict[bytes, int | None]:
        """Which entry each known key names; None for a key that several share."""
        with self._transactions.read() as connection:
            pk = _pk(connection, source)
            rows = in_chunks(
                connection,
                keys,
                lambda part: sa.select(aliases.c.key, aliases.c.entry_pk).where(
                    aliases.c.source_pk == pk, aliases.c.key.in_(part)
                ),
            )
            return {bytes(row.key): row.entry_pk for row in rows}

    def known(self, source: str, pks: Sequence[int] | None) -> dict[int, Known]:
        """Entries by key as far as the diff needs them; all that are not withdrawn where ``pks`` is None."""
        with self._transactions.read() as connection:
            if pks is None:
                rows = connection.execute(
                    _KNOWN.where(entries.c.source_pk == _pk(connection, source), entries.c.withdrawn_at.is_(None))
                )
                return {row.pk: _known(row) for row in rows}
            found = in_chunks(connection, pks, lambda part: _KNOWN.where(entries.c.pk.in_(part)))
            return {row.pk: _known(row) for row in found}

    def ids(self, source: str, wanted: Sequence[str]) -> set[str]:
        """Which of these ids entries of the source have already, with those minted of them ("ID#2")."""
        with self._transactions.read() as connection:
            pk = _pk(connection, source)
            rows = in_chunks(
                connection,
                wanted,
                lambda part: sa.select(entries.c.id).where(entries.c.source_pk == pk, entries.c.id.in_(part)),
            )
            taken = {row.id for row in rows}
            if taken:
                numbered = sa.select(entries.c.id).where(entries.c.source_pk == pk, entries.c.id.like("%#%"))
                taken |= {row.id for row in connection.execute(numbered) if row.id.rpartition("#")[0] in taken}
            return taken

    def dates(self, source: str, number: int) -> list[datetime]:
        """The dates of a source's newest entries."""
        query = (
            sa.select(entries.c.sort_at)
            .join(sources, sources.c.pk == entries.c.source_pk)
            .where(sources.c.name == source, entries.c.withdrawn_at.is_(None))
            .order_by(entries.c.sort_at.desc())
            .limit(number)
        )
        with self._transactions.read() as connection:
            return list(connection.execute(query).scalars())

    def contents(self, pks: Sequence[int]) -> dict[int, Stored]:
        """The stored contents of entries, which edits are compared with."""
        with self._transactions.read() as connection:
            rows = in_chunks(
                connection,
                pks,
                lambda part: sa.select(
                    entries.c.pk,
                    entries.c.data,
                    entries.c.first_seen,
                    entries.c.revised_at,
                    entries.c.edited_at,
                    entries.c.restless,
                ).where(entries.c.pk.in_(part)),
            )
            return {
                row.pk: Stored(from_json(row.data), row.first_seen, row.revised_at, row.edited_at, row.restless)
                for row in rows
            }

    def commit(self, polls: Sequence[Poll]) -> None:
        """Store what polls found: entries, keys, deliveries, validators and due times in one transaction.

        Raises LeaseLostError, with nothing stored, where a source was taken over by somebody else.
        """
        faults.reach("before-commit")
        with self._transactions.write() as connection:
            for poll in polls:
                _commit(connection, poll)
        faults.reach("after-commit")


_KEPT_REVISIONS = 10

_KNOWN = sa.select(
    entries.c.pk,
    entries.c.id,
    entries.c.text_print,
    entries.c.markup_print,
    entries.c.metadata_print,
    entries.c.whole_print,
    entries.c.revision,
    entries.c.withdrawn_at,
    entries.c.sort_at,
    entries.c.first_seen,
)


def _pk(connection: sa.Connection, source: str) -> int | None:
    return connection.execute(sa.select(sources.c.pk).where(sources.c.name == source)).scalar()


def _commit(connection: sa.Connection, poll: Poll) -> None:
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


def _known(row: Any) -> Known:
    return Known(
        pk=row.pk,
        id=row.id,
        published=None if row.sort_at == row.first_seen else row.sort_at,
        fingerprints=Fingerprints(row.text_print, row.markup_print, row.metadata_print, row.whole_print),
        revision=row.revision,
        withdrawn=row.withdrawn_at is not None,
    )


def _state(row: Any) -> SourceState:
    return SourceState(
        name=row.name,
        memory=Memory(Validators(row.etag, row.last_modified), row.body_digest, row.memory),
        settings_digest=row.settings_digest,
        polled=row.polled,
        entries=row.entries,
        failures=row.failures,
        failing_since=row.failing_since,
        failing_told=row.failing_told,
        error=row.error,
        problems=tuple(Problem(*parts) for parts in row.problems),
        last_poll=row.last_poll,
        next_poll=row.next_poll,
        not_before=row.not_before,
        rhythm=None if row.rhythm is None else timedelta(seconds=row.rhythm),
        wake_at=row.wake_at,
        gone=row.gone,
        title=row.title,
        link=row.link,
        version=row.version,
    )
