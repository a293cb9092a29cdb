"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON()


def upgrade() -> None:
    op.create_table(
        "feeds",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("files", JSON, nullable=False),
        sa.Column("entries", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_feeds")),
    )
    op.create_table(
        "meta",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_meta")),
    )
    op.create_table(
        "sources",
        sa.Column("pk", BIG_KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), server_default="", nullable=False),
        sa.Column("last_modified", sa.Text(), server_default="", nullable=False),
        sa.Column("body_digest", sa.Text(), server_default="", nullable=False),
        sa.Column("memory", JSON, server_default="{}", nullable=False),
        sa.Column("settings_digest", sa.Text(), server_default="", nullable=False),
        sa.Column("title", sa.Text(), server_default="", nullable=False),
        sa.Column("link", sa.Text(), server_default="", nullable=False),
        sa.Column("entries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("polled", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("gone", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("failing_told", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("problems", JSON, server_default="[]", nullable=False),
        sa.Column("last_poll", sa.BigInteger(), nullable=True),
        sa.Column("next_poll", sa.BigInteger(), nullable=True),
        sa.Column("not_before", sa.BigInteger(), nullable=True),
        sa.Column("rhythm", sa.Integer(), nullable=True),
        sa.Column("wake_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_id", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("version", BIG_KEY, server_default="0", nullable=False),
        sa.Column("identity", sa.Text(), server_default="", nullable=False),
        sa.Column("listed", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_sources_name")),
    )
    op.create_index("ix_sources_next_poll", "sources", ["next_poll"], unique=False)
    op.create_table(
        "entries",
        sa.Column("pk", BIG_KEY, nullable=False),
        sa.Column("source_pk", BIG_KEY, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("sort_at", sa.BigInteger(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("text_print", sa.Text(), nullable=False),
        sa.Column("metadata_print", sa.Text(), nullable=False),
        sa.Column("whole_print", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("edit", sa.Text(), server_default="none", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("revised_at", sa.BigInteger(), nullable=True),
        sa.Column("edited_at", sa.BigInteger(), nullable=True),
        sa.Column("restless", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missing", sa.Integer(), server_default="0", nullable=False),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.Column("data", JSON, nullable=False),
        sa.ForeignKeyConstraint(["source_pk"], ["sources.pk"], name=op.f("fk_entries_source_pk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_entries")),
        sa.UniqueConstraint("source_pk", "id", name=op.f("uq_entries_source_pk_id")),
    )
    op.create_index("ix_entries_sort_at_id", "entries", ["sort_at", "id"], unique=False)
    op.create_index("ix_entries_source_pk_sort_at", "entries", ["source_pk", "sort_at"], unique=False)
    op.create_table(
        "aliases",
        sa.Column("source_pk", BIG_KEY, nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.Column("entry_pk", BIG_KEY, nullable=True),
        sa.ForeignKeyConstraint(["entry_pk"], ["entries.pk"], name=op.f("fk_aliases_entry_pk"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["source_pk"], ["sources.pk"], name=op.f("fk_aliases_source_pk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_pk", "key", name=op.f("pk_aliases")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_aliases_entry_pk", "aliases", ["entry_pk"], unique=False)
    op.create_table(
        "announced",
        sa.Column("source_pk", BIG_KEY, nullable=False),
        sa.Column("key", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(["source_pk"], ["sources.pk"], name=op.f("fk_announced_source_pk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("source_pk", "key", name=op.f("pk_announced")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "outbox",
        sa.Column("pk", BIG_KEY, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("entry_pk", BIG_KEY, nullable=False),
        sa.Column("across", sa.LargeBinary(length=16), nullable=True),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("base", sa.Integer(), nullable=True),
        sa.Column("carried", sa.Integer(), nullable=True),
        sa.Column("route", sa.Text(), server_default="", nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_id", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.Column("delivered", JSON, nullable=False),
        sa.Column("digest", sa.Text(), server_default="", nullable=False),
        sa.Column("quiet", sa.Text(), server_default="", nullable=False),
        sa.Column("most", sa.Integer(), nullable=True),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["entry_pk"], ["entries.pk"], name=op.f("fk_outbox_entry_pk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        sa.UniqueConstraint("sink", "across", name=op.f("uq_outbox_sink_across")),
    )
    op.create_index(
        "ix_outbox_batch",
        "outbox",
        ["batch"],
        unique=False,
        sqlite_where=sa.text("batch IS NOT NULL"),
        postgresql_where=sa.text("batch IS NOT NULL"),
    )
    op.create_index(
        "ix_outbox_done_at",
        "outbox",
        ["done_at"],
        unique=False,
        sqlite_where=sa.text("across IS NULL"),
        postgresql_where=sa.text("across IS NULL"),
    )
    op.create_index("ix_outbox_entry_pk", "outbox", ["entry_pk"], unique=False)
    op.create_index("ix_outbox_state_sink", "outbox", ["state", "sink", "not_before", "pk"], unique=False)
    op.create_table(
        "pings",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_pings")),
    )
    op.create_index("ix_pings_state_not_before", "pings", ["state", "not_before"], unique=False)
    op.create_table(
        "subscriptions",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("ask_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("pushed_at", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("token", name=op.f("uq_subscriptions_token")),
    )
    op.create_table(
        "sinks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("failing_told", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("error", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sinks")),
    )
    op.create_table(
        "tries",
        sa.Column("pk", BIG_KEY, nullable=False),
        sa.Column("delivery_pk", BIG_KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["delivery_pk"], ["outbox.pk"], name=op.f("fk_tries_delivery_pk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_tries")),
    )
    op.create_index("ix_tries_delivery_pk", "tries", ["delivery_pk"], unique=False)
    op.create_table(
        "revisions",
        sa.Column("entry_pk", BIG_KEY, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("edit", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), server_default="", nullable=False),
        sa.Column("data", JSON, nullable=False),
        sa.ForeignKeyConstraint(["entry_pk"], ["entries.pk"], name=op.f("fk_revisions_entry_pk"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("entry_pk", "revision", name=op.f("pk_revisions")),
    )
