"""What the history of a blog would have announced."""

from __future__ import annotations

import subprocess
from datetime import datetime
from pathlib import Path

import pytest
import trustme

from tests.support.cli import Ran, feedbot
from tests.support.git import Blog, git_server

CONFIG = """
[feedbot]
[sources.blog]
type = "posts"
preset = "keystatic"
site = "https://blog.example"
{where}
[sources.other]
type = "feed"
url = "https://blog.example/feed.xml"
[sinks.log]
type = "file"
path = "log.jsonl"
[[routes]]
on = ["new", "updated", "withdrawn"]
"""


def post(text: str = "hello", date: str = "2026-04-01") -> str:
    return f"---\ntitle: About {text.split()[0]}\npublishDate: {date}\n---\n{text}\n"


def path(slug: str) -> str:
    return f"content/posts/{slug}/index.md"


@pytest.fixture
def blog(tmp_path: Path) -> Blog:
    """A history: begun, written, misdated and mended, edited lightly, edited, moved, taken away."""
    blog = Blog(tmp_path / "served" / "blog.git")
    blog.commit({path("old"): post("old things")}, "begin", onto="")
    blog.commit({path("news"): post("news of today"), "README.md": "x"}, "write news")
    blog.commit({path("later"): post("later on", "2026-05-03")}, "dated ahead")
    blog.commit({"README.md": "edited"}, "of no concern")
    blog.commit({path("news"): post("news of **today**")}, "bold")
    blog.commit({path("news"): post("news of today and tomorrow")}, "more")
    blog.commit({path("old"): None, path("ancient"): post("old things")}, "move", at=datetime(2026, 5, 4))
    blog.commit({path("news"): None}, "take away", at=datetime(2026, 5, 5))
    return blog


def told(ran: Ran) -> list[tuple[str, str, str]]:
    """Subject, kind of change and title of what each step would have sent."""
    return [(step["subject"], sent["change"], sent["title"]) for step in ran.json["steps"] for sent in step["sent"]]


EXPECTED = [
    ("write news", "new", "About news"),
    ("more", "updated", "About news"),
    ("more", "new", "About later"),  # its date had come
    ("take away", "withdrawn", "About news"),
]


def test_the_history_of_a_checkout_is_told_commit_by_commit(tmp_path: Path, blog: Blog) -> None:
    subprocess.run(["git", "clone", "-q", str(blog.folder), str(tmp_path / "here")], check=True)
    (tmp_path / "feedbot.toml").write_text(CONFIG.format(where='path = "here"'))

    ran = feedbot("replay-git", "blog", "--json", cwd=tmp_path)

    assert ran.code == 0, ran.err
    assert told(ran) == EXPECTED
    assert ran.json["commits"] == 8
    scheduled = [step["date"] for step in ran.json["steps"] if step["scheduled"]]
    assert scheduled == ["2026-05-03T00:00:00+00:00"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["feedbot.toml", "here", "served"]


def test_a_part_of_the_history_takes_what_was_before_as_known(tmp_path: Path, blog: Blog) -> None:
    subprocess.run(["git", "clone", "-q", str(blog.folder), str(tmp_path / "here")], check=True)
    (tmp_path / "feedbot.toml").write_text(CONFIG.format(where='path = "here/content/posts"'))

    ran = feedbot("replay-git", "blog", "--from", "HEAD~3", "--to", "HEAD~2", cwd=tmp_path)

    assert ran.code == 0, ran.err
    assert "UPDATED  About news" in ran.out
    assert ran.out.splitlines()[-1] == "2 commits: 0 new, 1 updated, 0 withdrawn would have been announced"


def test_the_history_of_a_repository_elsewhere_is_told(tmp_path: Path, blog: Blog, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with git_server(tmp_path / "served", authority) as server:
        where = f'git = "{server.url("blog.git")}"\nca_file = "ca.pem"\nallow_private = ["127.0.0.1"]'
        (tmp_path / "feedbot.toml").write_text(CONFIG.format(where=where))
        ran = feedbot("replay-git", "blog", "--json", cwd=tmp_path)
        requests, _ = server.spent()

    assert ran.code == 0, ran.err
    assert told(ran) == EXPECTED
    assert requests <= 8  # references, a commit, the others, all contents


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("blogg",), 2, "no source named 'blogg'"),
        (("other",), 2, "no history to replay"),
        (("blog", "--from", "nowhere"), 3, 'no commit "nowhere"'),
    ],
)
def test_what_cannot_be_replayed_is_told(
    tmp_path: Path, blog: Blog, arguments: tuple[str, ...], code: int, words: str
) -> None:
    subprocess.run(["git", "clone", "-q", str(blog.folder), str(tmp_path / "here")], check=True)
    (tmp_path / "feedbot.toml").write_text(CONFIG.format(where='path = "here"'))
    ran = feedbot("replay-git", *arguments, cwd=tmp_path)
    assert ran.code == code
    assert words in ran.err


def test_a_folder_without_a_history_is_told(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "feedbot.toml").write_text(CONFIG.format(where='path = "here"'))
    ran = feedbot("replay-git", "blog", cwd=tmp_path)
    assert ran.code == 3
    assert "is in no git repository" in ran.err
