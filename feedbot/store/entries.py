"""Entries as they are read: for feeds, for lists, one by its id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from feedbot.model import Entry
from feedbot.store.codec import from_json
from feedbot.store.schema import entries, feeds, sources
from feedbot.store.transactions import Transactions, upsert

_PAGE = 200


class Entries:
    """What the state holds of entries, and of the feeds made of them."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def newest(self, source_names: Sequence[str]) -> Iterator[Entry]:
        """The entries of some sources that are not withdrawn, newest first, equal dates by id.

        They are read in pages, as far as they are asked for.
        """
        order = (entries.c.sort_at.desc(), entries.c.id, entries.c.pk)
        query = (
            _select()
            .where(sources.c.name.in_(source_names), entries.c.withdrawn_at.is_(None))
            .order_by(*order)
            .limit(_PAGE)
        )
        offset = 0
        while True:
            with self._transactions.read() as connection:
                page = [to_entry(row) for row in connection.execute(query.offset(offset))]
            yield from page
            if len(page) < _PAGE:
                return
            offset += _PAGE

    def find(self, wanted: str) -> list[Entry]:
        """The entries with this id or address, or whose id begins so, where exactly one does."""
        with self._transactions.read() as connection:
            exact = [to_entry(row) for row in connection.execute(_select().where(entries.c.id == wanted))]
            if exact:
                return exact
            begins = _select().where(entries.c.id.startswith(wanted, autoescape=True)).limit(2)
            return [to_entry(row) for row in connection.execute(begins)]

    def feed_record(self, name: str) -> tuple[str, dict[str, list[int]], int]:
        """What a feed was last made of, the files written, and how many entries it had."""
        with self._transactions.read() as connection:
            row = connection.execute(sa.select(feeds).where(feeds.c.name == name)).one_or_none()
            return ("", {}, 0) if row is None else (row.inputs, row.files, row.entries)

    def feed_records(self) -> dict[str, tuple[dict[str, list[int]], int]]:
        """The files and the number of entries of every feed that was written."""
        with self._transactions.read() as connection:
            return {row.name: (row.files, row.entries) for row in connection.execute(sa.select(feeds))}

    def record_feed(self, name: str, inputs: str, files: dict[str, list[int]], number: int) -> None:
        """Remember what a feed was made of, so that it is not made again of the same."""
        values = {"inputs": inputs, "files": files, "entries": number}
        with self._transactions.write() as connection:
            connection.execute(
                upsert(feeds)
                .values(name=name, **values)
                .on_conflict_do_update(index_elements=[feeds.c.name], set_=values)
            )


def entry_columns(prefix: str = "") -> list[sa.Label[Any]]:
    """The columns that make an entry, under names that begin with ``prefix``."""
    own = [entries.c[name].label(prefix + name) for name in ("id", "first_seen", "revision", "data")]
    return [*own, sources.c.name.label(prefix + "source")]


def to_entry(row: Any, prefix: str = "", revision: int | None = None) -> Entry:
    """An entry of a row with such columns."""
    values = row._mapping
    return Entry(
        id=values[prefix + "id"],
        source=values[prefix + "source"],
        first_seen=values[prefix + "first_seen"],
        revision=values[prefix + "revision"] if revision is None else revision,
        **from_json(values[prefix + "data"]),
    )


def _select() -> sa.Select[Any]:
    return sa.select(*entry_columns()).join(sources, sources.c.pk == entries.c.source_pk)
