"""What is known of a source's entries before a poll: which keys name them, what they said, what was sent of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from feedbot.core.outbox import GONE_FIRST, Standing
from feedbot.model import ChangeKind, DeliveryState, Fingerprints, Known
from feedbot.store.codec import from_json
from feedbot.store.schema import aliases, announced, entries, id_key, outbox, revisions, sources
from feedbot.store.transactions import Transactions, in_parts, one_of_part, persistent


class Stored(NamedTuple):
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
            return {bytes(key): pk for key, pk in in_parts(connection, keys, _NAMED, source=source)}

    @persistent
    def known(self, source: str, pks: Sequence[int] | None) -> dict[int, Known]:
        """Entries by key as far as the diff needs them; all that are not withdrawn where ``pks`` is None."""
        with self._transactions.read() as connection:
            if pks is None:
                rows: Iterable[Any] = connection.execute(_KNOWN_ALL, {"source": source})
            else:
                rows = in_parts(connection, pks, _KNOWN_SOME)
            return {known.pk: known for known in map(_known, rows)}

    @persistent
    def ids(self, source: str, wanted: Sequence[str]) -> set[str]:
        """Which of these ids entries of the source have already, and which of those that would be minted of them.

        Of each ("ID#2", "ID#3" ...) so many are looked for that one is free for each time that it is wanted.
        """
        with self._transactions.read() as connection:

            def there(ids: Sequence[str]) -> set[str]:
                return {row.id for row in in_parts(connection, list(map(id_key, ids)), _IDS, source=source)}

            taken = there(wanted)
            short = {one: number for one, number in Counter(wanted).items() if one in taken}
            first, width = 2, 1
            while short:
                asked = {one: [f"{one}#{number}" for number in range(first, first + width)] for one in short}
                taken |= there([minted for names in asked.values() for minted in names])
                free = {one: sum(name not in taken for name in names) for one, names in asked.items()}
                short = {one: number - free[one] for one, number in short.items() if number > free[one]}
                first, width = first + width, 2 * width
            return taken

    @persistent
    def with_text(self, source: str, texts: Sequence[str]) -> dict[str, list[int]]:
        """The entries of a source that say exactly this, by the digests of their texts."""
        found: dict[str, list[int]] = {}
        with self._transactions.read() as connection:
            rows = in_parts(connection, texts, _WITH_TEXT, source=source)
            for row in rows:
                found.setdefault(row.text_print, []).append(row.pk)
        return found

    @persistent
    def contents(self, pks: Sequence[int]) -> dict[int, Stored]:
        """The stored contents of entries, which edits are compared with."""
        with self._transactions.read() as connection:
            rows = in_parts(connection, pks, _CONTENTS)
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
            rows = in_parts(connection, pks, _STANDING)
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
                        partly=row.state != DeliveryState.SENT.value and bool(row.delivered),
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
            if connection.execute(_ANY_ANNOUNCED, {"source": source}).first() is None:
                return set()  # as nearly always
            rows = in_parts(connection, keys, _ANNOUNCED, source=source)
            return {bytes(row.key) for row in rows}


# The source by its name, in the statement that asks about its entries.
_PK = sa.select(sources.c.pk).where(sources.c.name == sa.bindparam("source")).scalar_subquery()
_NAMED = sa.select(aliases.c.key, aliases.c.entry_pk).where(aliases.c.source_pk == _PK, one_of_part(aliases.c.key))
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
_KNOWN_ALL = _KNOWN.where(entries.c.source_pk == _PK, entries.c.withdrawn_at.is_(None))
_KNOWN_SOME = _KNOWN.where(one_of_part(entries.c.pk))
_IDS = sa.select(entries.c.id).where(entries.c.source_pk == _PK, one_of_part(entries.c.id_key))
_WITH_TEXT = sa.select(entries.c.pk, entries.c.text_print).where(
    entries.c.source_pk == _PK, one_of_part(entries.c.text_print)
)
_CONTENTS = sa.select(
    entries.c.pk,
    entries.c.data,
    entries.c.first_seen,
    entries.c.revised_at,
    entries.c.edited_at,
    entries.c.restless,
    entries.c.missing,
).where(one_of_part(entries.c.pk))
_STANDING = sa.select(outbox).where(one_of_part(outbox.c.entry_pk)).order_by(outbox.c.pk)
_ANNOUNCED = sa.select(announced.c.key).where(announced.c.source_pk == _PK, one_of_part(announced.c.key))
_ANY_ANNOUNCED = sa.select(announced.c.key).where(announced.c.source_pk == _PK).limit(1)


def _known(row: Any) -> Known:
    # By their places, as a row takes as long to find one value by its name.
    pk, own_id, text, metadata, whole, revision, withdrawn_at, sort_at, first_seen = row
    return Known(
        pk=pk,
        id=own_id,
        published=None if sort_at == first_seen else sort_at,
        fingerprints=Fingerprints(text, metadata, whole),
        revision=revision,
        withdrawn=withdrawn_at is not None,
    )
