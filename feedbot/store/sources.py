"""Sources: when they are due, who polls them, and what polls led to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from feedbot import faults
from feedbot.core.history import Past, unpacked
from feedbot.model import ALERTS, Memory, Problem, SourceState, Validators
from feedbot.store.poll import Poll
from feedbot.store.schema import Moment, aliases, announced, entries, meta, polls, sources
from feedbot.store.transactions import Transactions, in_chunks, in_parts, one_of_part, persistent, unless_taken, upsert
from feedbot.store.writing import FORMER_NAME, write_polls

_COLUMNS = tuple(sources.c.keys())
_STATES = sa.select(sources).where(sources.c.name != ALERTS).order_by(sources.c.name)
_SOME_STATES = _STATES.where(one_of_part(sources.c.name))


class Sources:
    """What the state holds about sources."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def states(self, names: Collection[str] | None = None) -> dict[str, SourceState]:
        """Sources by name: those of ``names``, or all, also those that the configuration no longer has."""
        with self._transactions.read() as connection:
            if names is None:
                return states_of(connection.execute(_STATES))
            return states_of(in_parts(connection, sorted(names), _SOME_STATES))

    @persistent
    def shown(self) -> dict[str, SourceState]:
        """All sources by name, as far as feeds show them: whether their entries changed, title and address."""
        query = sa.select(sources.c.name, sources.c.version, sources.c.title, sources.c.link)
        with self._transactions.read() as connection:
            return {
                name: SourceState(name=name, version=version, title=title, link=link)
                for name, version, title, link in connection.execute(query.where(sources.c.name != ALERTS))
            }

    @persistent
    def names(self) -> frozenset[str]:
        """All sources that the state knows."""
        with self._transactions.read() as connection:
            return frozenset(connection.execute(sa.select(sources.c.name).where(sources.c.name != ALERTS)).scalars())

    @persistent
    def history(self, name: str) -> list[Past]:
        """The last polls of a source, newest first."""
        query = sa.select(polls.c.recent).join(sources).where(sources.c.name == name)
        with self._transactions.read() as connection:
            return unpacked(connection.execute(query).scalar() or "")

    @persistent
    def last_new(self) -> dict[str, datetime]:
        """When the newest of each source's entries was first seen."""
        newest = sa.type_coerce(sa.func.max(entries.c.first_seen), Moment).label("newest")
        query = sa.select(sources.c.name, newest).join(entries).group_by(sources.c.name)
        with self._transactions.read() as connection:
            return {row.name: row.newest for row in connection.execute(query)}

    @persistent
    def claim(
        self,
        names: Sequence[str],
        lease: str,
        until: datetime,
        now: datetime,
        *,
        host_of: Callable[[str], str] | None = None,
        known: Mapping[str, SourceState] | None = None,
    ) -> dict[str, SourceState]:
        """Take sources for polling, so that no one else does until ``until``; gives those that were free.

        Those of the same lease are: what was read under it and could not be committed is read again. Where ``host_of``
        tells the host of a source, those are left alone whose host another process polls just now. ``known`` is what
        was just read of them all: it still holds where no other process works on the state.
        """
        if known is not None and self.alone:
            return self._claim_known(names, lease, until, now, known)
        free = _free(lease, now)
        taking = sa.update(sources).values(lease_id=lease, lease_until=until).returning(sources)
        with self._transactions.write() as connection:
            wanted = sorted(names)  # whoever adds some of the same meanwhile does it in the same order
            if host_of is not None and not self.alone:
                wanted = _apart(connection, wanted, lease, now, host_of)
            there = in_chunks(connection, wanted, lambda p: sa.select(sources.c.name).where(sources.c.name.in_(p)))
            added = [{"name": name} for name in sorted(set(wanted) - {row.name for row in there})]
            if added:
                connection.execute(upsert(sources).on_conflict_do_nothing(), added)
            own = sa.select(sources.c.pk).where(free)
            found = in_chunks(connection, wanted, lambda p: unless_taken(own.where(sources.c.name.in_(p))))
            rows = in_chunks(connection, [row.pk for row in found], lambda p: taking.where(sources.c.pk.in_(p)))
            return states_of(rows)

    def _claim_known(
        self, names: Sequence[str], lease: str, until: datetime, now: datetime, known: Mapping[str, SourceState]
    ) -> dict[str, SourceState]:
        taking = sa.update(sources).where(_free(lease, now)).values(lease_id=lease, lease_until=until)
        taking_names = taking.returning(sources.c.name)
        with self._transactions.write() as connection:
            if added := [{"name": name} for name in names if name not in known]:
                connection.execute(upsert(sources).on_conflict_do_nothing(), added)
            rows = in_chunks(connection, names, lambda p: taking_names.where(sources.c.name.in_(p)))
            return {row.name: known.get(row.name) or SourceState(name=row.name) for row in rows}

    @property
    def alone(self) -> bool:
        """Whether no other process works on the state."""
        return self._transactions.alone

    @persistent
    def release(self, names: Sequence[str], lease: str) -> None:
        """Free sources that were claimed and are not to be polled."""
        with self._transactions.write() as connection:
            own = sa.update(sources).where(sources.c.name.in_(names), sources.c.lease_id == lease)
            connection.execute(own.values(lease_id=None, lease_until=None))

    @persistent
    def forget(self, names: Sequence[str]) -> None:
        """Have sources read anew at their next poll, as if nothing was known of their last answer."""
        with self._transactions.write() as connection:
            connection.execute(
                sa.update(sources).where(sources.c.name.in_(names)).values(etag="", last_modified="", body_digest="")
            )

    @persistent
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

    @persistent
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

    @persistent
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

    @persistent
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

    @persistent
    def owners(self, keys: Sequence[bytes], names: Sequence[str]) -> dict[bytes, set[str]]:
        """Which of these sources know an entry by each of these keys."""
        found: dict[bytes, set[str]] = {}
        with self._transactions.read() as connection:
            rows = in_chunks(
                connection,
                keys,
                lambda part: (
                    sa.select(aliases.c.key, sources.c.name)
                    .join(sources, sources.c.pk == aliases.c.source_pk)
                    .where(sources.c.name.in_(names), aliases.c.key.in_(part), aliases.c.entry_pk.is_not(None))
                ),
            )
            for row in rows:
                found.setdefault(bytes(row.key), set()).add(row.name)
        return found

    @persistent
    def former_name(self, source: str) -> str:
        """What a source was called before it was given its name; "" where nothing else is known."""
        query = sa.select(meta.c.value).where(meta.c.name == f"{FORMER_NAME}{source}")
        with self._transactions.read() as connection:
            return str(connection.execute(query).scalar() or "")

    @persistent
    def commit(self, polls: Sequence[Poll]) -> None:
        """Store what polls found: entries, keys, deliveries, validators and due times in one transaction.

        Raises LeaseLostError, with nothing stored, where a source was taken over by somebody else.
        """
        faults.reach("before-commit")
        with self._transactions.write() as connection:
            write_polls(connection, polls)
        faults.reach("after-commit")


def _apart(
    connection: sa.Connection, names: Sequence[str], lease: str, now: datetime, host_of: Callable[[str], str]
) -> list[str]:
    """Those of whose hosts nobody else has claimed a source; until the transaction ends nobody does."""
    from feedbot.store import postgres

    postgres.lock(connection, postgres.SCHEDULING)
    others = sa.select(sources.c.name).where(sources.c.lease_until >= now, sources.c.lease_id != lease)
    busy = {host_of(name) for name in connection.execute(others).scalars()} - {""}
    return [name for name in names if host_of(name) not in busy] if busy else list(names)


def _free(lease: str, now: datetime) -> sa.ColumnElement[bool]:
    """Whether a source may be claimed: nobody else has it, or had it for too long."""
    return sources.c.lease_until.is_(None) | (sources.c.lease_until < now) | (sources.c.lease_id == lease)


def states_of(rows: Iterable[Sequence[Any]]) -> dict[str, SourceState]:
    """What is known of sources, by name, from rows with all of their columns."""
    # A row takes as long to find one value by its name as all by their places.
    states = (_state(dict(zip(_COLUMNS, row, strict=True))) for row in rows)
    return {state.name: state for state in states}


def _state(row: Mapping[str, Any]) -> SourceState:
    return SourceState(
        name=row["name"],
        memory=Memory(Validators(row["etag"], row["last_modified"]), row["body_digest"], row["memory"]),
        settings_digest=row["settings_digest"],
        polled=row["polled"],
        entries=row["entries"],
        failures=row["failures"],
        failing_since=row["failing_since"],
        failing_told=row["failing_told"],
        error=row["error"],
        problems=tuple(Problem(*parts) for parts in row["problems"]),
        last_poll=row["last_poll"],
        next_poll=row["next_poll"],
        not_before=row["not_before"],
        rhythm=None if row["rhythm"] is None else timedelta(seconds=row["rhythm"]),
        wake_at=row["wake_at"],
        gone=row["gone"],
        title=row["title"],
        link=row["link"],
        version=row["version"],
        identity=row["identity"],
        listed=row["listed"],
    )
