"""What is known of a source's entries before a poll: which keys name them, what they said, what was sent of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from feedbot.core.outbox import GONE_FIRST, Standing
from feedbot.model import ChangeKind, DeliveryState, Fingerprints, Known
from feedbot.store.codec import from_json
from feedbot.store.schema import aliases, announced, entries, id_key, outbox, revisions, sources
from feedbot.store.transactions import Transactions, in_chunks, persistent


@dataclass(frozen=True)
class Stored:
    """A stored entry's content, with when its text or markup was last seen to change."""

    content: Mapping[str, Any]
    first_seen: datetime
    revised_at: datetime | None = None
    edited_at: datetime | None = None
    restless: int = 0
    missing: int = 0


class Knowledge:
    """What a document is compared with, and what planning goes by."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
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

    @persistent
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

    @persistent
    def ids(self, source: str, wanted: Sequence[str]) -> set[str]:
        """Which of these ids entries of the source have already, with those minted of them ("ID#2")."""
        with self._transactions.read() as connection:
            pk = _pk(connection, source)
            own, keys = sa.select(entries.c.id).where(entries.c.source_pk == pk), list(map(id_key, wanted))
            rows = in_chunks(connection, keys, lambda part: own.where(entries.c.id_key.in_(part)))
            taken = {row.id for row in rows}
            for minted in list(taken):
                numbered = own.where(entries.c.id > f"{minted}#", entries.c.id < f"{minted}$")
                taken.update(connection.execute(numbered).scalars())
            return taken

    @persistent
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

    @persistent
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

    @persistent
    def former_contents(self, pk: int, wanted: Collection[int]) -> dict[int, Mapping[str, Any]]:
        """The contents of former revisions of an entry, as far as they are kept."""
        query = sa.select(revisions.c.revision, revisions.c.data).where(
            revisions.c.entry_pk == pk, revisions.c.revision.in_(wanted)
        )
        with self._transactions.read() as connection:
            return {row.revision: from_json(row.data) for row in connection.execute(query)}

    @persistent
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
                        base=row.base,
                        gone_first=row.state == DeliveryState.DROPPED.value and row.error == GONE_FIRST,
                        digest=row.digest,
                        quiet=row.quiet,
                    )
                )
        return found

    @persistent
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
