"""Entries as they are read: for feeds, for lists, one by its id."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from feedbot.core.selection import Head
from feedbot.model import Entry
from feedbot.store.codec import from_json
from feedbot.store.pings import plan
from feedbot.store.schema import entries, feeds, revisions, sources
from feedbot.store.transactions import Transactions, in_chunks, upsert

_PAGE = 100
_LARGEST_PAGE = 10_000


class FeedRecord(NamedTuple):
    """What was published: files with size and time of change, how many entries, and what it was made of."""

    files: dict[str, list[int]]
    entries: int
    inputs: str


@dataclass(frozen=True)
class Revision:
    """One state of an entry: when it was seen, what kind of edit made it, and what was decided about it."""

    entry: Entry
    seen_at: datetime
    edit: str
    why: str


class Entries:
    """What the state holds of entries, and of the feeds made of them."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    def newest(self, source_names: Sequence[str]) -> Iterator[Entry]:
        """The entries of some sources that are not withdrawn, newest first, equal dates by id.

        They are read in pages, as far as they are asked for; the cost of a page does not grow with the state.
        """
        with self._transactions.read() as connection:
            named = in_chunks(
                connection, source_names, lambda part: sa.select(sources.c.pk).where(sources.c.name.in_(part))
            )
            pks = [row.pk for row in named]
            known = connection.execute(sa.select(sa.func.count()).select_from(sources)).scalar_one()
        last: Any = None
        while True:
            query = _of_most(pks, last, every=len(pks) == known) if len(pks) * 2 > known else _of_each(pks, last)
            with self._transactions.read() as connection:
                rows = connection.execute(query).all()
            yield from map(to_entry, rows)
            if len(rows) < _PAGE:
                return
            last = rows[-1]

    def find(self, wanted: str) -> list[Entry]:
        """The entries with this id or address, or whose id begins so, where exactly one does."""
        with self._transactions.read() as connection:
            of_any = entries.c.source_pk.in_(sa.select(sources.c.pk))  # which has the index on ids used
            exact = [to_entry(row) for row in connection.execute(_select().where(of_any, entries.c.id == wanted))]
            if exact:
                return exact
            begins = _select().where(entries.c.id.startswith(wanted, autoescape=True)).limit(2)
            return [to_entry(row) for row in connection.execute(begins)]

    def revisions(self, entry: Entry) -> list[Revision]:
        """The revisions of an entry that are kept, oldest first; the present one is the last."""
        own = (sources.c.name == entry.source) & (entries.c.id == entry.id)
        now = _select(
            sa.func.coalesce(entries.c.edited_at, entries.c.first_seen).label("seen_at"), entries.c.edit, entries.c.why
        )
        former = (
            sa.select(
                entries.c.id,
                entries.c.first_seen,
                sources.c.name.label("source"),
                revisions.c.revision,
                revisions.c.data,
                revisions.c.seen_at,
                revisions.c.edit,
                revisions.c.why,
            )
            .join(entries, entries.c.pk == revisions.c.entry_pk)
            .join(sources, sources.c.pk == entries.c.source_pk)
        )
        with self._transactions.read() as connection:
            rows = [
                *connection.execute(former.where(own).order_by(revisions.c.revision)),
                *connection.execute(now.where(own)),
            ]
        return [Revision(to_entry(row), row.seen_at, row.edit, row.why) for row in rows]

    def heads(self, source_names: Sequence[str], labels: Collection[str] = ()) -> Iterator[Head]:
        """The entries of some sources as far as choosing takes, withdrawn ones too, in the order of ``newest``.

        ``labels``: which of "tags" and "authors" they come with.
        """
        shown = [entries.c.data[name].label(name) for name in sorted(labels)]
        names = ("pk", "id", "revision", "sort_at", "withdrawn_at")
        query = (
            sa.select(*(entries.c[name] for name in names), sources.c.name, *shown)
            .join(sources, sources.c.pk == entries.c.source_pk)
            .where(sources.c.name.in_(source_names))
            .order_by(entries.c.sort_at.desc(), entries.c.id, entries.c.pk)
        )
        offset, size = 0, _PAGE
        while True:
            with self._transactions.read() as connection:
                page = connection.execute(query.offset(offset).limit(size)).all()
            yield from map(_head, page)
            if len(page) < size:
                return
            offset, size = offset + size, min(2 * size, _LARGEST_PAGE)

    def stored(self, pks: Sequence[int]) -> dict[int, Entry]:
        """Entries by their keys."""
        query = sa.select(entries.c.pk, *entry_columns()).join(sources, sources.c.pk == entries.c.source_pk)
        with self._transactions.read() as connection:
            rows = in_chunks(connection, pks, lambda part: query.where(entries.c.pk.in_(part)))
            return {row.pk: to_entry(row) for row in rows}

    def live(self, ids: Sequence[str], source_names: Sequence[str]) -> set[str]:
        """Which of these ids some of the sources have an entry of that is not withdrawn."""
        query = (
            sa.select(entries.c.id)
            .join(sources, sources.c.pk == entries.c.source_pk)
            .where(sources.c.name.in_(source_names), entries.c.withdrawn_at.is_(None))
        )
        with self._transactions.read() as connection:
            return {row.id for row in in_chunks(connection, ids, lambda part: query.where(entries.c.id.in_(part)))}

    def feed_records(self) -> dict[str, FeedRecord]:
        """What was published of every feed: of its parts and archive pages under paths of their own."""
        with self._transactions.read() as connection:
            rows = connection.execute(sa.select(feeds))
            return {row.name: FeedRecord(row.files, row.entries, row.inputs) for row in rows}

    def record_feeds(
        self,
        records: Mapping[str, FeedRecord],
        gone: Collection[str],
        changed: Mapping[str, tuple[str, str]],
        now: datetime,
    ) -> None:
        """Remember what was published, so that it is not made again of the same; forget what is ``gone``.

        ``changed`` has the addresses of feeds of which hubs are to be told: by address, the hub and the feed's name.
        """
        rows = [{"name": name, **record._asdict()} for name, record in records.items()]
        with self._transactions.write() as connection:
            if rows:
                statement = upsert(feeds)
                own = {name: statement.excluded[name] for name in FeedRecord._fields}
                connection.execute(
                    statement.on_conflict_do_update(index_elements=[feeds.c.name], set_=own),
                    rows,
                )
            plan(connection, changed, now)
            if gone:
                connection.execute(
                    sa.delete(feeds).where(feeds.c.name == sa.bindparam("left")), [{"left": n} for n in gone]
                )


def entry_columns(prefix: str = "") -> list[sa.Label[Any]]:
    """The columns that make an entry, under names that begin with ``prefix``."""
    own = [entries.c[name].label(prefix + name) for name in ("id", "first_seen", "revision", "data")]
    return [*own, sources.c.name.label(prefix + "source")]


def to_entry(row: Any, prefix: str = "") -> Entry:
    """An entry of a row with such columns."""
    values = row._mapping
    return Entry(
        id=values[prefix + "id"],
        source=values[prefix + "source"],
        first_seen=values[prefix + "first_seen"],
        revision=values[prefix + "revision"],
        **from_json(values[prefix + "data"]),
    )


def _select(*more: Any) -> sa.Select[Any]:
    return sa.select(*entry_columns(), *more).join(sources, sources.c.pk == entries.c.source_pk)


_ORDER = (entries.c.sort_at.desc(), entries.c.id, entries.c.pk)


def _of_most(pks: Sequence[int], last: Any, *, every: bool) -> sa.Select[Any]:
    """A page of the entries of most sources, or of every one: read along the order of all entries."""
    there = entries.c.withdrawn_at.is_(None) & _after(last)
    # The nought keeps a database from gathering the entries source by source, and sorting them.
    query = _select(entries.c.sort_at, entries.c.pk).where(there).order_by(*_ORDER).limit(_PAGE)
    return query if every else query.where((entries.c.source_pk + 0).in_(pks))


def _of_each(pks: Sequence[int], last: Any) -> sa.Select[Any]:
    """A page of the entries of some sources: the first of each, and of them the first."""
    inner = entries.alias()
    first = (
        sa.select(inner.c.pk)
        .where(inner.c.source_pk == sources.c.pk, inner.c.withdrawn_at.is_(None), _after(last, inner))
        .order_by(inner.c.sort_at.desc(), inner.c.id, inner.c.pk)
        .limit(_PAGE)
        .correlate(sources)
    )
    # The noughts keep a database from going through all entries, of all or of a source, and asking whether each is one.
    newest = (sa.type_coerce(entries.c.sort_at, sa.BigInteger) + 0).desc()
    query = sa.select(*entry_columns(), entries.c.sort_at, entries.c.pk).join(
        sources, sources.c.pk == entries.c.source_pk + 0
    )
    return query.where(sources.c.pk.in_(pks), entries.c.pk.in_(first)).order_by(newest, *_ORDER[1:]).limit(_PAGE)


def _after(last: Any, table: sa.FromClause = entries) -> sa.ColumnElement[bool]:
    if last is None:
        return sa.true()
    later = (table.c.id > last.id) | ((table.c.id == last.id) & (table.c.pk > last.pk))
    return sa.and_(table.c.sort_at <= last.sort_at, (table.c.sort_at < last.sort_at) | later)


def _head(row: Any) -> Head:
    values = row._mapping
    return Head(
        pk=row.pk,
        id=row.id,
        source=row.name,
        revision=row.revision,
        sort_at=row.sort_at,
        withdrawn_at=row.withdrawn_at,
        tags=tuple(values.get("tags") or ()),
        authors=tuple(author.get("name", "") for author in values.get("authors") or ()),
    )
