"""Workers side by side on one state: each source polled once, each entry announced once, each order kept."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from feedbot.location import Database
from feedbot.store.stats import stats
from feedbot.store.store import Store
from tests.scale.village import Process, Village, until, working
from tests.support.web import Answer, Asked, WebServer


@pytest.fixture
def store(database: Database) -> Iterator[Store]:
    """The state, with a queue as if it was never used."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS public_jobs CASCADE")
    with contextlib.closing(Store.open(database)) as opened:
        yield opened


def said(running: list[Process]) -> str:
    return "\n".join(one.said for one in running)


def asked(web: WebServer, path: str) -> list[Asked]:
    return [one for one in web.asked if one.path == path]


def test_two_workers_share_the_sources_and_poll_each_once(
    tmp_path: Path, database: Database, store: Store, web: WebServer
) -> None:
    village = Village(web, 60, delay=0.02)
    village.write(tmp_path, database)
    with working(tmp_path, "one", "two") as running:
        until(lambda: not village.lost, 90, lambda: said(running))
        seen = stats(store, datetime.now(UTC))
        assert [one.end() for one in running] == [143, 143]
    assert set(village.polls.values()) == {1}
    assert len(village.received) == 60
    assert {one.queues for one in seen.workers} == {("poll", "deliver", "publish")}
    assert len(seen.workers) == 2
    assert stats(store, datetime.now(UTC)).workers == ()


def test_what_a_host_is_to_bear_holds_for_all_workers_together(
    tmp_path: Path, database: Database, store: Store, web: WebServer
) -> None:
    village = Village(web, 40, hosts=2, delay=0.05)
    village.write(tmp_path, database)
    with working(tmp_path, "one", "two") as running:
        until(lambda: not village.lost, 90, lambda: said(running))
    assert {host: most for host, most in village.most.items() if host.startswith("127.")} == {
        "127.0.0.1": 2,
        "127.0.1.1": 2,
    }


def test_a_sink_is_served_in_order_and_at_its_rate_however_many_workers_there_are(
    tmp_path: Path, database: Database, store: Store, web: WebServer
) -> None:
    village = Village(web, 1)
    village.issues["s0"] = 12
    village.write(tmp_path, database, sink='rate = "6/s"')
    begun = time.monotonic()
    with working(tmp_path, "one", "two") as running:
        until(lambda: not village.lost, 90, lambda: said(running))
        took = time.monotonic() - begun
    entries = [entry for _, _, entry in village.received]
    assert sorted(entries, key=entries.index) == entries
    assert len(entries) == 12
    assert took > 1


ROUTES = """
[sinks.daily]
type = "webhook"
url = "{0}/daily"

[sinks.former]
type = "webhook"
url = "{0}/former"

[sinks.boss]
type = "webhook"
url = "{0}/boss"

[[routes]]
to = ["team", "former"]

[[routes]]
to = ["daily"]
digest = "0 0 1 1 *"
"""


def test_daemons_a_run_and_a_worker_on_one_state_do_everything_once(
    tmp_path: Path, database: Database, store: Store, web: WebServer
) -> None:
    """Polls, deliveries, a digest, an alert and the feed; and no host is asked more than it is to bear."""
    village = Village(web, 40, hosts=4, delay=0.02)
    for name, status in (("daily", 204), ("former", 410), ("boss", 204)):
        web.answers[f"/{name}"] = Answer(status)
    village.write(tmp_path, database, head='alerts = ["boss"]', more=ROUTES.format(web.url("")))
    with working(tmp_path, "one", "two", command="daemon") as running:
        running += [Process(tmp_path, "three", "worker"), Process(tmp_path, "four", "run")]
        until(lambda: not village.lost, 90, lambda: said(running))
        until(lambda: asked(web, "/boss"), said=lambda: said(running))
        with psycopg.connect(database.url, autocommit=True) as connection:  # New Year's Day is now
            connection.execute("UPDATE outbox SET not_before = created_at WHERE sink = 'daily'")
        until(lambda: asked(web, "/daily"), said=lambda: said(running))
        until(lambda: running[3].code is not None)
        until(lambda: (tmp_path / "public" / "all.atom").read_text().count("<entry>") == 40)
        time.sleep(3)  # for whoever remembers that a source was due
        assert [one.end() for one in running[:3]] == [143] * 3
    assert set(village.polls.values()) == {1}
    assert {host: most for host, most in village.most.items() if host.startswith("127.") and most > 2} == {}
    assert len(village.received) == 40
    digests = [json.loads(one.body)["data"]["entries"] for one in asked(web, "/daily")]
    assert sorted(entry["id"] for entries in digests for entry in entries) == sorted(f"{n}-0" for n in village.names)
    assert len(asked(web, "/former")) == len(asked(web, "/boss")) == 1
    assert stats(store, datetime.now(UTC)).workers == ()


def test_what_a_killed_run_was_delivering_goes_on_soon(
    tmp_path: Path, database: Database, store: Store, web: WebServer
) -> None:
    village = Village(web, 1)
    village.write(tmp_path, database)
    taken = threading.Event()
    usual = web.answers["/hook"]

    def hang(delivery: Asked) -> Answer:
        if taken.is_set():
            assert callable(usual)
            return usual(delivery)
        taken.set()
        time.sleep(3)
        return Answer(503)

    web.answers["/hook"] = hang
    with working(tmp_path, "run", command="run", hasty=True) as (run,):
        assert taken.wait(30), run.said
        begun = time.monotonic()
        run.kill()
    with working(tmp_path, "daemon", command="daemon", hasty=True) as running:
        until(lambda: not village.lost, 30, lambda: said(running))
    assert time.monotonic() - begun < 15


def test_a_worker_follows_its_configuration(tmp_path: Path, database: Database, store: Store, web: WebServer) -> None:
    village = Village(web, 3)
    later = village.names.pop()
    village.write(tmp_path, database)
    with working(tmp_path, "one") as (worker,):
        until(lambda: len(village.polls) == 2, 60, lambda: worker.said)
        village.names.append(later)
        village.write(tmp_path, database, sink='rate = "100/s"')
        until(lambda: not village.lost, 60, lambda: worker.said)
        with (tmp_path / "feedbot.toml").open("a") as file:
            file.write("[sources.bad]\n")
        until(lambda: "was not taken over" in worker.said)
        worker.tell(signal.SIGHUP)
        until(lambda: worker.said.count("was not taken over") == 2)
        village.write(tmp_path, database)
        until(lambda: worker.said.count("read anew") == 2)
        assert worker.end() == 143
    assert set(village.polls.values()) == {1}


def test_a_worker_on_a_file_says_what_it_takes(tmp_path: Path) -> None:
    (tmp_path / "feedbot.toml").write_text('[sources.a]\ntype = "feed"\nurl = "http://127.0.0.1:1/"\n')
    with working(tmp_path, "one") as (only,):
        until(lambda: only.code is not None)
        assert only.code == 2
        assert "a worker needs a state in PostgreSQL" in only.said
        assert "feedbot daemon" in only.said
