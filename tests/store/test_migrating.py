"""Bringing a state to a newer schema: a copy of the former is kept, and a newer one is left alone."""

from __future__ import annotations

import logging
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedbot.core import identity
from feedbot.errors import StateError
from feedbot.model import DeliveryState
from feedbot.store import migrate, schema
from feedbot.store.sqlite import APPLICATION_ID
from feedbot.store.store import Store
from feedbot.store.upkeep import faults
from tests.support.cli import feedbot

NEXT = """
from alembic import op

revision = "9001"
down_revision = "{former}"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("{statement}")
"""


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "feedbot.db"
    Store.open(path).close()
    return path


def newer_program(monkeypatch: pytest.MonkeyPatch, folder: Path, statement: str) -> None:
    """Go on as a feedbot that has one migration more."""
    scripts = folder / "migrations"
    shutil.copytree(Path(migrate.__file__).parent / "migrations", scripts)
    (scripts / "versions" / "9001.py").write_text(NEXT.format(former=schema.REVISION, statement=statement))
    monkeypatch.setattr(migrate, "_SCRIPTS", scripts)
    monkeypatch.setattr(schema, "REVISION", "9001")


def version(path: Path) -> str:
    with closing(sqlite3.connect(path)) as state:
        return str(state.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def test_a_copy_of_the_former_state_is_kept_and_told(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    former = schema.REVISION
    newer_program(monkeypatch, tmp_path, "CREATE TABLE later (x INTEGER)")

    with caplog.at_level(logging.WARNING):
        Store.open(state).close()

    copy = tmp_path / f"feedbot-schema-{former}.db"
    assert (version(state), version(copy)) == ("9001", former)
    assert copy.stat().st_mode & 0o077 == 0
    assert str(copy) in caplog.text
    Store.open(state).close()
    assert len(list(tmp_path.glob("feedbot-schema-*"))) == 1  # once, and not at every start


def test_a_migration_that_fails_leaves_the_state_as_it_was(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = schema.REVISION
    newer_program(monkeypatch, tmp_path, "DROP TABLE nowhere")

    for _ in range(2):
        with pytest.raises(StateError):
            Store.open(state)

    assert version(state) == former
    assert len(list(tmp_path.glob("feedbot-schema-*"))) == 2  # no copy takes the place of another


def test_a_state_of_a_newer_program_is_refused_and_left_alone(state: Path) -> None:
    with closing(sqlite3.connect(state)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9001'")
        newer.commit()

    with pytest.raises(StateError, match="written by a newer feedbot") as refused:
        Store.open(state)

    assert (refused.value.exit_code, refused.value.hint) == (5, "upgrade feedbot")
    assert not list(state.parent.glob("feedbot-schema-*"))


CONFIG = """
[feedbot]
state = "feedbot.db"
[sources.blog]
type = "feed"
path = "blog.xml"
interval = "0s"
backfill = "all"
updates = "any"
[sinks.log]
type = "file"
path = "log.jsonl"
"""
DATED = "<pubDate>Mon, 02 Nov 2026 10:00:00 GMT</pubDate>"
ODD = ("urn:odd", "urn:odd\a", "urn:odd\b")  # of one key, but for what is dropped
WRITTEN_BY_THE_FIRST = """
INSERT INTO meta VALUES ('instance', 'here');
INSERT INTO sources (pk, name, polled, entries, listed, identity) VALUES (7, 'blog', 1, 5, 5, 'id');
INSERT INTO entries (pk, source_pk, id, sort_at, first_seen, text_print, metadata_print, whole_print, revision, data)
VALUES (1, 7, 'urn:1', 10, 20, 'former', 'm', 'w', 2,
        '{"title":"One","content":"<p>Hello</p>","published":"2026-11-02T10:00:00+00:00"}'),
       (2, 7, 'urn:2', 11, 20, 'former', 'm', 'w', 1, '{"title":"Two"}');
INSERT INTO revisions (entry_pk, revision, seen_at, edit, data) VALUES (1, 1, 20, 'none', '{"title":"Once"}');
INSERT INTO outbox (pk, key, sink, entry_pk, change, revision, state, created_at, not_before, planned_at, done_at,
                    delivered, most, batch, error)
VALUES (1, 'a', 'log', 1, 'new', 1, 'sent', 20, 20, 20, 21, '[]', NULL, NULL, ''),
       (2, 'b', 'log', 2, 'new', 1, 'dead', 20, 20, 20, 21, '["x"]', 3, 'c', 'no');
INSERT INTO tries (delivery_pk, at, error) VALUES (2, 21, 'no');
INSERT INTO announced VALUES (7, x'00112233445566778899aabbccddeeff');
"""


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A state as the first schema has it, with something in every table that points to another."""
    path = tmp_path / "feedbot.db"
    engine = sa.create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        migrate.upgrade(connection, "0001")
    engine.dispose()
    with closing(sqlite3.connect(path)) as state:
        state.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        state.executescript(WRITTEN_BY_THE_FIRST)
        odd = "INSERT INTO entries SELECT ?, 7, ?, 12, 20, 'f', 'm', 'w', 1, 'none', '', NULL, NULL, 0, 0, NULL, '{}'"
        state.executemany(odd, enumerate(ODD, 3))
        names = [(1, "id:urn:1"), (1, "text:former:2026-11-02T10:00:00Z"), (2, "id:urn:2")]
        aliases = [(identity.digest(name), pk) for pk, name in names]
        state.executemany("INSERT INTO aliases VALUES (7, ?, ?)", aliases)
        state.commit()
    return path


def test_all_that_the_first_schema_held_is_there_in_the_next(first: Path) -> None:
    def rows(path: Path) -> dict[str, int]:
        tables = ("sources", "entries", "aliases", "revisions", "outbox", "tries", "announced", "meta")
        with closing(sqlite3.connect(path)) as state:
            return {name: state.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}

    before = rows(first)
    store = Store.open(first)

    assert rows(first) == before == rows(first.with_name("feedbot-schema-0001.db"))
    assert (version(first), version(first.with_name("feedbot-schema-0001.db"))) == (schema.REVISION, "0001")
    assert faults(first) == []
    assert {entry.id for entry in store.entries.newest(["blog"])} == {"urn:1", "urn:2", *ODD}
    assert [entry.title for entry in store.entries.find("urn:1")] == ["One"]
    assert store.deliveries.counts() == {"log": {DeliveryState.SENT: 1, DeliveryState.DEAD: 1}}
    assert store.instance() == "here"
    store.close()


def test_what_points_to_a_table_that_is_made_anew_goes_with_its_rows_as_before(first: Path) -> None:
    store = Store.open(first)
    with store._transactions.write() as connection:
        connection.exec_driver_sql("DELETE FROM entries WHERE pk = 1")
        left = [connection.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar() for t in ("aliases", "revisions")]
    store.close()
    assert left == [1, 0]


def test_a_run_on_a_state_of_the_first_schema_announces_what_is_new_and_nothing_else(first: Path) -> None:
    """The first has another id now, and is known by its date and text, of which digests are made in another way now."""
    (first.parent / "feedbot.toml").write_text(CONFIG)
    items = (
        "<guid>urn:1-moved</guid><title>One</title><description>&lt;p&gt;Hello&lt;/p&gt;</description>" + DATED,
        "<guid>urn:2</guid><title>Two</title>",
        "<guid>urn:3</guid><title>Three</title>",
    )
    listed = "".join(f"<item>{item}</item>" for item in items)
    (first.parent / "blog.xml").write_text(f'<rss version="2.0"><channel>{listed}</channel></rss>')

    tried = feedbot("run", "--force", "--dry-run", "--json", cwd=first.parent)
    assert (tried.code, version(first)) == (0, "0001")
    done = feedbot("run", "--force", "--json", cwd=first.parent)

    assert done.code == 0
    (told,) = (first.parent / "log.jsonl").read_text().splitlines()
    assert "Three" in told
    assert done.json["sources"]["blog"]["updated"] == []
    assert done.json["sources"]["blog"]["edited"] == {}


@pytest.mark.parametrize(
    ("harm", "part"),
    [
        ("DROP TABLE tries", "tries"),
        ("ALTER TABLE outbox DROP COLUMN quiet", "outbox.quiet"),
        ("DROP INDEX ix_entries_sort_at_id", "entries.ix_entries_sort_at_id"),
    ],
)
def test_a_state_that_lacks_what_its_schema_has_is_refused_and_left_alone(first: Path, harm: str, part: str) -> None:
    with closing(sqlite3.connect(first)) as state:
        state.execute(harm)
        state.commit()

    with pytest.raises(StateError, match=f"is not whole: it lacks {part}, which its schema 0001 has"):
        Store.open(first)

    assert version(first) == "0001"
    assert not list(first.parent.glob("feedbot-schema-*"))


def test_a_table_that_is_missing_later_is_told_in_a_sentence(state: Path) -> None:
    with closing(sqlite3.connect(state)) as harmed:
        harmed.execute("DROP TABLE polls")
    store = Store.open(state)

    with pytest.raises(StateError, match="is not whole: no such table: polls"):
        store.sources.history("blog")

    store.close()
