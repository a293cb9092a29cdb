"""Stories of published feeds: which files there are, when they are written, when they go."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import timedelta
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from feedbot import plugins
from feedbot.formats.validity import problems
from feedbot.plugins import SourceSettings
from feedbot.settings import FeedSettings
from tests.engine.world import World
from tests.formats.rules import feedbot_id
from tests.support.build import feed, folder, item, post

ALL = ("atom", "rss", "json", "html")
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    installed = plugins._points
    page = EntryPoint("html", "feedbot.formats.htmlpage:HtmlFormat", plugins.FORMATS)

    def points(group: str) -> tuple[EntryPoint, ...]:
        others = tuple(point for point in installed(group) if point.name != "html")
        return (*others, page) if group == plugins.FORMATS else others

    monkeypatch.setattr("feedbot.plugins._points", points)
    return World(tmp_path, feedbot={"flood_limit": 10_000})


def tree(world: World) -> dict[str, bytes]:
    public = world.folder / "public"
    return {str(path.relative_to(public)): path.read_bytes() for path in public.rglob("*") if path.is_file()}


def one_feed(**settings: Any) -> dict[str, FeedSettings]:
    return {"all": FeedSettings(**settings)}


def ids(data: bytes) -> list[str]:
    return [feedbot_id(entry.findtext(f"{ATOM}id")) for entry in etree.fromstring(data).findall(f"{ATOM}entry")]


def valid(files: Mapping[str, bytes]) -> bool:
    found = {path: problems(data) for path, data in files.items() if not path.endswith((".css", ".opml"))}
    return all(not wrong for wrong in found.values()) or pytest.fail(str(found))


def test_a_folder_has_its_feeds_a_page_a_list_and_a_style_sheet(world: World) -> None:
    world.feeds = one_feed(title="Everything", formats=ALL)
    world.run(feed(item("a")))
    files = tree(world)
    assert set(files) == {
        "all.atom", "all.rss", "all.json", "all.html", "index.html", "feeds.opml", "feed.css",
    }  # fmt: skip
    assert valid(files)
    assert b'href="feed.css"' in files["all.atom"]
    assert b'xmlUrl="https://feeds.example/all.atom"' in files["feeds.opml"]
    assert b'href="all.html"' in files["index.html"]


def test_nothing_is_written_where_nothing_changed(world: World) -> None:
    world.feeds = one_feed(formats=ALL, split=("tag",))
    world.run(feed(item("a", tags=("x",))))
    before = {path: path.stat().st_mtime_ns for path in (world.folder / "public").rglob("*")}
    report = world.run()
    assert report.feeds["all"].written == []
    assert {path: path.stat().st_mtime_ns for path in (world.folder / "public").rglob("*")} == before


def test_only_the_parts_whose_entries_changed_are_made_anew(world: World) -> None:
    world.feeds = one_feed(formats=("atom",), split=("tag",))
    many = [item(f"e{n}", tags=(f"t{n}",)) for n in range(60)]
    world.run(feed(*many))
    report = world.run(feed(item("e3", "other", tags=("t3",)), *(one for one in many if one.id != "e3")))
    assert report.feeds["all"].written == ["all.atom", "all/tag/t3.atom"]


def test_a_filtered_feed_is_not_touched_by_entries_it_does_not_have(world: World) -> None:
    world.feeds = one_feed(formats=("atom",), filter="'x' in tags")
    world.run(feed(item("a", tags=("x",))))
    report = world.run(feed(item("a", tags=("x",)), item("b", tags=("y",))))
    assert report.feeds["all"].written == []
    assert ids(tree(world)["all.atom"]) == ["a"]


def test_tags_that_no_slug_tells_apart_have_feeds_of_their_own(world: World) -> None:
    world.feeds = one_feed(formats=("atom",), split=("tag",))
    tags = ("C", "C++", "C#", "日本語", "Index", "Machine Learning", "machine-learning", "../../etc")
    world.run(feed(*(item(f"e{n}", tags=(tag,)) for n, tag in enumerate(tags))))
    parts = {path: ids(data) for path, data in tree(world).items() if path.startswith("all/tag/") and "atom" in path}
    assert sorted(parts["all/tag/machine-learning.atom"]) == ["e5", "e6"]
    assert parts["all/tag/c.atom"] == ["e0"]
    assert len(parts) == 7
    assert "all/tag/index.html" in tree(world)


def test_the_feed_of_a_tag_that_nobody_uses_any_more_stays_as_an_empty_one(world: World) -> None:
    world.feeds = one_feed(formats=("atom",), split=("tag",))
    world.run(folder(post("a", tags=("x",)), post("b", "other")))
    world.run(folder(post("a", tags=("y",)), post("b", "other")))
    files = tree(world)
    assert ids(files["all/tag/x.atom"]) == []
    assert len(ids(files["all/tag/y.atom"])) == 1
    assert valid(files)
    assert b"x.atom" not in files["all/tag/index.html"]


def test_a_limit_by_age_counts_from_the_newest_entry(world: World) -> None:
    world.feeds = one_feed(formats=("atom",), limit=timedelta(days=10))
    then = world.now - timedelta(days=400)
    old = [item(f"e{n}", published=then - timedelta(days=6 * n)) for n in range(4)]
    world.run(feed(*old))
    assert ids(tree(world)["all.atom"]) == ["e0", "e1"]


def test_what_left_the_configuration_is_removed_unless_somebody_changed_it(world: World) -> None:
    world.feeds = {"all": FeedSettings(formats=("atom", "rss")), "old": FeedSettings(split=("source",))}
    world.run(feed(item("a")))
    public = world.folder / "public"
    (public / "old.rss").write_bytes(b"mine")
    (public / "notes.txt").write_bytes(b"mine")
    world.feeds = one_feed(formats=("atom",))
    report = world.run()
    assert report.feeds["all"].removed == ["all.rss"]
    parts = [f"old/source/{name}" for name in ("blog.atom", "blog.json", "blog.rss", "index.html")]
    assert sorted(report.feeds["old"].removed) == ["old.atom", "old.json", *parts]
    assert set(tree(world)) == {"all.atom", "old.rss", "notes.txt", "index.html", "feeds.opml", "feed.css"}


def test_a_feed_of_another_name_may_keep_the_old_address(world: World) -> None:
    world.feeds = {"old": FeedSettings(formats=("atom",))}
    world.run(feed(item("a")))
    world.feeds = {"new": FeedSettings(formats=("atom",), aliases=("old.atom",))}
    world.run()
    files = tree(world)
    assert files["old.atom"] == files["new.atom"]


def test_a_page_made_by_hand_is_left_alone_and_that_is_said_once(world: World) -> None:
    public = world.folder / "public"
    public.mkdir()
    (public / "index.html").write_text("mine")
    first, second = world.run(feed(item("a"))), world.run(feed(item("b")))
    assert [len(report.feeds["all"].problems) for report in (first, second)] == [1, 0]
    assert tree(world)["index.html"] == b"mine"


def test_archive_pages_are_filled_from_the_oldest_and_stay_as_they_are(world: World) -> None:
    world.feeds = one_feed(formats=ALL, limit=10, archive=True)
    first = [item(f"e{n:03}", published=world.now - timedelta(days=200 - n)) for n in range(110)]
    world.run(feed(*first))
    before = tree(world)
    assert len(ids(before["all/archive/1.atom"])) == len(ids(before["all/archive/2.atom"])) == 50
    back_dated = item("late", published=world.now - timedelta(days=900))
    report = world.run(feed(*first, back_dated))
    after = tree(world)
    assert not [path for path in report.feeds["all"].written if "archive" in path]
    pages = [ids(after[path]) for path in ("all.atom", "all/archive/1.atom", "all/archive/2.atom")]
    assert {one for page in pages for one in page} == {one.id for one in (*first, back_dated)}
    links = {
        link.get("rel"): link.get("href") for link in etree.fromstring(after["all/archive/1.atom"]).iter(f"{ATOM}link")
    }
    assert links["current"] == "https://feeds.example/all.atom"
    assert links["next-archive"] == "https://feeds.example/all/archive/2.atom"
    assert b"prev-archive" in after["all.atom"]
    assert valid(after)


def test_a_page_of_the_archive_offers_the_feed_itself_to_follow(world: World) -> None:
    world.feeds = one_feed(formats=ALL, limit=10, archive=True)
    world.run(feed(*(item(f"e{n:03}", published=world.now - timedelta(days=200 - n)) for n in range(60))))
    page = tree(world)["all/archive/1.html"].decode()
    assert "https://feeds.example/all.atom" in page
    assert 'type="application/atom+xml" href="../../all.atom"' in page
    assert "archive/1.atom" not in page


def test_a_withdrawn_post_leaves_a_tombstone(world: World) -> None:
    world.feeds = one_feed(formats=("atom",))
    world.run(folder(post("a"), post("b", "other")))
    world.run(folder(post("b", "other")))
    data = tree(world)["all.atom"]
    assert ids(data) == ["https://blog.example/2026/11/b/"]
    assert b'deleted-entry ref="https://blog.example/2026/11/a/"' in data
    assert valid({"all.atom": data})
    world.run(folder(post("a"), post("b", "other")))
    assert b"deleted-entry" not in tree(world)["all.atom"]


def test_a_reader_sees_no_new_entry_on_another_machine_or_under_https(world: World, tmp_path: Path) -> None:
    world.feedbot = {"base_url": "http://feeds.example/"}
    world.feeds = one_feed(formats=("atom",))
    world.run(feed(item("a"), item("b")))
    before = etree.fromstring(tree(world)["all.atom"])
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.copy(tmp_path / "feedbot.db", moved / "feedbot.db")
    there = World(moved, now=world.now, feedbot={"base_url": "https://feeds.example/"}, feeds=world.feeds)
    there.run(feed(item("a"), item("b")))
    after = etree.fromstring(tree(there)["all.atom"])
    assert [one.text for one in before.iter(f"{ATOM}id")] == [one.text for one in after.iter(f"{ATOM}id")]


def test_the_same_state_makes_the_same_bytes_on_another_day_and_machine(world: World, tmp_path: Path) -> None:
    world.feeds = one_feed(formats=ALL, split=("tag", "author", "year", "source"), archive=True)
    world.run(feed(item("a", tags=("x",)), item("b", published=None)))
    moved = tmp_path / "moved"
    moved.mkdir()
    shutil.copy(tmp_path / "feedbot.db", moved / "feedbot.db")
    there = World(moved, now=world.now + timedelta(days=40), feedbot=world.feedbot, feeds=world.feeds)
    there.run(feed(item("a", tags=("x",)), item("b", published=None)))
    assert tree(there) == tree(world)


def test_two_sources_of_one_entry_publish_it_once(world: World) -> None:
    world.sources = {name: SourceSettings(type="scripted", backfill="all") for name in ("blog", "other")}
    world.feeds = one_feed(formats=("atom",), archive=True)
    world.say(feed(item("a")), "other")
    world.run(feed(item("a")))
    assert ids(tree(world)["all.atom"]) == ["a"]
