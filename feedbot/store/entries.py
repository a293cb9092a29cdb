"""Entries as they are read: for feeds, for lists, one by its id."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from feedbot.core.selection import Head
from feedbot.model import Entry
from feedbot.store.codec import from_json
from feedbot.store.pings import plan
from feedbot.store.schema import entries, feeds, id_key, revisions, sources
from feedbot.store.transactions import Transactions, in_chunks, in_parts, one_of_part, persistent, upsert
from feedbot.store.turns import Held, assure

_PAGE = 100
_LARGEST_PAGE = 10_000


class FeedRecord(NamedTuple):
    """What was published: files with size and time of change, how many entries, and what it was made of."""

    files: dict[str, list[int]]
    entries: int
    inputs: str


class Revision(NamedTuple):
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
        columns = [*entry_columns(), entries.c.sort_at, entries.c.pk]
        for page in self._pages(_Asked(columns, withdrawn=False), source_names):
            yield from map(to_entry, page)

    @persistent
    def find(self, wanted: str) -> list[Entry]:
        """The entries with this id or address, or whose id begins so, where exactly one does."""
        with self._transactions.read() as connection:
            of_any = entries.c.source_pk.in_(sa.select(sources.c.pk))  # which has the index on ids used
            exact = [
                to_entry(row) for row in connection.execute(_select().where(of_any, entries.c.id_key == id_key(wanted)))
            ]
            if exact:
                return exact
            begins = _select().where(entries.c.id.startswith(wanted, autoescape=True)).limit(2)
            return [to_entry(row) for row in connection.execute(begins)]

    @persistent
    def revisions(self, entry: Entry) -> list[Revision]:
        """The revisions of an entry that are kept, oldest first; the present one is the last."""
        own = (sources.c.name == entry.source) & (entries.c.id_key == id_key(entry.id))
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
        wanted = sorted(labels)
        shown = [entries.c.data[name].label(name) for name in wanted]
        names = ("pk", "id", "revision", "sort_at", "withdrawn_at")
        columns = [*(entries.c[name] for name in names), sources.c.name, *shown]
        for page in self._pages(_Asked(columns, withdrawn=True), source_names, largest=_LARGEST_PAGE):
            yield from (_head(row, wanted) for row in page)

    def _pages(self, asked: _Asked, source_names: Sequence[str], largest: int = _PAGE) -> Iterator[Sequence[Any]]:
        """Pages of rows in the order of feeds, each of which begins after the last row of the one before."""
        pks, known = self._pks(source_names)
        most = len(pks) * 2 > known
        largest = largest if most else max(_PAGE, largest // max(1, len(pks)))
        last, size = None, _PAGE
        while pks:
            page = self._page(asked, pks, last, size, most, most and len(pks) == known)
            yield page
            if len(page) < size:
                return
            last, size = page[-1], min(2 * size, largest)

    @persistent
    def _pks(self, source_names: Sequence[str]) -> tuple[list[int], int]:
        """The keys of these sources, and how many sources there are."""
        with self._transactions.read() as connection:
            pks = [row.pk for row in in_parts(connection, source_names, _NAMED)]
            return pks, connection.execute(_NUMBER).scalar_one()

    @persistent
    def _page(
        self, asked: _Asked, pks: Sequence[int], last: Any, size: int, most: bool, every: bool
    ) -> Sequence[sa.Row[Any]]:
        with self._transactions.read() as connection:
            if most:
                query = _of_most(asked, () if every else pks, last)
            else:
                query = (_of_each if connection.dialect.name == "sqlite" else _of_each_sidewise)(asked, pks, last, size)
            return connection.execute(query.limit(size)).all()

    @persistent
    def stored(self, pks: Sequence[int]) -> dict[int, Entry]:
        """Entries by their keys."""
        with self._transactions.read() as connection:
            return {row.pk: to_entry(row) for row in in_parts(connection, pks, _STORED)}

    @persistent
    def live(self, ids: Sequence[str], source_names: Sequence[str]) -> set[str]:
        """Which of these ids some of the sources have an entry of that is not withdrawn."""
        query = (
            sa.select(entries.c.id)
            .join(sources, sources.c.pk == entries.c.source_pk)
            .where(sources.c.name.in_(source_names), entries.c.withdrawn_at.is_(None))
        )
        with self._transactions.read() as connection:
            keys = list(map(id_key, ids))
            return {row.id for row in in_chunks(connection, keys, lambda part: query.where(entries.c.id_key.in_(part)))}

    @persistent
    def feed_records(self) -> dict[str, FeedRecord]:
        """What was published of every feed: of its parts and archive pages under paths of their own."""
        with self._transactions.read() as connection:
            rows = connection.execute(_RECORDS)
            return {row.name: FeedRecord(row.files, row.entries, row.inputs) for row in rows}

    @persistent
    def record_feeds(
        self,
        records: Mapping[str, FeedRecord],
        gone: Collection[str],
        changed: Mapping[str, tuple[str, str]],
        now: datetime,
        held: Held | None = None,
    ) -> None:
        """Remember what was published, so that it is not made again of the same; forget what is ``gone``.

        ``changed`` has the addresses of feeds of which hubs are to be told: by address, the hub and the feed's name.
        Raises LeaseLostError where the turns that were ``held`` for it are not any more.
        """
        rows = [{"name": name, **record._asdict()} for name, record in records.items()]
        with self._transactions.write() as connection:
            if held is not None:
                assure(connection, held)
            if rows:
                connection.execute(_RECORD, rows)
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


# Built once, as that costs more than to run them.
_NAMED = sa.select(sources.c.pk).where(one_of_part(sources.c.name))
_NUMBER = sa.select(sa.func.count()).select_from(sources)
_STORED = _select(entries.c.pk).where(one_of_part(entries.c.pk))
_RECORDS = sa.select(feeds)
_record = upsert(feeds)
_RECORD = _record.on_conflict_do_update(
    index_elements=[feeds.c.name], set_={name: _record.excluded[name] for name in FeedRecord._fields}
)
_ORDER = (entries.c.sort_at.desc(), entries.c.id, entries.c.pk)


class _Asked(NamedTuple):
    """The columns of a page, and whether it has the withdrawn entries too."""

    columns: Sequence[Any]
    withdrawn: bool

    def there(self, table: sa.FromClause) -> sa.ColumnElement[bool]:
        return sa.true() if self.withdrawn else table.c.withdrawn_at.is_(None)


def _of_most(asked: _Asked, pks: Sequence[int], last: Any) -> sa.Select[Any]:
    """A page of the entries of most sources, or of every one where none is named: along the order of all entries."""
    query = sa.select(*asked.columns).join(sources, sources.c.pk == entries.c.source_pk)
    query = query.where(asked.there(entries), _after(last)).order_by(*_ORDER)
    # The nought keeps a database from gathering the entries source by source, and sorting them.
    return query.where(_one_of(entries.c.source_pk + 0, pks)) if pks else query


def _of_each(asked: _Asked, pks: Sequence[int], last: Any, size: int) -> sa.Select[Any]:
    """A page of the entries of some sources: the first of each, and of them the first."""
    # The noughts keep a database from going through all entries, of all or of a source, and asking whether each is one.
    newest = (sa.type_coerce(entries.c.sort_at, sa.BigInteger) + 0).desc()
    query = sa.select(*asked.columns).join(sources, sources.c.pk == entries.c.source_pk + 0)
    first = entries.c.pk.in_(_first(asked, last, size))
    return query.where(_one_of(sources.c.pk, pks), first).order_by(newest, *_ORDER[1:])


def _of_each_sidewise(asked: _Asked, pks: Sequence[int], last: Any, size: int) -> sa.Select[Any]:
    """The same for a database that asks what stands in an IN anew for every row, but has joins for that."""
    first = _first(asked, last, size).lateral("first")
    joined = sources.join(first, sa.true()).join(entries, entries.c.pk == first.c.pk)
    return sa.select(*asked.columns).select_from(joined).where(_one_of(sources.c.pk, pks)).order_by(*_ORDER)


def _first(asked: _Asked, last: Any, size: int) -> sa.Select[tuple[int]]:
    """The first entries of a source that stands outside."""
    inner = entries.alias("inner")
    own = sa.select(inner.c.pk).where(inner.c.source_pk == sources.c.pk, asked.there(inner), _after(last, inner))
    return own.order_by(inner.c.sort_at.desc(), inner.c.id, inner.c.pk).limit(size).correlate(sources)


def _one_of(column: sa.ColumnElement[int], pks: Sequence[int]) -> sa.ColumnElement[bool]:
    """Whether a key is one of any number, which stand in the statement: as parameters they could be too many."""
    return column.in_(sa.bindparam("those", list(pks), expanding=True, literal_execute=True))


def _after(last: Any, table: sa.FromClause = entries) -> sa.ColumnElement[bool]:
    if last is None:
        return sa.true()
    later = (table.c.id > last.id) | ((table.c.id == last.id) & (table.c.pk > last.pk))
    return sa.and_(table.c.sort_at <= last.sort_at, (table.c.sort_at < last.sort_at) | later)


def _head(row: Any, labels: Sequence[str]) -> Head:
    """A row by its places: to look values up by their names costs more than all else of a head."""
    pk, own_id, revision, sort_at, withdrawn_at, source, *shown = row
    values = dict(zip(labels, shown, strict=True))
    return Head(
        pk=pk,
        id=own_id,
        source=source,
        revision=revision,
        sort_at=sort_at,
        withdrawn_at=withdrawn_at,
        tags=tuple(values.get("tags") or ()),
        authors=tuple(author.get("name", "") for author in values.get("authors") or ()),
    )
