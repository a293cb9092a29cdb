"""Copying a state from a file to a database and back: all of it, and nothing is announced again."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from feedbot.errors import StateError
from feedbot.location import Database, Location
from feedbot.model import ChangeKind
from feedbot.plugins import SourceSettings
from feedbot.settings import RouteSettings
from feedbot.store.copying import copy
from feedbot.store.store import Store
from tests.engine.world import World
from tests.store.test_store import added, poll
from tests.support.build import NOW, at, feed, item

CHANGES = (ChangeKind.NEW, ChangeKind.UPDATED, ChangeKind.WITHDRAWN)


def world(folder: Path, state: str) -> World:
    return World(
        folder,
        feedbot={"state": state},
        sources={"blog": SourceSettings(type="scripted", backfill="all")},
        routes=[RouteSettings(to=("log",), on=CHANGES)],
    )


@pytest.mark.parametrize("to_database", [True, False], ids=["to a database", "to a file"])
def test_a_run_on_a_copy_goes_on_where_the_other_was(tmp_path: Path, database: Database, to_database: bool) -> None:
    file = tmp_path / "feedbot.db"
    places: tuple[Location, Location] = (file, database) if to_database else (database, file)
    before = world(tmp_path, "feedbot.db" if to_database else database.url)
    before.run(feed(item("a"), item("b"), item("c")))
    before.run(feed(item("a", text="edited"), item("b"), item("c")))
    published = before.published()

    rows = copy(*places, at(days=1))
    after = world(tmp_path, database.url if to_database else "feedbot.db")
    after.now = before.now
    again = after.run(feed(item("a", text="edited"), item("b"), item("c")))

    assert rows["entries"] == 3
    assert rows["outbox"] == 4
    assert not again.sources["blog"].new
    assert not again.sources["blog"].edited
    assert after.sent == []
    assert after.published() == published
    after.run(feed(item("a", text="edited"), item("b", text="edited too"), item("c"), item("d")))
    assert {change[1:] for change in after.sent} == {("updated", "b"), ("new", "d")}


def test_a_target_that_holds_something_is_refused(tmp_path: Path, database: Database) -> None:
    file = tmp_path / "feedbot.db"
    with contextlib.closing(Store.open(file)) as store:
        poll(store, added(item("a")))
    copy(file, database, NOW)
    with pytest.raises(StateError, match="in use"):
        copy(file, database, NOW)
    with pytest.raises(StateError, match="there already"):
        copy(database, file, at(hours=1))
    with pytest.raises(StateError, match="itself"):
        copy(file, file, NOW)


def test_a_database_that_is_worked_on_is_not_copied(tmp_path: Path, database: Database) -> None:
    with contextlib.closing(Store.open(database)) as store:
        store.sources.claim(["blog"], "lease", at(minutes=15), NOW)
    with pytest.raises(StateError, match="works on"):
        copy(database, tmp_path / "feedbot.db", NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_copy_that_fails_leaves_nothing_behind(tmp_path: Path, database: Database) -> None:
    file = tmp_path / "feedbot.db"
    with contextlib.closing(Store.open(file)) as store:
        poll(store, *(added(item(f"e{n}"), "log") for n in range(50)))
    with contextlib.closing(sqlite3.connect(file)) as broken, broken:
        broken.execute("UPDATE entries SET data = '{\"text' WHERE id = 'e49'")
    with pytest.raises(StateError):
        copy(file, database, NOW)
    with contextlib.closing(Store.open(database)) as store:
        assert store.sources.states() == {}
