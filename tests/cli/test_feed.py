"""feedbot feed: what is published, made anew, shown and checked."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli import feedbot


def test_feeds_are_listed_shown_made_anew_and_checked(place: Path) -> None:
    feedbot("run", "-q", cwd=place)
    listed = feedbot("feed", "list", "--json", cwd=place).json["feeds"]["all"]
    assert listed["entries"] == 1
    assert [file["path"] for file in listed["files"]] == ["all.atom", "all.json", "all.rss"]

    published = (place / "public" / "all.rss").read_text()
    assert feedbot("feed", "show", "all", "--format", "rss", cwd=place).out == published

    (place / "public" / "all.rss").write_text("<rss>")
    found = feedbot("feed", "validate", "--json", cwd=place)
    assert found.code == 5
    assert found.json["files"]["all.rss"][0].startswith("is not well-formed XML")

    built = feedbot("feed", "build", "all", "--json", cwd=place)
    assert built.json["feeds"]["all"]["written"] == ["all.rss"]
    assert (place / "public" / "all.rss").read_text() == published
    assert feedbot("feed", "validate", cwd=place).code == 0


def test_a_feed_that_is_not_there_is_told_with_the_nearest_name(place: Path) -> None:
    ran = feedbot("feed", "build", "alle", cwd=place)
    assert ran.code == 2
    assert '"all"' in ran.err
