"""A source is read and shown, with what is odd about it, and nothing is kept."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import write_post
from tests.support.cli import feedbot


def test_each_post_is_shown_with_the_number_of_its_warnings(place: Path) -> None:
    write_post(place, "odd", "![a](missing.png)\n\n![b](gone.png)")
    said = feedbot("preview", "--source", "blog", cwd=place).out
    assert "2026-11-01  First" in said
    assert "https://blog.example/2026/11/odd/  2 warnings" in said
    assert "2 entries · 2 warnings" in said
    assert not (place / "state/feedbot.db").exists()


def test_warnings_are_shown_with_their_place(place: Path) -> None:
    write_post(place, "odd", "![a](missing.png)")
    write_post(place, "broken", publishDate="no date")
    said = feedbot("preview", "--source", "blog", "--warnings", cwd=place).out
    assert "First" not in said
    assert "! blog/content/posts/odd/index.md:5: " in said
    assert "! blog/content/posts/broken/index.md:3: publishDate" in said

    told = feedbot("preview", "--source", "blog", "--warnings", "--json", cwd=place).json
    assert [entry["title"] for entry in told["entries"]] == ["Odd"]
    assert told["entries"][0]["warnings"][0]["where"] == "blog/content/posts/odd/index.md:5"
    assert told["warnings"][0]["where"] == "blog/content/posts/broken/index.md:3"


def test_what_cannot_be_read_is_said(place: Path) -> None:
    assert feedbot("preview", "--source", "nothing", cwd=place).code == 2
    (place / "blog/content/posts/first/index.md").unlink()
    done = feedbot("preview", "--source", "blog", cwd=place)
    assert (done.code, done.out) == (3, "")
    assert "there are no posts" in done.err
