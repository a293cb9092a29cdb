"""feedbot state prune: the state gets smaller, and nothing old is announced again."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.cli import feedbot

CONFIG = """
[feedbot]
state = "feedbot.db"
retention = "1d"
[sources.blog]
type = "feed"
path = "blog.xml"
backfill = "all"
[feeds.all]
formats = ["atom"]
limit = 2
[sinks.log]
type = "file"
path = "log.jsonl"
"""
PRUNE = ("state", "prune", "--older-than", "30d")


def feed(*names: str) -> str:
    """A feed of entries that are as many days of 2020 old as their names say."""
    items = "".join(
        f"<item><guid>{name}</guid><title>Entry {name}</title><link>https://example.org/{name}</link>"
        f"<pubDate>2020-01-{int(name):02}</pubDate><description>{name * 3000}</description></item>"
        for name in names
    )
    return f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>'


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a state of old entries, to be copied."""
    folder = tmp_path_factory.mktemp("grown")
    (folder / "feedbot.toml").write_text(CONFIG)
    poll(folder, "9", "8", "7", "6", "5", "4", "3", "2", "1")
    poll(folder, "10", "9", "8")
    years_pass(folder)
    return folder


@pytest.fixture
def folder(grown: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(grown, tmp_path, dirs_exist_ok=True))


def poll(folder: Path, *names: str) -> None:
    (folder / "blog.xml").write_text(feed(*names))
    assert feedbot("run", "-q", "--force", cwd=folder).code == 0


def years_pass(folder: Path) -> None:
    """Have all that happened so far be long ago."""
    ago = 100_000_000_000_000
    script(
        folder / "feedbot.db",
        f"UPDATE entries SET first_seen = first_seen - {ago}; UPDATE outbox SET done_at = done_at - {ago}",
    )


def script(path: Path, statements: str) -> None:
    with closing(sqlite3.connect(path)) as state:
        state.executescript(statements)


def rows(folder: Path, table: str) -> int:
    with sqlite3.connect(folder / "feedbot.db") as state:
        return int(state.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def announced(folder: Path) -> int:
    return (folder / "log.jsonl").read_text().count('"entry.new"')


def test_old_entries_that_no_feed_lists_go(folder: Path) -> None:
    done = feedbot(*PRUNE, "--json", cwd=folder)

    assert (done.code, done.json["entries"], done.json["deliveries"]) == (0, {"blog": 7}, 10)
    assert rows(folder, "entries") == 3
    assert feedbot("status", "--json", cwd=folder).json["sources"]["blog"]["entries"] == 3
    assert feedbot("state", "check", cwd=folder).code == 0
    assert feedbot(*PRUNE, "--json", cwd=folder).json["entries"] == {}


def test_what_comes_back_is_announced_to_nobody(folder: Path) -> None:
    assert feedbot(*PRUNE, cwd=folder).code == 0

    poll(folder, "11", "10", "9", "8", "7", "6", "5", "4", "3", "2", "1")

    assert announced(folder) == 11
    assert rows(folder, "entries") == 11


def test_what_is_still_to_be_delivered_stays(folder: Path) -> None:
    with sqlite3.connect(folder / "feedbot.db") as state:
        state.execute(
            "UPDATE outbox SET state = 'dead' WHERE entry_pk = (SELECT pk FROM entries ORDER BY sort_at LIMIT 1)"
        )
    assert feedbot(*PRUNE, "--json", cwd=folder).json["entries"] == {"blog": 6}


def test_without_an_age_no_entry_goes(folder: Path) -> None:
    done = feedbot("state", "prune", "--json", cwd=folder)
    assert (done.json["entries"], done.json["deliveries"], rows(folder, "entries")) == ({}, 10, 10)


def test_more_may_be_kept(folder: Path) -> None:
    assert feedbot(*PRUNE, "--keep", "8", "--json", cwd=folder).json["entries"] == {"blog": 2}


def test_sources_of_an_archive_keep_all(folder: Path) -> None:
    (folder / "feedbot.toml").write_text(
        CONFIG.replace("limit = 2", "limit = 2\narchive = true").replace(
            "[feedbot]", '[feedbot]\nbase_url = "https://x.org/"'
        )
    )
    assert feedbot(*PRUNE, "--json", cwd=folder).json["entries"] == {}


def test_a_dry_run_only_tells(folder: Path) -> None:
    told = feedbot(*PRUNE, "--dry-run", cwd=folder)

    assert told.out == "blog: 7 entries\nwould let go of 7 entries, 10 deliveries done long ago\n"
    assert (rows(folder, "entries"), rows(folder, "outbox")) == (10, 10)


@pytest.mark.parametrize("made_before_that_was_possible", [False, True])
def test_the_room_is_given_back_to_the_disk(folder: Path, made_before_that_was_possible: bool) -> None:
    path = folder / "feedbot.db"
    if made_before_that_was_possible:
        script(path, "PRAGMA journal_mode = DELETE; PRAGMA auto_vacuum = NONE; VACUUM")
    script(path, "CREATE TABLE filler (x); INSERT INTO filler VALUES (zeroblob(8000000)); DROP TABLE filler")
    script(path, "PRAGMA wal_checkpoint(TRUNCATE)")
    before = os.stat(path).st_size

    given = feedbot("state", "prune", "--json", cwd=folder).json["bytes"]

    assert before > 8_000_000 > 1_000_000 > os.stat(path).st_size
    assert given == before - os.stat(path).st_size
    assert feedbot("state", "check", cwd=folder).code == 0


def test_an_age_that_is_none_is_refused(folder: Path) -> None:
    refused = feedbot("state", "prune", "--older-than", "long", cwd=folder)
    assert (refused.code, "is no duration" in refused.err) == (2, True)


def test_a_state_in_use_is_left_alone(folder: Path) -> None:
    from feedbot.locking import run_lock

    with run_lock(folder / "feedbot.db"):
        assert feedbot(*PRUNE, cwd=folder).code == 6
