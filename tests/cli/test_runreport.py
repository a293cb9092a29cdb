"""What a run says that it did."""

from __future__ import annotations

from pathlib import Path

from tests.support.cli import feedbot

CONFIG = '[feedbot]\nstate = "s.db"\n[sources.a]\ntype = "feed"\npath = "a.xml"\n[feeds.all]\nformats = '


def test_files_that_are_published_no_more_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<rss version='2.0'><channel><item><guid>a</guid></item></channel></rss>")
    (tmp_path / "feedbot.toml").write_text(f'{CONFIG}["atom", "rss", "json"]\n')
    assert "removed" not in feedbot("run", cwd=tmp_path).out

    (tmp_path / "feedbot.toml").write_text(f'{CONFIG}["atom", "json"]\n')
    ran = feedbot("run", cwd=tmp_path)
    assert "  removed all.rss\n" in ran.out
    assert "nothing new" not in ran.out

    (tmp_path / "feedbot.toml").write_text(f'{CONFIG}["atom"]\n')
    assert feedbot("run", "--json", cwd=tmp_path).json["feeds"]["all"]["removed"] == ["all.json"]


def test_how_many_entries_is_told_of_a_feed_and_not_of_its_parts(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text("<rss version='2.0'><channel><item><guid>a</guid></item></channel></rss>")
    (tmp_path / "feedbot.toml").write_text(f'{CONFIG}["atom"]\nsplit = ["source"]\n')
    assert "all.atom (1)  all/source/a.atom" in feedbot("run", cwd=tmp_path).out.replace(",", "  ").replace("   ", "  ")
