"""feedbot state: backups and checks of a state in use."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from feedbot.location import Database
from tests.support.cli import feedbot

CONFIG = """
[feedbot]
state = "feedbot.db"
[sources.blog]
type = "feed"
path = "blog.xml"
backfill = "all"
[sinks.log]
type = "file"
path = "log.jsonl"
"""
FEED = '<rss version="2.0"><channel><title>T</title><item><guid>1</guid><title>One</title></item></channel></rss>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "feedbot.toml").write_text(CONFIG)
    (tmp_path / "blog.xml").write_text(FEED)
    assert feedbot("run", "-q", cwd=tmp_path).code == 0
    return tmp_path


def test_a_backup_takes_the_place_of_the_state_and_announces_nothing_again(folder: Path) -> None:
    (folder / "copies").mkdir()
    done = feedbot("state", "backup", "copies", "--json", cwd=folder)
    assert done.code == 0
    copy = folder / done.json["file"]
    assert copy.stat().st_size == done.json["bytes"]
    assert copy.stat().st_mode & 0o077 == 0

    copy.replace(folder / "feedbot.db")
    for leftover in folder.glob("feedbot.db-*"):
        leftover.unlink()
    assert feedbot("run", "--force", "-q", cwd=folder).code == 0

    assert (folder / "log.jsonl").read_text().count('"entry.new"') == 1


def test_a_backup_is_made_while_another_writes(folder: Path) -> None:
    writer = sqlite3.connect(folder / "feedbot.db", isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert feedbot("state", "backup", "copy.db", cwd=folder).code == 0
    finally:
        writer.close()
    assert sqlite3.connect(folder / "copy.db").execute("SELECT count(*) FROM entries").fetchone() == (1,)


def test_a_backup_replaces_nothing(folder: Path) -> None:
    (folder / "mine").write_text("x")

    refused = feedbot("state", "backup", "mine", cwd=folder)

    assert (refused.code, (folder / "mine").read_text()) == (5, "x")
    assert "there already" in refused.err
    assert not list(folder.glob(".feedbot-*"))


def test_a_sound_state_is_told_from_a_damaged_one(folder: Path) -> None:
    assert feedbot("state", "check", cwd=folder).code == 0

    path = folder / "feedbot.db"
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // 4096 * 4096)
        file.write(b"\xff" * 8192)
    damaged = feedbot("state", "check", cwd=folder)

    assert damaged.code == 5
    assert "restore a backup" in damaged.err


def test_without_a_state_there_is_nothing_to_copy(tmp_path: Path) -> None:
    (tmp_path / "feedbot.toml").write_text(CONFIG)
    assert feedbot("state", "backup", cwd=tmp_path).code == 5


def test_a_state_is_copied_to_a_database_and_back_and_announces_nothing_again(folder: Path, database: Database) -> None:
    config = (folder / "feedbot.toml").read_text()
    moved = feedbot("state", "copy", "feedbot.db", database.url, "--json", cwd=folder)
    assert (moved.code, moved.json["rows"]["entries"], moved.json["rows"]["outbox"]) == (0, 1, 1)

    (folder / "feedbot.toml").write_text(config.replace("feedbot.db", database.url))
    assert feedbot("run", "--force", "-q", cwd=folder).code == 0
    assert feedbot("state", "check", cwd=folder).code == 0
    refused = feedbot("state", "backup", cwd=folder)
    assert refused.code == 2
    assert "pg_dump" in refused.err
    assert feedbot("state", "copy", database.url, "back.db", cwd=folder).code == 0
    assert feedbot("state", "copy", database.url, "back.db", cwd=folder).code == 5

    (folder / "feedbot.toml").write_text(config.replace("feedbot.db", "back.db"))
    assert feedbot("run", "--force", "-q", cwd=folder).code == 0
    assert (folder / "log.jsonl").read_text().count('"entry.new"') == 1
