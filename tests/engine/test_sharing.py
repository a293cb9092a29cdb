"""Publishing where several processes do: a feed is written by one of them at a time."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from feedbot.app import RunOptions
from feedbot.engine.output import Folder
from feedbot.engine.publishing import Publishing
from feedbot.engine.report import FeedReport
from feedbot.engine.sharing import publish
from feedbot.location import Database
from feedbot.settings import FeedSettings
from feedbot.store.store import Store
from tests.engine.world import World
from tests.support.build import at, feed, item


class Shared:
    """A world with two feeds, which several processes publish."""

    def __init__(self, world: World, store: Store) -> None:
        self.world, self.store = world, store

    def publishing(self, lease: str) -> Publishing:
        return self.world.app().cycle(self.store, RunOptions(), lease=lease).publishing

    def publish(self, publishing: Publishing) -> dict[str, FeedReport]:
        feeds = self.world.app().cycle(self.store, RunOptions()).feeds
        return publish(feeds, self.store.sources.shown, publishing)


@pytest.fixture
def shared(tmp_path: Path, database: Database) -> Iterator[Shared]:
    feeds = {"all": FeedSettings(formats=("atom",)), "other": FeedSettings(formats=("atom",))}
    world = World(tmp_path, feedbot={"state": database.url}, feeds=feeds)
    world.run(feed(item("a")))
    with contextlib.closing(Store.open(database)) as store:
        yield Shared(world, store)


def written(reports: dict[str, FeedReport]) -> Sequence[str]:
    return [path for report in reports.values() for path in report.written]


def test_a_feed_that_another_process_writes_is_left_to_it(shared: Shared) -> None:
    (shared.world.folder / "public/all.atom").unlink()
    (shared.world.folder / "public/other.atom").unlink()
    shared.store.turns.take("feed all", "another", shared.world.now)
    reports = shared.publish(shared.publishing("me"))
    assert written(reports) == ["other.atom"]
    assert [name for name, report in reports.items() if report.busy] == ["all"]
    shared.store.turns.give(["feed all"], "another")
    assert written(shared.publish(shared.publishing("me"))) == ["all.atom"]
    assert shared.store.turns.held(shared.world.now) == frozenset()


def test_feeds_that_stand_take_no_turn(shared: Shared) -> None:
    for turn in ("feed all", "feed other"):
        shared.store.turns.take(turn, "another", shared.world.now)
    reports = shared.publish(shared.publishing("me"))
    assert [(report.busy, report.entries) for report in reports.values()] == [(False, 1)] * 2


class Slow(Folder):
    """A folder; while the first file is written so much time goes by that the process is taken for dead."""

    def __init__(self, folder: Path, store: Store) -> None:
        super().__init__(folder)
        self._store = store
        self.paths: list[str] = []

    def write(self, path: str, data: bytes, media_type: str) -> bool:
        if not self.paths:
            self._store.turns.give(["feed all", "feed other"], "me")
        self.paths.append(path)
        return super().write(path, data, media_type)


def test_whoever_slept_through_its_turn_notes_nothing_and_looks_again(shared: Shared) -> None:
    folder = shared.world.folder / "public"
    before = shared.store.entries.feed_records()
    for path in folder.glob("*.atom"):
        path.unlink()
    slow = Slow(folder, shared.store)
    reports = shared.publish(replace(shared.publishing("me"), output=slow))
    assert {name for name, report in reports.items() if report.busy} == {"all", "other"}
    assert shared.store.entries.feed_records() == before
    assert set(written(shared.publish(shared.publishing("me")))) == set()
    assert shared.store.entries.feed_records() != before


def test_a_process_that_slept_for_long_writes_no_further_file(shared: Shared) -> None:
    folder = shared.world.folder / "public"
    for path in folder.glob("*.atom"):
        path.unlink()
    slow = Slow(folder, shared.store)
    ticks = itertools.count()
    slowly = replace(shared.publishing("me"), output=slow, clock=lambda: at(seconds=6 * next(ticks)))
    shared.publish(slowly)
    assert len(slow.paths) == 1
