"""The state as a file: opened, refused and left alone, migrated."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedbot.errors import StateError
from feedbot.store import schema
from feedbot.store.database import open_state
from feedbot.store.store import Store
from tests.support.build import NOW, at


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "state" / "feedbot.db"
    Store.open(path).close()
    return path


def test_a_state_is_kept_safely_and_to_its_owner_alone(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    engine = open_state(path)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_migrations_lead_to_the_same_tables_as_a_new_state(path: Path, tmp_path: Path) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from feedbot.store.migrate import known_revisions, upgrade

    engine = sa.create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with engine.begin() as connection:
        upgrade(connection)
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, schema.metadata) == []
        assert context.get_current_revision() == schema.REVISION
    assert schema.REVISION in known_revisions()

    def definitions(file: Path) -> dict[str, list[list[object]]]:
        with contextlib.closing(sqlite3.connect(file)) as database:
            return {
                f"{table.name} {what}": sorted(
                    (list(row[1:]) for row in database.execute(f"PRAGMA {what}({table.name})")), key=str
                )
                for table in schema.metadata.sorted_tables
                for what in ("table_info", "index_list", "foreign_key_list")
            }

    assert definitions(tmp_path / "migrated.db") == definitions(path)


def _zeros(path: Path) -> None:
    path.write_bytes(b"")


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database, whatever it may be" * 100)


def _foreign(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("CREATE TABLE bookmarks (url TEXT)")


def _newer(path: Path) -> None:
    Store.open(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")


def _corrupt(path: Path) -> None:
    Store.open(path).close()
    data = bytearray(path.read_bytes())
    data[100:4096] = b"\xff" * 3996
    path.write_bytes(bytes(data))


def _journal_only(path: Path) -> None:
    Path(f"{path}-wal").write_bytes(b"what is left of a state")


def _folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_zeros, "is empty"),
        (_garbage, "damaged"),
        (_foreign, "another program"),
        (_newer, "newer feedbot"),
        (_corrupt, "damaged"),
        (_journal_only, "journal"),
        (_folder, "directory"),
    ],
)
def test_a_state_that_cannot_be_used_is_refused_and_left_as_it_is(tmp_path: Path, spoil: object, words: str) -> None:
    path = tmp_path / "feedbot.db"
    spoil(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None

    with pytest.raises(StateError, match=words) as refusal:
        Store.open(path).sources.states()

    assert refusal.value.exit_code == 5
    assert refusal.value.hint
    assert (path.read_bytes() if path.is_file() else None) == before


def test_a_locked_state_is_told_as_such(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("feedbot.store.sqlite._BUSY_SECONDS", 0.1)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        impatient = Store.open(path)
        with pytest.raises(StateError, match="locked by another program"):
            impatient.sources.claim(["blog"], "lease", at(minutes=5), NOW)


def test_a_state_on_a_read_only_disk_is_told_as_such(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)  # who runs the tests as root may write anywhere
    with pytest.raises(StateError, match="cannot be written"):
        Store.open(path)
