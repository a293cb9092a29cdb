"""Sources: when they are due, and what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from feedbot import faults
from feedbot.core.outbox import GONE_FIRST, Standing
from feedbot.model import ChangeKind, DeliveryState, Fingerprints, Known, Memory, Problem, SourceState, Validators
from feedbot.store.codec import from_json
from feedbot.store.poll import Poll
from feedbot.store.schema import aliases, announced, entries, outbox, sources
from feedbot.store.transactions import Transactions, in_chunks, upsert
from feedbot.store.writing import write_polls


@dataclass(frozen=True)
class Stored:
    """A stored entry's content, with when its text or markup was last seen to change."""

    content: Mapping[str, Any]
    first_seen: datetime
    revised_at: datetime | None = None
    edited_at: datetime | None = None
    restless: int = 0
    missing: int = 0


@dataclass(frozen=True)
class Habits:
    """By which rule a source named its entries when it was last read, and how many it listed."""

    identity: str = ""
    listed: int = 0


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
            if (
                connection.execute(sa.select(announced.c.key).where(announced.c.source_pk == pk).limit(1)).first()
                is None
            ):
                return set()  # as nearly always
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
            for minted in list(taken):
                numbered = sa.select(entries.c.id).where(
                    entries.c.source_pk == pk, entries.c.id > f"{minted}#", entries.c.id < f"{minted}$"
                )
                taken.update(connection.execute(numbered).scalars())
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
                    entries.c.missing,
                ).where(entries.c.pk.in_(part)),
            )
            return {
                row.pk: Stored(
                    from_json(row.data), row.first_seen, row.revised_at, row.edited_at, row.restless, row.missing
                )
                for row in rows
            }

    def standing(self, pks: Sequence[int]) -> dict[int, list[Standing]]:
        """The deliveries of entries, oldest first, as far as planning further ones takes."""
        found: dict[int, list[Standing]] = {pk: [] for pk in pks}
        with self._transactions.read() as connection:
            rows = in_chunks(
                connection,
                pks,
                lambda part: sa.select(outbox).where(outbox.c.entry_pk.in_(part)).order_by(outbox.c.pk),
            )
            for row in rows:
                found[row.entry_pk].append(
                    Standing(
                        pk=row.pk,
                        sink=row.sink,
                        change=ChangeKind(row.change),
                        state=DeliveryState(row.state),
                        attempts=row.attempts,
                        not_before=row.not_before,
                        done_at=row.done_at,
                        carried=row.carried,
                        gone_first=row.state == DeliveryState.DROPPED.value and row.error == GONE_FIRST,
                        digest=row.digest,
                        quiet=row.quiet,
                    )
                )
        return found

    def habits(self, source: str) -> Habits:
        """How the source was when it was last read."""
        with self._transactions.read() as connection:
            row = connection.execute(
                sa.select(sources.c.identity, sources.c.listed).where(sources.c.name == source)
            ).one_or_none()
            return Habits() if row is None else Habits(row.identity, row.listed)

    def with_text(self, source: str, texts: Sequence[str]) -> dict[str, list[int]]:
        """The entries of a source that say exactly this, by the digests of their texts."""
        found: dict[str, list[int]] = {}
        with self._transactions.read() as connection:
            pk = _pk(connection, source)
            rows = in_chunks(
                connection,
                texts,
                lambda part: sa.select(entries.c.pk, entries.c.text_print).where(
                    entries.c.source_pk == pk, entries.c.text_print.in_(part)
                ),
            )
            for row in rows:
                found.setdefault(row.text_print, []).append(row.pk)
        return found

    def commit(self, polls: Sequence[Poll]) -> None:
        """Store what polls found: entries, keys, deliveries, validators and due times in one transaction.

        Raises LeaseLostError, with nothing stored, where a source was taken over by somebody else.
        """
        faults.reach("before-commit")
        with self._transactions.write() as connection:
            write_polls(connection, polls)
        faults.reach("after-commit")


_KNOWN = sa.select(
    entries.c.pk,
    entries.c.id,
    entries.c.text_print,
    entries.c.metadata_print,
    entries.c.whole_print,
    entries.c.revision,
    entries.c.withdrawn_at,
    entries.c.sort_at,
    entries.c.first_seen,
)


def _pk(connection: sa.Connection, source: str) -> int | None:
    return connection.execute(sa.select(sources.c.pk).where(sources.c.name == source)).scalar()


def _known(row: Any) -> Known:
    return Known(
        pk=row.pk,
        id=row.id,
        published=None if row.sort_at == row.first_seen else row.sort_at,
        fingerprints=Fingerprints(row.text_print, row.metadata_print, row.whole_print),
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
