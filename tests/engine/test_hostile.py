"""What sources, sinks, clocks and other processes may do to a run, and what may not come of it."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from feedbot.app import RunOptions
from feedbot.engine.report import SourceStatus
from feedbot.errors import DeliveryError, LockedError, SourceError
from feedbot.locking import run_lock
from feedbot.model import ChangeKind
from feedbot.plugins import SourceSettings
from feedbot.settings import RouteSettings
from feedbot.store import transactions
from tests.engine.world import RememberingSink, World
from tests.support.build import NOW, at, feed, folder, item, post

EVERYTHING = RouteSettings(to=("log",), on=(ChangeKind.NEW, ChangeKind.UPDATED, ChangeKind.WITHDRAWN))


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_posts_that_share_an_address_are_entries_of_their_own_in_any_poll(world: World) -> None:
    posts = [post(name, f"text {name}", id="https://b.example/", url="https://b.example/") for name in "abcd"]
    for number in range(1, 5):
        assert len(world.run(folder(*posts[:number])).sources["blog"].new) == 1
    assert world.run(folder(*posts)).sources["blog"].entries == 4


def test_two_ids_that_one_entry_had_announce_nothing_when_both_are_listed(world: World) -> None:
    old, new = (item(name, url="https://blog.example/p", title="P") for name in ("g1", "g2"))
    world.run(feed(old))
    for document in (feed(new), feed(old, new), feed(new, old), feed(new), feed(old, new)):
        assert world.run(document).sources["blog"].new == []
    assert len(world.sent) == 1


def test_an_entry_that_moves_after_an_edit_is_the_same(world: World) -> None:
    world.run(feed(item("a", "first")))
    world.run(feed(item("a", "second")))
    moved = item("other-guid", "second", title="A", url="https://elsewhere.example/a")
    assert world.run(feed(moved)).sources["blog"].new == []


def test_text_that_no_database_takes_stops_nothing(world: World) -> None:
    bad = "x\ud800\x00"
    hostile = item(bad, url=f"https://blog.example/{bad}", title=bad, tags=(bad,), extra={bad: bad}, language=bad)
    report = world.run(feed(hostile, title=bad, link=bad))
    assert report.sources["blog"].new == ["x"]
    assert world.run(feed(hostile, title=bad)).sources["blog"].new == []
    assert world.run(SourceError(bad, bad)).sources["blog"].status is SourceStatus.FAILED
    RememberingSink.errors = {"log": [DeliveryError(bad)]}
    world.run(feed(item("b")))
    assert world.run().sinks["log"].pending == 0


def test_a_source_that_says_what_cannot_be_compared_stops_no_other(world: World) -> None:
    deep: dict[str, object] = {}
    for _ in range(5000):
        deep = {"x": deep}
    world.sources["other"] = SourceSettings(type="scripted", backfill="all")
    world.say(feed(item("fine")), "other")
    report = world.run(feed(item("a", extra=deep)))
    assert report.sources["blog"].status is SourceStatus.FAILED
    assert "RecursionError" in str(report.sources["blog"].error)
    assert report.sources["blog"].new == []
    assert report.sources["other"].new == ["fine"]


def test_a_sink_that_cannot_be_closed_has_sent_all_the_same(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RememberingSink, "close", lambda self: 1 / 0)
    report = world.run(feed(item("a")))
    assert (report.sinks["log"].sent, report.sinks["log"].pending) == (1, 0)
    assert "ZeroDivisionError" in report.sinks["log"].errors[0]


def test_an_address_that_changes_at_every_fetch_fills_no_state(world: World) -> None:
    for number in range(40):
        world.run(feed(item("a", url=f"https://blog.example/a?session={number}")))
    with sqlite3.connect(world.folder / "feedbot.db") as database:
        (aliases,) = database.execute("SELECT json_array_length(data, '$.aliases') FROM entries").fetchone()
    assert aliases <= 16
    assert len(world.sent) == 1


@pytest.fixture
def slow_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each commit takes as long as a disk that turns needs to write it down."""
    opened = transactions.Transactions.__init__

    def slowly(self: transactions.Transactions, engine: sa.Engine, path: Path) -> None:
        opened(self, engine, path)

        @sa.event.listens_for(engine, "commit")
        def _sync(connection: sa.Connection) -> None:
            time.sleep(0.02)

    monkeypatch.setattr(transactions.Transactions, "__init__", slowly)


def test_many_sinks_on_a_slow_disk_wait_for_each_other(world: World, slow_disk: None) -> None:
    world.sinks = tuple(f"s{number}" for number in range(12))
    report = world.run(feed(*(item(f"n{number}") for number in range(12))))
    assert {sink.sent for sink in report.sinks.values()} == {12}
    for name in world.sinks:
        assert [entry for sink, _, entry in world.sent if sink == name] == [f"n{n}" for n in range(11, -1, -1)]


def test_a_clock_that_was_set_back_holds_up_no_delivery(world: World) -> None:
    world.now = at(days=365)
    world.run(feed(item("a")), notify=False)
    world.now = NOW
    assert world.run().sinks["log"].sent == 1

    world.now = at(days=365)
    RememberingSink.errors = {"log": [DeliveryError("down")]}
    world.run(feed(item("b")))
    world.now = NOW
    assert world.run().sinks["log"].sent == 1


def test_a_retry_that_waits_is_not_hurried_by_the_next_run(world: World) -> None:
    RememberingSink.errors = {"log": [DeliveryError("429", not_before=at(hours=20))]}
    world.run(feed(item("a")))
    assert world.run().sinks["log"].pending == 1


def test_a_first_poll_that_fails_is_not_the_first(world: World) -> None:
    world.sources = {"blog": SourceSettings(type="scripted", backfill=1)}
    world.run(SourceError("cannot be reached"))
    report = world.run(feed(item("a"), item("b")), later=timedelta(days=1))
    assert sorted(report.sources["blog"].new) == ["a", "b"]
    assert world.sent == [("log", "new", "a")]


def test_gone_back_edited_and_gone_again_each_delivery_has_a_key_of_its_own(world: World) -> None:
    world.routes = [EVERYTHING]
    stays = post("b", "stays")
    for text in ("one", "", "one", "two", "", "two"):
        world.run(folder(post("a", text), stays) if text else folder(stays))
    changes = [(d.change.value, d.entry.revision) for _, d in RememberingSink.sent if d.entry.id == post("a").id]
    assert changes == [("new", 1), ("withdrawn", 2), ("updated", 3), ("withdrawn", 5), ("updated", 6)]
    assert len({delivery.key for _, delivery in RememberingSink.sent}) == 6


def test_every_try_of_a_delivery_has_the_same_key_also_after_an_edit(world: World) -> None:
    keys: list[str] = []

    class Watching(RememberingSink):
        def send(self, delivery: object, now: object) -> None:
            keys.append(delivery.key)  # type: ignore[attr-defined]
            super().send(delivery, now)  # type: ignore[arg-type]

    world.say(feed(item("a", "one")))
    RememberingSink.errors = {"log": [DeliveryError("x"), DeliveryError("y")]}
    for text in ("one", "two", "three"):
        world.now += timedelta(hours=1)
        world.say(feed(item("a", text)))
        app = world.app()
        app.configuration.sink_types["log"] = Watching  # type: ignore[index]
        app.run(RunOptions())
    assert len(keys) == 3
    assert len(set(keys)) == 1
    assert world.sent == [("log", "new", "a")]


def test_settings_that_change_tags_make_no_new_entries(world: World) -> None:
    world.run(folder(post("a"), post("b", "other")))
    world.sources = {"blog": SourceSettings(type="scripted", tags=("added",))}
    report = world.run().sources["blog"]
    assert (report.new, report.withdrawn, len(report.edited)) == ([], [], 2)


def test_settings_that_change_addresses_make_no_new_entries(world: World) -> None:
    texts = {"a": "hello", "b": "other"}
    world.run(folder(*(post(slug, text) for slug, text in texts.items())))
    moved = (
        post(slug, text, id=f"https://new.example/{slug}", url=f"https://new.example/{slug}")
        for slug, text in texts.items()
    )
    report = world.run(folder(*moved)).sources["blog"]
    assert (report.new, report.withdrawn, len(report.edited)) == ([], [], 2)
    assert b"<id>https://blog.example/2026/11/a/</id>" in world.published()["all.atom"]


def traces(place: Path) -> dict[str, tuple[int, str]]:
    return {
        str(path.relative_to(place)): (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
        for path in place.rglob("*")
        if path.is_file()
    }


def test_a_dry_run_over_a_state_leaves_no_trace_and_needs_no_lock(world: World) -> None:
    world.run(feed(item("a")))
    before = traces(world.folder)
    with run_lock(world.folder / "feedbot.db"):
        report = world.run(feed(item("a", "edited"), item("b")), dry_run=True)
    assert report.sources["blog"].new == ["b"]
    assert report.feeds["all"].written
    assert traces(world.folder) == before
    assert world.run(feed(item("a"), item("b"))).sources["blog"].new == ["b"]


def test_a_second_process_is_told_that_the_first_works_and_not_once_it_was_killed(world: World) -> None:
    world.run(feed(item("a")))
    script = (
        "import sys, time; from pathlib import Path; from feedbot.locking import run_lock\n"
        "with run_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(world.folder / "feedbot.db")], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(LockedError):
            world.run(feed(item("b")))
        other.kill()
    assert world.run(feed(item("b"))).sources["blog"].new == ["b"]
