"""What status and the metrics show of a distributed installation: workers, queues, how far behind it is."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import psycopg

from feedbot.location import Database
from feedbot.store.store import Store
from tests.support.cli import feedbot

CONFIG = """
[feedbot]
state = "{url}"

[sources.blog]
type = "posts"
path = "posts"
"""


def configured(folder: Path, database: Database) -> Path:
    (folder / "posts").mkdir()
    (folder / "feedbot.toml").write_text(CONFIG.format(url=database.url))
    return folder


def at_work(database: Database, name: str, seconds_ago: float) -> None:
    """Note a worker that was last heard of so long ago."""
    now = int(time.time() * 1e6)
    row = (name, "machine", 4711, "1", "poll,deliver", 16, 4, now - 3_600_000_000, now - int(seconds_ago * 1e6))
    with psycopg.connect(database.url) as connection:
        connection.execute("INSERT INTO workers VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)", row)


def test_workers_queues_and_lag_are_shown(tmp_path: Path, database: Database) -> None:
    folder = configured(tmp_path, database)
    with contextlib.closing(Store.open(database)) as store:
        store.jobs.prepare()
    at_work(database, "a", -60)  # however slow the machine is
    at_work(database, "b", 3600)
    with psycopg.connect(database.url) as connection:
        due = int((time.time() - 120) * 1e6)
        connection.execute("INSERT INTO sources (name, next_poll) VALUES ('blog', %s)", (due,))
    told = feedbot("status", "--json", cwd=folder).json
    assert [(one["state"], one["queues"]) for one in told["workers"]] == [
        ("at work", ["poll", "deliver"]),
        ("silent", ["poll", "deliver"]),
    ]
    assert 115 < told["lag"] < 200
    text = feedbot("status", cwd=folder).out
    assert "machine:4711" in text
    assert "s behind" in text
    metrics = tmp_path / "feedbot.prom"
    assert feedbot("metrics", "--textfile", metrics, cwd=folder).code == 0
    lines = metrics.read_text().splitlines()
    assert 'feedbot_workers{health="at work"} 1.0' in lines
    assert 'feedbot_workers{health="silent"} 1.0' in lines


def test_nothing_of_it_is_shown_where_no_worker_ever_was(tmp_path: Path, database: Database) -> None:
    folder = configured(tmp_path, database)
    Store.open(database).close()
    told = feedbot("status", "--json", cwd=folder).json
    assert (told["workers"], told["queues"]) == ([], {})
    assert "queues" not in feedbot("status", cwd=folder).out
