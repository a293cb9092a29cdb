"""The paths that a configuration names."""

from __future__ import annotations

from pathlib import Path

from feedbot.paths import located, plain


def test_a_path_is_told_without_detours(tmp_path: Path) -> None:
    (tmp_path / "feeds").mkdir()
    assert located(tmp_path / "feeds", "./x/../../blog") == tmp_path / "blog"
    assert located(tmp_path, "/srv/blog") == Path("/srv/blog")
    assert located(tmp_path, "~/blog") == Path.home() / "blog"


def test_behind_a_link_the_way_back_is_another_one(tmp_path: Path) -> None:
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away")

    assert plain(tmp_path / "link" / ".." / "blog") == tmp_path / "link" / ".." / "blog"
    assert located(tmp_path / "link", "../blog").resolve() == tmp_path / "far" / "blog"
