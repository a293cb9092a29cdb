"""Sources taken over from another program: what it announced is not announced again, what it missed is."""

from __future__ import annotations

from pathlib import Path

from feedbot.core.identity import digest
from feedbot.engine.report import SourceStatus
from feedbot.plugins import SourceSettings
from feedbot.store.store import Store
from tests.engine.world import World
from tests.support.build import feed, item


def adopted(folder: Path, *keys: str, **settings: object) -> World:
    """A source of which another program has announced these keys."""
    world = World(folder, sources={"blog": SourceSettings(type="scripted", **settings)})  # type: ignore[arg-type]
    store = Store.open(world.app().configuration.state)
    store.sources.adopt({"blog": {digest(key) for key in keys}})
    store.close()
    return world


def test_only_what_the_other_program_missed_is_announced(tmp_path: Path) -> None:
    world = adopted(tmp_path, "id:a", "link:blog.example/b")
    report = world.run(feed(item("c", "three"), item("b", "two"), item("a", "one")))
    assert world.sent == [("log", "new", "c")]
    assert sorted(report.sources["blog"].new) == ["a", "b", "c"]
    world.run(feed(item("d", "four"), item("c", "three"), item("b", "two"), item("a", "one")))
    assert world.sent == [("log", "new", "c"), ("log", "new", "d")]


def test_what_was_announced_before_counts_for_no_flood_and_the_rest_does(tmp_path: Path) -> None:
    world = adopted(tmp_path, *(f"id:{n}" for n in range(50)))
    world.feedbot["flood_limit"] = 3
    report = world.run(feed(*(item(str(n), f"text {n}") for n in range(52))))
    assert report.sources["blog"].status is SourceStatus.OK
    assert len(world.sent) == 2
    report = world.run(feed(*(item(str(n), f"text {n}") for n in range(52, 60))))
    assert report.sources["blog"].status is SourceStatus.HELD


def test_an_entry_that_comes_back_long_after_is_not_announced(tmp_path: Path) -> None:
    world = adopted(tmp_path, "id:old")
    world.run(feed(item("a", "one")))
    world.run(feed(item("old", "from the archive"), item("a", "one")))
    assert world.sent == [("log", "new", "a")]
