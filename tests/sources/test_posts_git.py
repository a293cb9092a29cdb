"""A blog in a git repository, from a real server."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from feedbot.errors import SourceError
from feedbot.model import Document, Item, Memory
from feedbot.plugins import SourceContext
from feedbot.sources.posts import PostsSource
from feedbot.sources.posts.settings import PostsSettings
from tests.sources.test_posts import SITE, no_fetcher, post
from tests.support.git import BEGUN, Blog, Served, git_server

NOW = BEGUN + timedelta(days=60)


@dataclass
class Reader(Served):
    """Polls a blog on a server, and remembers what the last poll left."""

    settings: dict[str, Any] = field(default_factory=dict)
    memory: Memory = Memory()

    def source(self) -> PostsSource:
        context = SourceContext(
            name="blog",
            folder=self.folder,
            timezone=UTC,
            fetcher=no_fetcher,
            cache=self.folder / "cache",
            ca_file=self.ca_file,
            allow_private=("127.0.0.1",),
        )
        settings = {"git": self.server.url("blog.git"), "site": SITE, "preset": "generic", **self.settings}
        return PostsSource(PostsSettings(**settings), context)

    def poll(self, now: datetime = NOW) -> Document:
        document = self.source().poll(self.memory, now)
        self.memory = document.memory
        return document

    def read(self) -> dict[str, Item]:
        """The posts that a poll gave, by the last part of their address."""
        return {item.url.removeprefix(f"{SITE}/").rstrip("/"): item for item in self.poll().items}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, authority: trustme.CA, ca_file: Path) -> Reader:
    """The blog that all tests begin with."""
    folder = tmp_path_factory.mktemp("made")
    blog = Blog(folder / "blog.git")
    files = {"content/posts/a/index.md": post("author: jo", "![x](x.png)"), "content/posts/b.md": post()}
    blog.commit({**files, "content/posts/a/x.png": b"png", "content/authors/jo.json": '{"name": "Jo"}'}, onto="")
    with git_server(folder, authority) as server:
        return Reader(blog, server, folder / "home", ca_file)


@pytest.fixture
def reader(tmp_path: Path, authority: trustme.CA, made: Reader) -> Iterator[Reader]:
    blog = made.blog.copy(tmp_path / "served" / "blog.git")
    with git_server(tmp_path / "served", authority) as server:
        yield Reader(blog, server, tmp_path / "home", made.ca_file)


def test_a_repository_is_read_as_its_folder_would_be(reader: Reader) -> None:
    document = reader.poll()
    ((name, path),) = document.assets.items()

    assert [item.url for item in document.items] == [f"{SITE}/a/", f"{SITE}/b/"]
    assert [item.keys for item in document.items] == [("path:a/index.md",), ("path:b.md",)]
    assert document.items[0].authors[0].name == "Jo"
    assert f"feedbot-asset:{name}" in document.items[0].content
    assert Path(path).read_bytes() == b"png"
    assert (document.problems, document.notes, document.complete) == ((), ("2 posts",), True)


def test_the_source_says_what_it_is(reader: Reader) -> None:
    assert reader.source().kind == "posts (generic, git)"
    assert reader.source().host == "localhost"


def test_nothing_new_costs_one_request(reader: Reader) -> None:
    reader.poll()
    reader.server.spent()

    assert reader.poll().not_modified
    assert reader.server.spent()[0] <= 2


def test_a_commit_elsewhere_in_the_repository_changes_nothing(reader: Reader) -> None:
    reader.poll()
    reader.blog.commit({"README.md": "about"})
    document = reader.poll()

    assert document.not_modified
    assert reader.poll().memory == document.memory


def test_only_what_changed_is_read(reader: Reader) -> None:
    reader.poll()
    reader.blog.commit({"content/posts/b.md": post(body="Other."), "content/posts/c.md": post()})
    document = reader.poll()

    assert [item.url for item in document.items] == [f"{SITE}/b/", f"{SITE}/c/"]
    assert document.standing == {"path:a/index.md"}
    assert list(document.assets.values()) != []


def test_an_edited_post_takes_few_commands_of_git(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.poll()
    reader.blog.commit({"content/posts/b.md": post(body="Other.")})
    git, run = tmp_path / "bin" / "git", tmp_path / "run"
    git.parent.mkdir()
    git.write_text(f'#!/bin/sh\necho "$1" >> "{run}"\nexec "{shutil.which("git")}" "$@"\n')
    git.chmod(0o755)
    monkeypatch.setenv("PATH", f"{git.parent}:{os.environ['PATH']}")

    assert reader.read().keys() == {"b"}
    ran = Counter(run.read_text().split())
    assert (ran["ls-remote"], ran["fetch"], ran["ls-tree"], ran["diff-tree"]) == (1, 2, 1, 0)
    assert ran["cat-file"] <= 6  # the commit; what the author file and the post are, and say


def test_a_post_that_moved_and_was_retitled_and_edited_brings_its_former_name(reader: Reader) -> None:
    text = "A text of some length that stays.\n" * 20
    edited = post(body=text + "And more.").replace("A post", "Another title")
    reader.blog.commit({"content/posts/b.md": post(body=text)})
    reader.poll()
    reader.blog.commit({"content/posts/b.md": None, "content/posts/new/index.md": edited})
    assert reader.read()["new"].keys == ("path:new/index.md", "path:b.md")
    reader.blog.commit({"content/posts/new/index.md": None, "content/posts/same.md": edited})

    assert reader.read()["same"].keys == ("path:same.md", "path:new/index.md")


def test_images_are_published_as_long_as_they_are_shown(reader: Reader) -> None:
    first = reader.poll().assets
    reader.blog.commit({"content/posts/a/x.png": b"another"})
    second = reader.poll().assets

    assert first.keys() != second.keys()
    assert [Path(path).exists() for path in first.values()] == [False]
    assert [Path(path).read_bytes() for path in second.values()] == [b"another"]


def test_links_are_not_followed(reader: Reader) -> None:
    reader.blog.commit({"content/posts/c.md": "->../../secret.md", "content/posts/y.png": "->/etc/passwd"})
    document = reader.poll()

    assert len(document.items) == 2
    assert {problem.where for problem in document.problems} == {"content/posts/c.md", "content/posts/y.png"}


def test_a_missing_date_is_that_of_the_first_commit(reader: Reader) -> None:
    reader.blog.commit({"content/posts/c.md": "---\ntitle: C\n---\nHello.\n"})
    reader.blog.commit({"content/posts/c.md": "---\ntitle: C\n---\nHello again.\n"})
    reader.blog.commit({"content/posts/d.md": post()})
    reader.settings = {"date": ["date", ":git-first"], "updated": [":git-last"]}
    item = reader.read()["c"]

    assert item.published is not None
    assert item.updated is not None
    assert item.updated - item.published == timedelta(hours=1)


def test_a_missing_author_is_who_wrote_the_first_commit_where_that_is_asked_for(reader: Reader) -> None:
    reader.blog.commit({"content/posts/c.md": post()}, author="Jo <jo@blog.example>")
    reader.blog.commit({"content/posts/c.md": post(body="Other.")})
    reader.settings = {"authors": ["author", ":git-author"]}
    known = {name: [author.name for author in item.authors] for name, item in reader.read().items()}

    assert known == {"a": ["Jo"], "b": ["Robin Author"], "c": ["Jo"]}


def test_dates_of_commits_follow_the_commits(reader: Reader) -> None:
    reader.settings = {"updated": [":git-last"]}
    reader.poll()
    reader.blog.commit({"content/posts/b.md": post(body="Other.")})
    reader.poll()
    reader.blog.commit({"content/posts/b.md": post()})
    last = reader.read()

    assert list(last) == ["b"]
    assert last["b"].updated is not None
    assert reader.poll().not_modified


def test_the_preset_is_found_in_the_repository(reader: Reader) -> None:
    reader.blog.commit({"hugo.toml": 'title = "x"'})
    reader.settings = {"preset": "auto"}
    document = reader.poll()

    assert any("preset hugo" in note for note in document.notes)


def test_a_folder_that_is_not_there_removes_nothing(reader: Reader) -> None:
    reader.settings = {"path": "none"}
    with pytest.raises(SourceError, match="no folder"):
        reader.poll()
    reader.settings = {"path": "content/authors"}
    with pytest.raises(SourceError, match="no posts"):
        reader.poll()


def test_a_scheduled_post_comes_without_a_new_commit(reader: Reader) -> None:
    due = NOW + timedelta(hours=1)
    reader.blog.commit({"content/posts/b.md": f"---\ntitle: B\ndate: {due.isoformat()}\n---\nHello.\n"})
    reader.poll()

    assert reader.poll().not_modified
    assert [item.url for item in reader.poll(due).items] == [f"{SITE}/b/"]
    assert reader.poll(due).not_modified


# Dates of commits, where not all commits are there


UNDATED = {"date": ["date", ":git-first"], "updated": [":git-last"]}


def dates(source: PostsSource) -> list[tuple[datetime | None, datetime | None]]:
    """When the post that gives no date itself was published and updated."""
    items = source.poll(Memory(), NOW).items
    return [(item.published, item.updated) for item in items if item.url.endswith("/c/")]


def test_a_server_that_lacks_commits_itself_dates_nothing(reader: Reader, tmp_path: Path) -> None:
    reader.blog.commit({"content/posts/c.md": "---\ntitle: C\n---\nHello.\n"})
    whole = tmp_path / "served" / "whole.git"
    reader.blog.folder.rename(whole)
    reader.blog.git("clone", "-q", "--bare", "--depth=1", whole.as_uri(), str(reader.blog.folder))
    reader.settings = UNDATED

    assert dates(reader.source()) == [(None, None)]


@pytest.mark.parametrize("shallow", [False, True])
def test_a_checkout_gives_dates_only_where_it_has_all_commits(reader: Reader, tmp_path: Path, shallow: bool) -> None:
    reader.blog.commit({"content/posts/c.md": "---\ntitle: C\n---\nHello.\n"})
    reader.blog.commit({"content/posts/c.md": "---\ntitle: C\n---\nHello again.\n"})
    depth = ("--depth=1",) if shallow else ()
    reader.blog.git("clone", "-q", *depth, reader.blog.folder.as_uri(), str(tmp_path / "here"))
    context = SourceContext(name="blog", folder=tmp_path, timezone=UTC, fetcher=no_fetcher)
    settings = PostsSettings(path="here/content/posts", site=SITE, preset="generic", **UNDATED)  # type: ignore[arg-type]
    told = dates(PostsSource(settings, context))

    assert told == [(None, None) if shallow else (BEGUN + timedelta(hours=2), BEGUN + timedelta(hours=3))]


def test_a_folder_in_no_repository_gives_no_dates(tmp_path: Path) -> None:
    (tmp_path / "c.md").write_text("---\ntitle: C\n---\nHello.\n")
    context = SourceContext(name="blog", folder=tmp_path, timezone=UTC, fetcher=no_fetcher)
    settings = PostsSettings(path=".", site=SITE, preset="generic", **UNDATED)  # type: ignore[arg-type]

    assert dates(PostsSource(settings, context)) == [(None, None)]
