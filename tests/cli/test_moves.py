"""A blog that moves: files, addresses, settings and folders change, and nobody is told of anything twice."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli import Ran, feedbot
from tests.support.web import WebServer

NUMBER = 6
POSTS = """
[sources.blog]
type = "posts"
path = "blog"
preset = "hugo"
site = "https://b.example"
interval = "0s"
"""


class Blog:
    """A blog of a few posts that is polled by ``run``, with all that its one sink was told."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.posts = folder / "blog" / "content" / "posts"
        if not self.posts.exists():
            for number in range(NUMBER):
                self.write(f"p{number}", f"Post {number}", f"2026-03-{number + 1:02}")
            self.configure(POSTS)

    def configure(self, source: str, head: str = "") -> None:
        (self.folder / "feedbot.toml").write_text(
            f'[feedbot]\n{head}state = "s.db"\noutput = "out"\n{source}\n[feeds.all]\n'
            '[sinks.log]\ntype = "file"\npath = "log.jsonl"\n'
            '[[routes]]\non = ["new", "updated", "withdrawn"]\nto = ["log"]\n'
        )

    def write(self, name: str, title: str, date: str, text: str = "", **front: str) -> Path:
        file = self.posts / f"{name}.md"
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = "".join(f"{key}: {value}\n" for key, value in {"title": title, "date": date, **front}.items())
        file.write_text(f"---\n{lines}---\n{text or f'All about {title}.'}\n")
        return file

    def run(self) -> Ran:
        ran = feedbot("run", "--force", cwd=self.folder)
        assert ran.code == 0, ran
        return ran

    def told(self) -> list[tuple[str, str]]:
        """All that was told so far, as the kind of change and the title."""
        log = self.folder / "log.jsonl"
        bodies = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [(body["type"].removeprefix("entry."), body["data"]["title"]) for body in bodies]

    def ids(self) -> dict[str, str]:
        entries = feedbot("entry", "list", "--json", cwd=self.folder).json["entries"]
        return {entry["title"]: entry["id"] for entry in entries}


IDS = {f"Post {number}": f"https://b.example/posts/p{number}/" for number in range(NUMBER)}


@pytest.fixture(scope="module")
def read_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A blog that was read once, in silence, to be copied."""
    blog = Blog(tmp_path_factory.mktemp("blog"))
    blog.run()
    assert (blog.ids(), blog.told()) == (IDS, [])
    return blog.folder


@pytest.fixture
def blog(read_once: Path, tmp_path: Path) -> Blog:
    shutil.copytree(read_once, tmp_path / "copy")
    return Blog(tmp_path / "copy")


def rename_all(blog: Blog) -> None:
    for number in range(NUMBER):
        (blog.posts / f"p{number}.md").rename(blog.posts / f"other-{number}.md")


def give_each_a_folder(blog: Blog) -> None:
    for number in range(NUMBER):
        (blog.posts / f"p{number}").mkdir()
        (blog.posts / f"p{number}.md").rename(blog.posts / f"p{number}" / "index.md")


def date_anew(blog: Blog) -> None:
    for number in range(NUMBER):
        blog.write(f"p{number}", f"Post {number}", f"2026-04-{number + 1:02}")


def call_anew(blog: Blog) -> None:
    for number in range(NUMBER):
        blog.write(f"p{number}", f"Post {number}", f"2026-03-{number + 1:02}", slug=f"slug-{number}")


def move_the_site(blog: Blog) -> None:
    blog.configure(POSTS.replace("b.example", "new.example"))


def change_addresses(blog: Blog) -> None:
    blog.configure(POSTS + 'permalink = "/{year}/{month}/{slug}/"\n')


def change_all_at_once(blog: Blog) -> None:
    move_the_site(blog)
    rename_all(blog)


def change_the_preset(blog: Blog) -> None:
    blog.configure(POSTS.replace('"hugo"', '"generic"'))


def point_to_the_posts(blog: Blog) -> None:
    blog.configure(POSTS.replace('path = "blog"', 'path = "blog/content/posts"'))


def move_the_folder(blog: Blog) -> None:
    shutil.move(blog.folder / "blog", blog.folder / "weblog")
    blog.posts = blog.folder / "weblog" / "content" / "posts"
    blog.configure(POSTS.replace('path = "blog"', 'path = "weblog"'))


MOVES = [rename_all, give_each_a_folder, date_anew, call_anew, move_the_site, change_addresses, change_all_at_once,
         change_the_preset, point_to_the_posts, move_the_folder]  # fmt: skip


@pytest.mark.parametrize("move", MOVES, ids=lambda move: move.__name__)
def test_a_move_announces_only_what_is_new_beside_it_and_keeps_all_ids(
    blog: Blog, move: Callable[[Blog], None]
) -> None:
    move(blog)
    blog.write("brand-new", "Brand new", "2026-05-01")
    ran = blog.run()
    assert blog.told() == [("new", "Brand new")], ran
    assert blog.ids().items() >= IDS.items()


def test_a_folder_that_vanishes_and_comes_back_was_never_gone(blog: Blog) -> None:
    shutil.move(blog.folder / "blog", blog.folder / "elsewhere")
    assert "does not exist" in blog.run().out
    (blog.folder / "blog" / "content" / "posts").mkdir(parents=True)
    assert "there are no posts in" in blog.run().out
    shutil.rmtree(blog.folder / "blog")
    shutil.move(blog.folder / "elsewhere", blog.folder / "blog")
    blog.run()

    assert (blog.ids(), blog.told()) == (IDS, [])


def test_a_new_post_may_take_an_old_address_and_gets_an_id_of_its_own(blog: Blog) -> None:
    blog.write("p1", "Post 1", "2026-03-02", slug="elsewhere")
    blog.run()
    blog.write("fresh", "Fresh", "2026-05-01", slug="p1")
    blog.run()

    assert blog.told() == [("new", "Fresh")]
    assert blog.ids()["Post 1"] == "https://b.example/posts/p1/"
    assert blog.ids()["Fresh"] == "https://b.example/posts/p1/#2"


def test_a_backup_put_back_announces_nothing_as_new(blog: Blog) -> None:
    shutil.copytree(blog.folder / "blog", blog.folder / "backup")
    for number in range(2):
        (blog.posts / f"p{number}.md").unlink()
    blog.run()
    shutil.rmtree(blog.folder / "blog")
    shutil.copytree(blog.folder / "backup", blog.folder / "blog")
    blog.run()

    assert blog.ids() == IDS
    assert {kind for kind, _ in blog.told()} == {"withdrawn", "updated"}


def test_the_feed_of_a_blog_gives_way_to_its_posts_and_back(blog: Blog, web: WebServer) -> None:
    items = "".join(
        f"<item><title>Post {number}</title><link>http://www.b.example/posts/p{number}</link>"
        f"<guid isPermaLink='false'>tag:b.example,2026:{number}</guid>"
        f"<pubDate>{number + 1:02} Mar 2026 10:30:00 GMT</pubDate><description>All about…</description></item>"
        for number in reversed(range(NUMBER))
    )
    url = web.serve("/rss.xml", f"<rss version='2.0'><channel><title>B</title>{items}</channel></rss>")
    feed = f'[sources.blog]\ntype = "feed"\nurl = "{url}"\ninterval = "0s"\n'

    for source in (feed, POSTS, feed, POSTS):
        blog.configure(source, f'allow_private = ["{web.address}"]\n')
        blog.run()

    assert blog.ids() == IDS
    assert not [title for kind, title in blog.told() if kind != "updated"]


@pytest.mark.parametrize(
    ("link", "time", "listed", "source"),
    [
        ("https://b.example/posts/p{}/", "00:00:00", NUMBER, POSTS),
        ("https://b.example/posts/p{}/", "00:00:00", 2, POSTS),
        ("https://old.example/?p={}", "09:30:00", NUMBER, POSTS),
        ("https://b.example/posts/p{}/", "00:00:00", NUMBER, POSTS.replace('site = "https://b.example"\n', "")),
    ],
    ids=["the same addresses", "more posts than the feed showed", "other addresses and times", "no addresses"],
)
def test_nothing_is_told_when_the_type_of_a_source_changes(
    link: str, time: str, listed: int, source: str, tmp_path: Path, web: WebServer
) -> None:
    blog = Blog(tmp_path)
    items = "".join(
        f"<item><title>Post {number}</title><link>{link.format(number)}</link><guid>{link.format(number)}</guid>"
        f"<pubDate>{number + 1:02} Mar 2026 {time} GMT</pubDate><description>All about…</description></item>"
        for number in reversed(range(NUMBER - listed, NUMBER))
    )
    url = web.serve("/rss.xml", f"<rss version='2.0'><channel><title>B</title>{items}</channel></rss>")
    feed = f'[sources.blog]\ntype = "feed"\nurl = "{url}"\ninterval = "0s"\n'
    head = f'allow_private = ["{web.address}"]\n'
    blog.configure(feed, head)
    blog.run()
    before = blog.ids()
    assert len(before) == listed

    blog.configure(source, head)
    blog.run()

    assert blog.ids().items() >= before.items()
    assert len(blog.ids()) == NUMBER
    blog.configure(feed, head)
    blog.run()
    assert len(blog.ids()) == NUMBER
    assert blog.told() == []
