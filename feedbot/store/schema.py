"""The tables, as the newest migration leaves them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import sqlalchemy as sa

from feedbot.core.text import storable

REVISION = "0002"
"""The migration that makes these tables; raised together with a new one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Moment(sa.types.TypeDecorator[datetime]):
    """A time as whole microseconds since 1970 in UTC: sorts and compares alike on every database."""

    impl = sa.BigInteger
    cache_ok = True

    # The processors themselves, as those that call process_bind_param cost two calls more for each value.

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[datetime | None], int | None]:  # noqa: ARG002
        return lambda value: None if value is None else to_micros(value)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Callable[[Any], datetime | None]:  # noqa: ARG002
        return lambda value: None if value is None else _EPOCH + timedelta(microseconds=value)


class Text(sa.types.TypeDecorator[str]):
    """Text without what some databases refuse, in the order of its characters on all of them."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        return sa.Text(collation="C" if dialect.name == "postgresql" else None)

    def bind_processor(self, dialect: sa.Dialect) -> Callable[[str | None], str | None]:  # noqa: ARG002
        return lambda value: None if value is None else storable(value)


def to_micros(moment: datetime) -> int:
    """A time as the tables have it."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def id_key(text: str) -> bytes:
    """What an entry is found by that has this id: an index takes no id of any length."""
    return blake2b(storable(text).encode(), digest_size=16).digest()


BigKey = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Json = sa.JSON()
Digest = sa.LargeBinary(16)


class Encoded(sa.types.UserDefinedType[str]):
    """The type of JSON that is text already: sent as it is, where a type of SQLAlchemy's own would encode it again."""

    cache_ok = True

    def get_col_spec(self, **_given: Any) -> str:
        return "JSON"


def driven(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """The type of what a driver is given for a column of this one: a time in microseconds, JSON as text."""
    return sa.BigInteger() if isinstance(kind, Moment) else Encoded() if isinstance(kind, sa.JSON) else kind


def _where(condition: str) -> dict[str, Any]:
    """The condition of an index on some of the rows. PostgreSQL is told of it when the index is made, by ``make``:
    to name that database here has SQLAlchemy import all that it knows of it, in every run on SQLite too."""
    return {"sqlite_where": sa.text(condition)}


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("value", Text, nullable=False),
)

sources = sa.Table(
    "sources",
    metadata,
    sa.Column("pk", BigKey, primary_key=True),
    sa.Column("name", Text, nullable=False, unique=True),
    sa.Column("etag", Text, nullable=False, server_default=""),
    sa.Column("last_modified", Text, nullable=False, server_default=""),
    sa.Column("body_digest", Text, nullable=False, server_default=""),
    sa.Column("memory", Json, nullable=False, server_default="{}"),
    sa.Column("settings_digest", Text, nullable=False, server_default=""),
    sa.Column("title", Text, nullable=False, server_default=""),
    sa.Column("link", Text, nullable=False, server_default=""),
    sa.Column("entries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("polled", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("gone", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failing_since", Moment),
    sa.Column("failing_told", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("error", Text),
    # What was wrong with parts of the source when it was last read: a list of [where, message, hint].
    sa.Column("problems", Json, nullable=False, server_default="[]"),
    sa.Column("last_poll", Moment),
    sa.Column("next_poll", Moment),
    sa.Column("not_before", Moment),
    # Seconds between polls, where they follow the source's own rhythm.
    sa.Column("rhythm", sa.Integer),
    # When the first of the entries that are scheduled is due, so that the source is read anew then.
    sa.Column("wake_at", Moment),
    sa.Column("lease_id", Text),
    sa.Column("lease_until", Moment),
    # Raised with every change to the source's entries, so that a feed tells at a glance whether to be made anew.
    sa.Column("version", BigKey, nullable=False, server_default="0"),
    # The rule by which its entries were named when it was last read, and how many it listed then.
    sa.Column("identity", Text, nullable=False, server_default=""),
    sa.Column("listed", sa.Integer, nullable=False, server_default="0"),
    sa.Index("ix_sources_next_poll", "next_poll"),
    sa.Index("ix_sources_lease_until", "lease_until", **_where("lease_until IS NOT NULL")),
)

polls = sa.Table(
    "polls",
    metadata,
    # The last polls of a source (core.history): beside its row, which is read and written much more often.
    sa.Column("source_pk", BigKey, sa.ForeignKey("sources.pk", ondelete="CASCADE"), primary_key=True),
    sa.Column("recent", Text, nullable=False),
)

entries = sa.Table(
    "entries",
    metadata,
    sa.Column("pk", BigKey, primary_key=True),
    sa.Column("source_pk", BigKey, sa.ForeignKey("sources.pk", ondelete="CASCADE"), nullable=False),
    sa.Column("id", Text, nullable=False),
    sa.Column("id_key", Digest, nullable=False, default=lambda row: id_key(row.get_current_parameters()["id"])),
    sa.Column("sort_at", Moment, nullable=False),
    sa.Column("first_seen", Moment, nullable=False),
    sa.Column("text_print", Text, nullable=False),
    sa.Column("metadata_print", Text, nullable=False),
    sa.Column("whole_print", Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False, server_default="1"),
    # What made the present revision (a depth of edit, "withdrawn" or "restored"), and what was decided about it.
    sa.Column("edit", Text, nullable=False, server_default="none"),
    sa.Column("why", Text, nullable=False, server_default=""),
    sa.Column("revised_at", Moment),
    # When the present revision was seen, if it is not the first, and how many polls in a row brought an edit:
    # content that differs at every poll is no news.
    sa.Column("edited_at", Moment),
    sa.Column("restless", sa.Integer, nullable=False, server_default="0"),
    # In how many polls in a row it was missing, while it is not withdrawn yet.
    sa.Column("missing", sa.Integer, nullable=False, server_default="0"),
    sa.Column("withdrawn_at", Moment),
    sa.Column("data", Json, nullable=False),
    sa.UniqueConstraint("source_pk", "id_key"),
    # The order of feeds, for some sources and for all.
    sa.Index("ix_entries_source_pk_sort_at", "source_pk", "sort_at"),
    sa.Index("ix_entries_sort_at", "sort_at"),
)

aliases = sa.Table(
    "aliases",
    metadata,
    sa.Column("source_pk", BigKey, sa.ForeignKey("sources.pk", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", Digest, primary_key=True),
    # NULL: several entries share the key, so that it names none of them any more.
    sa.Column("entry_pk", BigKey, sa.ForeignKey("entries.pk", ondelete="CASCADE")),
    sa.Index("ix_aliases_entry_pk", "entry_pk"),
    sqlite_with_rowid=False,
)

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("entry_pk", BigKey, sa.ForeignKey("entries.pk", ondelete="CASCADE"), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True),
    sa.Column("seen_at", Moment, nullable=False),
    sa.Column("edit", Text, nullable=False),
    sa.Column("why", Text, nullable=False, server_default=""),
    sa.Column("data", Json, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("pk", BigKey, primary_key=True),
    sa.Column("key", Text, nullable=False, unique=True),
    sa.Column("sink", Text, nullable=False),
    sa.Column("entry_pk", BigKey, sa.ForeignKey("entries.pk", ondelete="CASCADE"), nullable=False),
    # Names the entry across sources, on routes that announce one of several sources once.
    sa.Column("across", sa.LargeBinary(16)),
    sa.Column("change", Text, nullable=False),
    # The revision that it was made for, the one whose content its receiver knows, and the one that it last carried.
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("base", sa.Integer),
    sa.Column("carried", sa.Integer),
    # The routes that led here, and why it was made or is held.
    sa.Column("route", Text, nullable=False, server_default=""),
    sa.Column("why", Text, nullable=False, server_default=""),
    sa.Column("state", Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created_at", Moment, nullable=False),
    # When it is due, and when that was last decided.
    sa.Column("not_before", Moment, nullable=False),
    sa.Column("planned_at", Moment, nullable=False),
    sa.Column("done_at", Moment),
    sa.Column("lease_id", Text),
    sa.Column("lease_until", Moment),
    sa.Column("error", Text, nullable=False, server_default=""),
    sa.Column("delivered", Json, nullable=False),
    # What the sink calls the message that was sent, if it can be edited there.
    sa.Column("receipt", Text, nullable=False, server_default=""),
    # The schedule with whose occasions it goes out, the hours in which it does not, and how many of its routes go
    # out one by one in a run; empty where there is no such thing.
    sa.Column("digest", Text, nullable=False, server_default=""),
    sa.Column("quiet", Text, nullable=False, server_default=""),
    sa.Column("most", sa.BigInteger),
    # The key of the digest that it is part of, from the moment that one was first taken up for sending.
    sa.Column("batch", Text),
    sa.UniqueConstraint("sink", "across"),
    sa.Index("ix_outbox_state_sink", "state", "sink", "not_before", "pk"),
    sa.Index("ix_outbox_entry_pk", "entry_pk"),
    sa.Index("ix_outbox_batch", "batch", **_where("batch IS NOT NULL")),
    # What is forgotten some day; the others tell what was announced across sources, and stay.
    sa.Index("ix_outbox_done_at", "done_at", **_where("across IS NULL")),
)

tries = sa.Table(
    "tries",
    metadata,
    # The last tries of a delivery that failed.
    sa.Column("pk", BigKey, primary_key=True),
    sa.Column("delivery_pk", BigKey, sa.ForeignKey("outbox.pk", ondelete="CASCADE"), nullable=False),
    sa.Column("at", Moment, nullable=False),
    sa.Column("error", Text, nullable=False),
    sa.Index("ix_tries_delivery_pk", "delivery_pk"),
)

sinks = sa.Table(
    "sinks",
    metadata,
    # What is not well with a sink; none has a row that is well.
    sa.Column("name", Text, primary_key=True),
    # When it said that it wants no more deliveries.
    sa.Column("disabled_at", Moment),
    sa.Column("failing_since", Moment),
    sa.Column("failing_told", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("error", Text, nullable=False, server_default=""),
)

announced = sa.Table(
    "announced",
    metadata,
    # Keys of entries that another program has announced, before feedbot took the source over from it.
    sa.Column("source_pk", BigKey, sa.ForeignKey("sources.pk", ondelete="CASCADE"), primary_key=True),
    sa.Column("key", Digest, primary_key=True),
    sqlite_with_rowid=False,
)

feeds = sa.Table(
    "feeds",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("inputs", Text, nullable=False),
    # The files as they were written: path to size and time of change, by which damage is noticed.
    sa.Column("files", Json, nullable=False),
    sa.Column("entries", sa.Integer, nullable=False, server_default="0"),
)

pings = sa.Table(
    "pings",
    metadata,
    # What a WebSub hub is told: that the feed at this address changed. One row an address, however often it changes.
    sa.Column("topic", Text, primary_key=True),
    sa.Column("hub", Text, nullable=False),
    sa.Column("feed", Text, nullable=False),
    sa.Column("state", Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("not_before", Moment, nullable=False),
    sa.Column("error", Text, nullable=False, server_default=""),
    sa.Index("ix_pings_state_not_before", "state", "not_before"),
)

subscriptions = sa.Table(
    "subscriptions",
    metadata,
    # Feeds whose hub pushes what is new to an address of ours, which ends in the token.
    sa.Column("source", Text, primary_key=True),
    sa.Column("hub", Text, nullable=False),
    sa.Column("topic", Text, nullable=False),
    sa.Column("token", Text, nullable=False, unique=True),
    sa.Column("secret", Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("ask_at", Moment, nullable=False),
    sa.Column("lease_until", Moment, nullable=True),
    sa.Column("pushed_at", Moment, nullable=True),
    sa.Column("error", Text, nullable=False, server_default=""),
)

workers = sa.Table(
    "workers",
    metadata,
    # Processes of ``feedbot worker``; what one had claimed that is silent is freed. The id is that of its leases.
    sa.Column("id", Text, primary_key=True),
    sa.Column("host", Text, nullable=False),
    sa.Column("pid", sa.Integer, nullable=False),
    sa.Column("version", Text, nullable=False),
    sa.Column("queues", Text, nullable=False),
    # How many sources it reads side by side, and how many jobs of polling it takes up at once; 0 where it does not.
    sa.Column("readers", sa.Integer, nullable=False),
    sa.Column("slots", sa.Integer, nullable=False),
    sa.Column("started_at", Moment, nullable=False),
    sa.Column("seen_at", Moment, nullable=False),
)

turns = sa.Table(
    "turns",
    metadata,
    # What one process at a time does, where several work on the state: delivering to a sink, publishing.
    sa.Column("name", Text, primary_key=True),
    sa.Column("lease_id", Text, nullable=False),
    sa.Column("lease_until", Moment, nullable=False),
)


def make(connection: sa.Connection) -> None:
    """Make the newest schema at once: running the migrations one by one would cost a second of importing Alembic."""
    if connection.dialect.name == "postgresql":
        for index in (index for table in metadata.tables.values() for index in table.indexes):
            index.dialect_options["postgresql"]["where"] = index.dialect_options["sqlite"]["where"]
    metadata.create_all(connection, checkfirst=False)
    key = "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)"
    connection.exec_driver_sql(f"CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, {key})")
    connection.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{REVISION}')")
    connection.execute(meta.insert().values(name="instance", value=uuid.uuid4().hex))
