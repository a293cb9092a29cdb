"""What readers see who know a feed already: nothing new, whatever happens behind its address."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import feedparser
import pytest

from tests.support.cli import feedbot

SITE = "https://b.example"
FORMATS = ("atom", "rss", "json")
POSTS = f'type = "posts"\npath = "blog"\npreset = "hugo"\nsite = "{SITE}"\n'
FEED = 'type = "feed"\npath = "blog.xml"\n'
NAMES = ("first", "second", "third")

Seen = Mapping[str, frozenset[str]]


def configure(folder: Path, source: str, base: str = "http://feeds.example/") -> None:
    (folder / "feedbot.toml").write_text(
        f'[feedbot]\nstate = "state.db"\nbase_url = "{base}"\n[sources.blog]\n{source}[feeds.all]\n'
    )


def post(folder: Path, name: str, date: str) -> None:
    file = folder / "blog" / "content" / "posts" / f"{name}.md"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"---\ntitle: About {name}\ndate: {date}\n---\nAll there is to say about {name}.\n")


def rss(folder: Path) -> None:
    """The feed of the same blog, as its generator wrote it, with ids of its own."""
    items = "".join(
        f"<item><guid isPermaLink='false'>b-{name}</guid><title>About {name}</title>"
        f"<link>{SITE}/posts/{name}/</link><pubDate>0{number} Mar 2026 00:00:00 GMT</pubDate>"
        f"<description>&lt;p&gt;All there is to say about {name}.&lt;/p&gt;</description></item>"
        for number, name in enumerate(NAMES, start=1)
    )
    (folder / "blog.xml").write_text(f"<rss version='2.0'><channel><title>B</title>{items}</channel></rss>")


def read(folder: Path, *options: str) -> Seen:
    """Run, and read the feed in each format: the ids by which a reader knows its entries."""
    ran = feedbot("run", "--force", *options, cwd=folder)
    assert ran.code == 0, ran
    public = folder / "public"
    seen = {kind: frozenset(one.id for one in feedparser.parse(public / f"all.{kind}").entries) for kind in FORMATS[:2]}
    items = json.loads((public / "all.json").read_text())["items"]
    return {**seen, "json": frozenset(item["id"] for item in items)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES, start=1):
        post(tmp_path, name, f"2026-03-0{number}")
    configure(tmp_path, POSTS)
    return tmp_path


@pytest.fixture
def known(folder: Path) -> Seen:
    """What a reader knows, who has seen all of the feed."""
    seen = read(folder)
    assert [len(seen[kind]) for kind in FORMATS] == [3, 3, 3]
    return seen


def test_a_second_run_brings_readers_nothing_new(folder: Path, known: Seen) -> None:
    assert read(folder) == known


def test_another_machine_with_the_same_state_brings_readers_nothing_new(folder: Path, known: Seen) -> None:
    there = folder / "there"
    there.mkdir()
    shutil.copytree(folder / "blog", there / "blog")
    for name in ("feedbot.toml", "state.db"):
        shutil.copy(folder / name, there / name)
    assert read(there) == known
    for kind in FORMATS:
        assert (there / "public" / f"all.{kind}").read_bytes() == (folder / "public" / f"all.{kind}").read_bytes()


def test_another_machine_that_begins_anew_brings_readers_nothing_new(folder: Path, known: Seen) -> None:
    there = folder / "there"
    there.mkdir()
    shutil.copytree(folder / "blog", there / "blog")
    shutil.copy(folder / "feedbot.toml", there / "feedbot.toml")
    assert read(there) == known


def test_another_scheme_of_the_address_brings_readers_nothing_new(folder: Path, known: Seen) -> None:
    configure(folder, POSTS, base="https://feeds.example/")
    assert read(folder) == known
    feed = feedparser.parse(folder / "public" / "all.atom").feed
    assert feed.id.startswith("tag:feeds.example,")
    assert [link.href for link in feed.links if link.rel == "self"] == ["https://feeds.example/all.atom"]


def test_a_post_with_another_date_brings_readers_nothing_new(folder: Path, known: Seen) -> None:
    post(folder, "first", "2026-04-11")
    assert read(folder) == known


def test_a_blog_that_is_read_from_its_posts_instead_of_its_feed_brings_readers_nothing_new(folder: Path) -> None:
    rss(folder)
    configure(folder, FEED)
    known = read(folder)
    assert known["json"] == {f"b-{name}" for name in NAMES}

    configure(folder, POSTS)

    assert read(folder) == known


def test_a_post_that_is_new_is_the_one_new_thing_that_readers_see(folder: Path, known: Seen) -> None:
    post(folder, "fourth", "2026-03-04")
    seen = read(folder)
    assert [len(seen[kind] - known[kind]) for kind in FORMATS] == [1, 1, 1]
