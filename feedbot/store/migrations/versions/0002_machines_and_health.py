"""Several machines at work on a state, the last polls of each source, receipts of messages, ids of any length."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import sqlalchemy as sa
from alembic import op

from feedbot.core import fingerprint, identity
from feedbot.core.dates import rfc3339
from feedbot.model import Content
from feedbot.store.codec import decode, from_json
from feedbot.store.schema import id_key

revision = "0002"
down_revision = "0001"

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
AT_ONCE = 1000  # rows


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _sort_by_characters()
    _new_tables()
    op.create_index(
        "ix_sources_lease_until",
        "sources",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("lease_until IS NOT NULL"),
        postgresql_where=sa.text("lease_until IS NOT NULL"),
    )
    with op.batch_alter_table("outbox") as outbox:
        outbox.add_column(sa.Column("receipt", TEXT, nullable=False, server_default=""))
        outbox.alter_column("most", existing_type=sa.Integer(), type_=sa.BigInteger())
    op.drop_index("ix_entries_sort_at_id", "entries")
    op.add_column("entries", sa.Column("id_key", sa.LargeBinary(length=16), nullable=True))
    _renew_entries(op.get_bind())
    _part_keys(op.get_bind())
    with op.batch_alter_table("entries") as entries:
        entries.alter_column("id_key", existing_type=sa.LargeBinary(length=16), nullable=False)
        entries.drop_constraint("uq_entries_source_pk_id", type_="unique")
        entries.create_unique_constraint(op.f("uq_entries_source_pk_id_key"), ["source_pk", "id_key"])
    op.create_index("ix_entries_sort_at", "entries", ["sort_at"], unique=False)


def _sort_by_characters() -> None:
    inspector = sa.inspect(op.get_bind())
    for table in inspector.get_table_names():
        for column in inspector.get_columns(table):
            if isinstance(column["type"], sa.Text):
                op.alter_column(table, column["name"], type_=sa.Text(collation="C"))


def _new_tables() -> None:
    op.create_table(
        "workers",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", TEXT, nullable=False),
        sa.Column("queues", TEXT, nullable=False),
        sa.Column("readers", sa.Integer(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_table(
        "turns",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("lease_id", TEXT, nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_turns")),
    )
    op.create_table(
        "polls",
        sa.Column("source_pk", BIG_KEY, nullable=False),
        sa.Column("recent", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["source_pk"], ["sources.pk"], name=op.f("fk_polls_source_pk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_pk", name=op.f("pk_polls")),
    )


def _renew_entries(connection: sa.Connection) -> None:
    """Give each entry its key, and digests as they are made now.

    The one of its text is made anew, since entries are found by it. The others are left empty, for they are made of
    all that the source said, of which a part was kept: the next poll that reads the entry compares that.
    """
    rows = sa.text("SELECT pk, source_pk, id, text_print, data FROM entries WHERE pk > :last ORDER BY pk LIMIT :most")
    entry = sa.text(
        "UPDATE entries SET id_key = :id_key, text_print = :print, metadata_print = '', whole_print = '' WHERE pk = :pk"
    )
    alias = sa.text("UPDATE aliases SET key = :key WHERE source_pk = :source_pk AND key = :former")
    last = 0
    while batch := connection.execute(rows, {"last": last, "most": AT_ONCE}).all():
        contents = [Content(**from_json(decode(row.data))) for row in batch]
        prints = [fingerprint.text(content) for content in contents]
        connection.execute(
            entry,
            [{"pk": row.pk, "id_key": id_key(row.id), "print": own} for row, own in zip(batch, prints, strict=True)],
        )
        renamed: list[dict[str, Any]] = [
            {"source_pk": row.source_pk, "key": _by_text(own, content), "former": _by_text(row.text_print, content)}
            for row, own, content in zip(batch, prints, contents, strict=True)
            if content.published is not None
        ]
        if renamed:
            connection.execute(alias, renamed)
        last = batch[-1].pk


def _part_keys(connection: sa.Connection) -> None:
    """Give a key of its own to each of several ids that differ only in characters which no key is made of."""
    shared = "SELECT source_pk, id_key FROM entries GROUP BY source_pk, id_key HAVING count(*) > 1"
    alike = sa.text(f"SELECT pk, id FROM entries WHERE (source_pk, id_key) IN ({shared})")
    for row in connection.execute(alike).all():
        own = blake2b(row.id.encode(), digest_size=16).digest()
        connection.execute(sa.text("UPDATE entries SET id_key = :own WHERE pk = :pk"), {"own": own, "pk": row.pk})


def _by_text(text: str, content: Content) -> bytes:
    """The key that names an entry by what it says and when."""
    assert content.published is not None
    return identity.digest(f"text:{text}:{rfc3339(content.published)}")
