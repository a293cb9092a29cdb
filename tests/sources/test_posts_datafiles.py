"""Eleventy's data files say of posts what their front matter leaves open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from feedbot.model import Author, Document, Item, Memory
from feedbot.sources.posts import cascade
from feedbot.sources.posts.blog import read_blog
from feedbot.sources.posts.cascade import Cascade, over, together
from feedbot.sources.posts.datafiles import chosen, outer
from feedbot.sources.posts.frontmatter import parse
from feedbot.sources.posts.index import Index
from feedbot.sources.posts.outline import Site
from feedbot.sources.posts.presets import PRESETS
from feedbot.sources.posts.press import Plan
from feedbot.sources.posts.scan import scan
from tests.sources.test_posts import SITE, source, write
from tests.sources.test_posts_git import Reader
from tests.support.git import Blog, git_server

LATER = datetime.now(UTC) + timedelta(hours=1)
CONFIG = "export default function (config) {}"
POST = "---\ntitle: A post\ndate: 2026-06-01\n---\nHello.\n"


class Polled:
    """A blog of Eleventy in a folder, and what the last poll of it left."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.settings = {"preset": "eleventy", **settings}
        self.memory = Memory()
        self.document = Document()

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            write(self.folder / name, text)

    def poll(self) -> Document:
        self.document = source(self.folder, **self.settings).poll(self.memory, LATER)
        self.memory = self.document.memory
        return self.document

    def read(self, files: dict[str, str] | None = None) -> dict[str, Item]:
        """The posts that a poll gives after files were written, by the last part of their address."""
        self.write(files or {})
        return {item.url.rstrip("/").rpartition("/")[2]: item for item in self.poll().items}


@pytest.fixture
def blog(tmp_path: Path) -> Polled:
    polled = Polled(tmp_path)
    polled.write({"eleventy.config.js": CONFIG, "posts/one.md": POST, "posts/two.md": POST, "posts/sub/deep.md": POST})
    return polled


# --- which count for a post


def test_the_nearer_file_counts_more_and_front_matter_most(tmp_path: Path) -> None:
    blog = Polled(tmp_path)
    said = {
        "eleventy.config.js": CONFIG,
        "src/src.json": '{"a": "src", "b": "src", "c": "src", "d": "src", "e": "src", "f": "src", "g": "src"}',
        "src/posts/posts.json": '{"b": "dir", "c": "dir", "d": "dir", "e": "dir", "f": "dir", "g": "dir"}',
        "src/posts/posts.11tydata.json": '{"c": "dir+", "d": "dir+", "e": "dir+", "f": "dir+", "g": "dir+"}',
        "src/posts/sub/sub.json": '{"d": "sub", "e": "sub", "f": "sub", "g": "sub"}',
        "src/posts/sub/x.json": '{"e": "own", "f": "own", "g": "own"}',
        "src/posts/sub/x.11tydata.json": '{"f": "own+", "g": "own+"}',
        "src/posts/sub/x.md": "---\ntitle: X\ng: matter\n---\n",
        "src/posts/other/other.json": '{"g": "elsewhere"}',
        "src/posts/other/y.md": "---\ntitle: Y\n---\n",
    }
    found = blog.read(said)

    expected = {"a": "src", "b": "dir", "c": "dir+", "d": "sub", "e": "own", "f": "own+", "g": "matter"}
    assert found["x"].extra == expected
    assert found["y"].extra == {
        **dict.fromkeys("ab", "src"),
        **dict.fromkeys("cdef", "dir+"),
        "b": "dir",
        "g": "elsewhere",
    }
    blog.settings["path"] = "src/posts"
    assert blog.read()["x"].extra == expected


def test_what_feedbot_knows_may_be_said_there(blog: Polled) -> None:
    data = '{"tags": "posts", "author": "Jo", "lang": "de", "permalink": "/b/{{ page.fileSlug }}/", "layout": "x.njk"}'
    found = blog.read({
        "posts/posts.json": data,
        "posts/bare.json": '{"title": "From data", "date": "2026-05-04", "tags": ["news"]}',
        "posts/bare.md": "No front matter.",
    })  # fmt: skip
    bare = found["bare"]

    assert (bare.title, bare.published, bare.url) == ("From data", datetime(2026, 5, 4, tzinfo=UTC), f"{SITE}/b/bare/")
    assert (bare.tags, bare.authors, bare.language) == (("news",), (Author("Jo"),), "de")
    assert bare.extra == {"layout": "x.njk"}
    assert found["deep"].url == f"{SITE}/b/deep/"


@pytest.mark.parametrize("hides", ['"permalink": false', '"draft": true', '"eleventyExcludeFromCollections": true'])
def test_a_folder_of_drafts_is_not_published_but_for_what_says_otherwise(blog: Polled, hides: str) -> None:
    key = hides.partition(":")[0].strip('"')
    shown = f"---\ntitle: A post\n{key}: {'/x/' if key == 'permalink' else 'false'}\n---\n"
    blog.write({"posts/sub/sub.json": f"{{{hides}}}", "posts/sub/x.md": shown})

    assert blog.read().keys() == {"one", "two", "x"}


def test_other_presets_and_the_top_of_the_blog_know_of_no_data_files(tmp_path: Path) -> None:
    files = {"posts/one.md": POST, "posts/posts.json": '{"draft": true}', "posts/one.json": "{"}
    assert Polled(tmp_path / "generic", preset="generic").read(files).keys() == {"one"}
    top = Polled(tmp_path / "my")
    assert top.read({"eleventy.config.js": CONFIG, "my.json": '{"draft": true}', "one.md": POST}).keys() == {"one"}


def test_a_folder_that_is_the_posts_own_has_its_data_file(tmp_path: Path) -> None:
    assert Polled(tmp_path / "essays").read({"essays.json": '{"mood": "good"}', "one.md": POST})["one"].extra == {
        "mood": "good"
    }


def test_what_is_no_table_or_for_pages_alone_says_nothing(blog: Polled) -> None:
    found = blog.read({
        "posts/one.json": "[1, 2, 3]",
        "posts/posts.json": f'{{"eleventyComputed": {{"title": "x"}}, "chart": "{"x" * 20_000}", "mood": "good"}}',
        "posts/nobody.json": "{",
    })  # fmt: skip

    assert [item.extra for item in found.values()] == [{"mood": "good"}] * 3
    assert blog.document.problems == ()


# --- how it is put together


MERGED: list[tuple[str, str, dict[str, Any]]] = [
    ('{"tags": ["a"]}', "tags: [b]", {"tags": ["a", "b"]}),
    ('{"tags": "a, b"}', "tags: c", {"tags": ["a", " b", "c"]}),
    ('{"tags": ["a"]}', "tags:", {"tags": ["a"]}),
    ('{"tags": ["a"]}', "override:tags: [b]", {"tags": ["b"]}),
    ("{}", "override:tags: [b]", {"tags": ["b"]}),
    ('{"list": ["a"]}', "list: [b]", {"list": ["a", "b"]}),
    ('{"list": ["a"]}', "list: b", {"list": "b"}),
    ('{"t": {"x": "1", "y": {"z": ["1"]}}}', "t: {y: {z: [2]}}", {"t": {"x": "1", "y": {"z": ["1", "2"]}}}),
    ('{"t": {"x": ["1"]}}', "t: {'override:x': [2]}", {"t": {"x": ["2"]}}),
    ('{"t": {"x": "1"}}', "t: false", {"t": False}),
    ('{"Draft": true}', "draft: false", {"draft": False}),
    ('{"n": 3.10, "big": 10000000000000000000000}', "", {"n": "3.10", "big": "10000000000000000000000"}),
]


@pytest.mark.parametrize(("data", "matter", "expected"), MERGED)
def test_lists_and_tables_are_put_together(data: str, matter: str, expected: dict[str, Any]) -> None:
    below = together((cascade._text(data.encode()),), deep=True)
    assert over(parse(matter), below, deep=True).values == expected


def test_a_blog_that_asks_for_it_has_nothing_put_together(blog: Polled) -> None:
    files = {
        "eleventy.config.js": "export default (config) => { config.setDataDeepMerge( false ) }",
        "posts/posts.json": '{"tags": ["a"], "t": {"x": 1}}',
        "posts/one.md": "---\ntitle: A\ntags: [b]\nt: {y: 2}\n---\n",
    }
    one = blog.read(files)["one"]
    assert (one.tags, one.extra) == (("b",), {"t": {"y": "2"}})


# --- what is read again


def test_only_posts_that_it_counts_for_are_read_again(blog: Polled) -> None:
    assert blog.read().keys() == {"one", "two", "deep"}

    assert blog.read({"posts/sub/sub.json": '{"mood": "good"}'}).keys() == {"deep"}  # comes
    assert blog.poll().not_modified
    assert blog.read({"posts/one.json": '{"mood": "good"}'}).keys() == {"one"}
    assert blog.read({"posts/sub/sub.json": '{"mood": "bad"}'})["deep"].extra == {"mood": "bad"}  # changes
    assert blog.read({"posts/sub/sub.json": '{  "mood": "bad"}\n'}) == {}  # as it was
    assert blog.poll().not_modified
    (blog.folder / "posts/sub/sub.json").unlink()  # goes
    assert blog.read()["deep"].extra == {}
    assert blog.read({"posts/posts.json": '{"draft": true}'}) == {}
    assert blog.document.gone == frozenset({"path:one.md", "path:two.md", "path:sub/deep.md"})


def test_one_just_written_is_looked_at_again(blog: Polled, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.LATER", datetime.now(UTC))
    blog.read({"posts/posts.json": '{"mood": "good"}'})

    assert {item.extra["mood"] for item in blog.read({"posts/posts.json": '{"mood": "lost"}'}).values()} == {"lost"}


# --- what cannot be read


def test_while_one_is_broken_its_posts_stay_as_they_are(blog: Polled) -> None:
    blog.write({"posts/sub/x.md": POST, "posts/two.md": POST.replace("Hello", "[x](sub/x.md)")})
    before = blog.read({"posts/sub/sub.json": '{\n "draft": true\n}', "posts/sub/deep.json": '{"draft": false}'})
    assert before.keys() == {"one", "two", "deep"}

    during = blog.read({"posts/sub/sub.json": '{\n "draft": tru\n}', "posts/one.md": POST.replace("Hello", "Hi")})
    (problem,) = blog.document.problems
    again = blog.read({"posts/sub/x.md": POST.replace("Hello", "Changed"), "posts/sub/new.md": POST})
    mended = blog.read({"posts/sub/sub.json": '{"draft": true}'})

    assert [list(told) for told in (during, again, mended)] == [["one"], [], ["deep"]]
    assert problem.where == "posts/sub/sub.json:2"
    assert "is not valid JSON" in problem.message
    assert problem.hint == "mend it; until then 2 posts stay as known"
    assert blog.document.problems == ()
    assert mended["deep"] == before["deep"]


def test_links_to_posts_whose_data_file_is_broken_stay(blog: Polled) -> None:
    blog.write({"posts/two.md": POST.replace("Hello", "[x](sub/deep.md) ![i](sub/i.png)"), "posts/sub/i.png": "png"})
    blog.write({"posts/sub/deep.md": POST.replace("Hello", "![i](i.png)")})
    before = blog.read()
    document = blog.read({"posts/sub/sub.json": "{", "posts/one.md": POST.replace("Hello", "Hi")})

    assert f"{SITE}/posts/sub/deep/" in before["two"].content
    assert document.keys() == {"one"}
    assert "path:sub/deep.md" in blog.document.standing
    assert blog.document.gone is None
    assert len(blog.document.assets) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is not valid JSON"), (b'{"a": "\xff"}', "not UTF-8"),
     (b'{"a":' + b"[" * 50, "JSON"), (b"[" * 99999, "deep"),
     (b'{"a":' + b"[" * 50 + b"]" * 50 + b"}", "deeper than"), (b"{}" + b" " * 5_000_000, "larger than 5 MB"),
     (b"{%s}" % b",".join(b'"%d": "%s"' % (key, b"x" * 9_000) for key in range(8)), "more than 64 kB")],
)  # fmt: skip
def test_whatever_is_wrong_with_it_is_told_once(blog: Polled, content: bytes, reason: str) -> None:
    write(blog.folder / "posts/posts.json", content)

    assert blog.read() == {}
    assert [reason in problem.message for problem in blog.document.problems] == [True]
    assert blog.poll().not_modified


def test_a_link_out_of_the_blog_is_not_followed(blog: Polled, tmp_path: Path) -> None:
    write(tmp_path.parent / f"{tmp_path.name}.json", '{"secret": "x"}')
    for name in ("posts/posts.json", "posts/one.json"):
        (blog.folder / name).symlink_to(tmp_path.parent / f"{tmp_path.name}.json")

    assert blog.read() == {}
    assert ["link that leads out" in problem.message for problem in blog.document.problems] == [True, True]
    for name in ("posts/posts.json", "posts/one.json"):
        (blog.folder / name).unlink()
    write(blog.folder / "posts/shared", '{"mood": "good"}')
    (blog.folder / "posts/posts.json").symlink_to("shared")
    assert {item.extra["mood"] for item in blog.read().values()} == {"good"}


def test_one_that_could_not_be_opened_is_tried_again(blog: Polled) -> None:
    file = write(blog.folder / "posts/posts.json", "{}")
    found = scan(blog.folder, ("posts",), ("**/*.md",), (), LATER, blog.folder)
    file.unlink()
    site = Site(SITE, PRESETS["eleventy"], UTC)
    plan = Plan(site=site, source="blog", assets="copy", assets_base="", known={}, components={})
    reading = read_blog(found, plan, Index(), LATER)

    assert reading.document.standing == {"path:one.md", "path:two.md", "path:sub/deep.md"}
    assert reading.document.problems[0].message.startswith("it cannot be read: ")
    assert (reading.whole, reading.index.copies) == (False, {})


def test_a_wrong_date_of_a_data_file_is_told_with_its_name(blog: Polled) -> None:
    blog.write({"posts/one.md": "---\ntitle: A\n---\n", "posts/one.json": '{"date": "soon"}'})
    blog.poll()

    assert "data files of it: one.json" in blog.document.problems[0].hint


def test_programs_are_told_of_and_not_run(blog: Polled) -> None:
    blog.write(
        {"posts/posts.11tydata.js": "process.exit()", "posts/else/else.11tydata.js": "", "posts/a.11tydata.js": ""}
    )
    blog.poll()
    assert (
        blog.document.notes[-1]
        == "posts/posts.11tydata.js is a program and not run: what is said there of posts is not known"
    )
    blog.write({"posts/one.11tydata.mjs": ""})
    blog.memory = Memory()
    blog.poll()
    assert blog.document.notes[-1].startswith("posts/one.11tydata.mjs and 1 more are programs and not run")


# --- in a repository


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA, ca_file: Path) -> Iterator[Reader]:
    folder = tmp_path_factory.mktemp("eleventy")
    made = Blog(folder / "blog.git")
    posts = dict.fromkeys(("content/blog/one.md", "content/blog/sub/deep.md", "content/blog/linked.md"), POST)
    data = {"content/content.json": '{"a": 1, "b": 1}', "content/blog/blog.json": '{"b": 2}'}
    made.commit({"eleventy.config.js": CONFIG, **posts, **data, "content/blog/linked.json": "->blog.json"}, onto="")
    with git_server(folder, authority) as server:
        yield Reader(made, server, folder / "home", ca_file, {"preset": "eleventy"})


def test_a_repository_is_read_with_its_data_files(served: Reader) -> None:
    first = served.poll()
    served.blog.commit({"content/blog/sub/sub.json": '{"draft": true}', "content/blog/linked.md": None})
    second = served.poll()
    served.blog.commit({"content/blog/sub/sub.json": "{,", "content/content.json": None})
    third = served.poll()

    assert [item.extra for item in first.items] == [{"a": "1", "b": "2"}] * 2
    assert [problem.where for problem in first.problems] == ["content/blog/linked.json:1"]
    assert "it is a link" in first.problems[0].message
    assert (second.items, second.problems, second.standing) == ((), (), frozenset({"path:one.md"}))
    assert [(item.url, item.extra) for item in third.items] == [(f"{SITE}/blog/one/", {"b": "2"})]
    assert [problem.where for problem in third.problems] == ["content/blog/sub/sub.json:1"]


# --- by themselves


def test_no_post_has_more_than_its_own() -> None:
    texts = dict.fromkeys(("../c.json", "b.json", "x/x.json", "x/y.json", "x/z.json", "x/y.11tydata.json"), "")
    every = Cascade(("../c", "b"), texts)

    assert every.of("x/y.md") == ["../c.json", "b.json", "x/x.json", "x/y.json", "x/y.11tydata.json"]
    assert every.of("x/x.md") == ["../c.json", "b.json", "x/x.json"]
    assert every.of("b.md") == ["../c.json", "b.json"]
    assert Cascade().of("b.md") == ()
    assert dict(outer(("a", "b")))["../a.json"] == "a/a.json"
    assert chosen({}, (), ()).files == {}
