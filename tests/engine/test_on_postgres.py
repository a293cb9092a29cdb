"""The engine on a state in PostgreSQL: rounds, dry runs, two at once, text that a database refuses."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from feedbot.errors import DeliveryError
from feedbot.location import Database
from feedbot.model import ChangeKind
from feedbot.plugins import SourceSettings
from feedbot.settings import RouteSettings
from feedbot.store.store import Store
from tests.engine.world import RememberingSink, World
from tests.support.build import feed, item

CHANGES = (ChangeKind.NEW, ChangeKind.UPDATED, ChangeKind.WITHDRAWN)


def made(folder: Path, state: str) -> World:
    folder.mkdir(exist_ok=True)
    return World(
        folder,
        feedbot={"state": state},
        sources={name: SourceSettings(type="scripted", backfill="all") for name in ("blog", "news", "third")},
        routes=[RouteSettings(to=("log",), on=CHANGES)],
    )


@pytest.fixture
def world(tmp_path: Path, database: Database) -> World:
    return made(tmp_path, database.url)


def test_all_goes_as_on_a_file(tmp_path: Path, database: Database) -> None:
    told = []
    for state in ("feedbot.db", database.url):
        world = made(tmp_path / state.partition(":")[0], state)
        world.say(feed(item("a"), item("n")), "news")
        world.run(feed(item("a"), item("b")))
        world.run(feed(item("a", text="edited"), item("b")))
        RememberingSink.errors = {"log": [DeliveryError("down", sink_down=True)]}
        world.run(feed(item("a", text="edited"), item("c")))
        world.run(later=timedelta(days=1))
        told.append((world.sent, world.published()))
    assert len(told[0][0]) >= 5
    assert told[0] == told[1]


def test_a_dry_run_leaves_no_trace(world: World, database: Database) -> None:
    world.run(feed(item("a")))
    tried = world.run(feed(item("a", text="edited"), item("b")), dry_run=True)
    assert tried.sources["blog"].new == ["b"]
    assert list(tried.sources["blog"].edited) == ["a"]
    with contextlib.closing(Store.open(database)) as store:
        assert [entry.id for entry in store.entries.newest(["blog"])] == ["a"]
    assert [entry for _, _, entry in world.sent] == ["a"]
    world.run()
    assert {entry for _, _, entry in world.sent} == {"a", "b"}


def test_a_dry_run_on_an_empty_database_leaves_it_empty(tmp_path: Path, postgres: object) -> None:
    from tests.support.postgres import Databases

    assert isinstance(postgres, Databases)
    database = postgres.empty()
    fresh = World(tmp_path, feedbot={"state": database.url})
    assert fresh.run(feed(item("a")), dry_run=True).sources["blog"].new
    assert not Store.exists(database)
    postgres.drop(database)


def test_two_runs_at_once_announce_each_entry_once(world: World) -> None:
    for name in world.sources:
        world.say(feed(*(item(f"{name}{n}") for n in range(10))), name)
    world.now += timedelta(hours=1)
    apps = [world.app() for _ in range(3)]

    from feedbot.app import RunOptions

    threads = [threading.Thread(target=app.run, args=(RunOptions(),)) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.run()
    assert sorted(entry for _, _, entry in world.sent) == sorted(
        f"{name}{n}" for name in world.sources for n in range(10)
    )


def test_text_that_a_database_refuses_stops_nothing(world: World) -> None:
    odd = "a \0 nul, half \ud83d a pair, \ufffe"
    world.run(feed(item(odd, title=odd, text=odd), item("b"), title=odd))
    assert len(world.sent) == 2
    assert world.published()["all.atom"]
