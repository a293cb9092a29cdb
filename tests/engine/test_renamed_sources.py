"""A source that is called otherwise in the configuration keeps its entries, their ids and what was announced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from feedbot.engine.report import RunReport
from feedbot.model import Document, Item
from feedbot.plugins import SourceSettings
from tests.engine.world import World
from tests.support.build import feed, folder, item, post

OLD = [item(name, f"text of {name}") for name in "abcd"]


def run(world: World, said: dict[str, Document]) -> RunReport:
    """Run with these sources, and no others, in the configuration."""
    world.sources = {name: SourceSettings(type="scripted", backfill="all") for name in said}
    for name, document in said.items():
        world.say(document, name)
    return world.run()


def known(world: World) -> dict[str, int]:
    """How many entries the state has of each source."""
    store = world.store()
    states = store.sources.states()
    store.close()
    return {name: state.entries for name, state in states.items()}


def test_a_source_with_a_new_name_announces_only_what_is_new(tmp_path: Path) -> None:
    world = World(tmp_path)
    run(world, {"blog": feed(*OLD)})
    announced = len(world.sent)

    report = run(world, {"news": feed(item("e", "fresh"), *OLD)})

    assert world.sent[announced:] == [("log", "new", "e")]
    assert report.sources["news"].new == ["e"]
    assert report.sources["news"].notes == ('it was called "blog" before: its entries keep their ids',)
    assert report.sources["news"].entries == 5
    assert known(world) == {"news": 5}


def test_posts_without_an_address_keep_the_ids_that_hold_the_former_name(tmp_path: Path) -> None:
    def posts(source: str) -> Sequence[Item]:
        return [
            post(slug, f"of {slug}", id=f"tag:feedbot,2026:{source}/{slug}", url="", keys=(f"path:{slug}.md",))
            for slug in "abc"
        ]

    world = World(tmp_path)
    run(world, {"blog": folder(*posts("blog"))})
    before = (tmp_path / "public/all.json").read_text()
    report = run(world, {"news": folder(*posts("news"))})
    assert not report.sources["news"].new
    assert "tag:feedbot,2026:blog/a" in before
    assert "tag:feedbot,2026:blog/a" in (tmp_path / "public/all.json").read_text()


def test_an_edit_made_together_with_the_new_name_is_an_update(tmp_path: Path) -> None:
    world = World(tmp_path)
    run(world, {"blog": feed(*OLD)})
    report = run(world, {"news": feed(item("a", "mended"), *OLD[1:])})
    assert (report.sources["news"].new, report.sources["news"].updated) == ([], ["a"])


@pytest.mark.parametrize(
    ("configured", "listed"),
    [
        (["blog"], OLD),  # the other one is still there
        ([], [OLD[0], *(item(name, name) for name in "wxyz")]),  # less than half of it is known
        ([], [OLD[0]]),  # less than half of what was known is in it
        ([], [item(name, name) for name in "wxyz"]),
    ],
)
def test_a_source_that_only_shares_some_entries_with_another_one_is_a_new_one(
    configured: list[str], listed: list[Item], tmp_path: Path
) -> None:
    world = World(tmp_path)
    run(world, {"blog": feed(*OLD)})
    report = run(world, {"news": feed(*listed), **{name: feed(*OLD) for name in configured}})
    assert len(report.sources["news"].new) == len(listed)
    assert known(world)["blog"] == len(OLD)


def test_of_two_new_sources_with_the_same_entries_one_takes_the_former_over(tmp_path: Path) -> None:
    world = World(tmp_path)
    run(world, {"blog": feed(*OLD)})
    run(world, {"news": feed(*OLD), "other": feed(*OLD)})
    run(world, {"news": feed(*OLD), "other": feed(*OLD)})
    assert known(world) == {"news": 4, "other": 4}


def test_files_of_the_same_name_do_not_make_two_blogs_one(tmp_path: Path) -> None:
    world = World(tmp_path)
    run(world, {"blog": folder(*(post(slug, f"of {slug}") for slug in "abc"))})
    others = [post(slug, f"else {slug}", id=f"tag:{slug}", url=f"https://other.example/{slug}/") for slug in "abc"]
    report = run(world, {"news": folder(*others)})
    assert len(report.sources["news"].new) == 3
