"""A configuration file changed as text: what is meant changes, every other byte stays."""

from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.errors import ConfigError
from feedbot.settings.edit import ConfigFile, Table, as_toml, literal

BLOG = Table("sources", "blog", {"type": "posts", "path": "blog"})
NEWS = Table("sources", "news", {"type": "feed", "url": "https://news.example/feed"})
START = '# mine\n[feedbot]\nstate = "s.db"  # keep it\n\n[sources.blog]  # the blog\ntype = "posts"\npath = "."\n'


def file(folder: Path, text: str) -> ConfigFile:
    path = folder / "feedbot.toml"
    path.write_bytes(text.encode())
    return ConfigFile.read(path, {})


def test_what_a_file_says_is_not_shown_with_it(tmp_path: Path) -> None:
    assert "hush" not in repr(file(tmp_path, '[sinks.mail]\ntype = "email"\npassword = "hush"\n'))


def test_tables_are_appended_and_all_that_stood_there_stays(tmp_path: Path) -> None:
    route = Table("routes", "", {"sources": ["news"], "to": ["log"]}, "why")
    after = file(tmp_path, START).with_tables([NEWS, route])
    assert after.text == START + (
        '\n[sources.news]\ntype = "feed"\nurl = "https://news.example/feed"\n'
        '\n# why\n[[routes]]\nsources = ["news"]\nto = ["log"]\n'
    )
    assert (tmp_path / "feedbot.toml").read_text() == START


def test_line_ends_a_byte_order_mark_and_a_missing_last_line_break_are_respected(tmp_path: Path) -> None:
    start = "\ufeff" + START.replace("\n", "\r\n").rstrip()
    after = file(tmp_path, start).with_tables([NEWS]).text
    assert after.startswith(start + "\r\n\r\n[sources.news]\r\n")
    assert "\n" not in after.replace("\r\n", "")


def test_an_empty_file_begins_with_the_table(tmp_path: Path) -> None:
    assert file(tmp_path, "").with_tables([NEWS]).text == as_toml(NEWS)


@pytest.mark.parametrize(
    "text",
    [
        'sources = { blog = { type = "posts", path = "." } }\n',
        'routes = [{ to = ["log"] }]\n[sources.blog]\ntype = "posts"\npath = "."\n',
        '[sources.news]\ntype = "posts"\npath = "."\n',
    ],
)
def test_what_leaves_no_room_is_refused_with_what_to_add_by_hand(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="nothing can be appended") as refusal:
        file(tmp_path, text).with_tables([NEWS, Table("routes", "", {"to": ["log"]})])
    assert "[sources.news]" in refusal.value.hint


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[sources.blog]  # it\npath = 'x'\n", "[sources.blog]  # it\npaused = true\npath = 'x'\n"),
        ("[sources.blog]\npaused = false # why\n", "[sources.blog]\npaused = true # why\n"),
        ("[sources]\nblog = { paused = false }\n", "[sources]\nblog = { paused = true }\n"),
        ("[sources.a]\n'paused'=false\n[sources.blog]\n'paused'=false",
         "[sources.a]\n'paused'=false\n[sources.blog]\n'paused'=true"),
        ("[sources.a]\nx = '''\n[sources.blog]\n'''\n[sources.blog]",
         "[sources.a]\nx = '''\n[sources.blog]\n'''\n[sources.blog]\npaused = true"),
        ("[sources.blog]\r\ny = 1\r\n", "[sources.blog]\r\npaused = true\r\ny = 1\r\n"),
    ],
)  # fmt: skip
def test_a_source_is_paused_where_it_stands(tmp_path: Path, before: str, after: str) -> None:
    assert file(tmp_path, before).with_paused("blog", True).text == after


def test_pausing_twice_changes_nothing(tmp_path: Path) -> None:
    once = file(tmp_path, START).with_paused("blog", True)
    assert once.with_paused("blog", True).text == once.text
    assert once.with_paused("blog", False).text == once.text.replace("true", "false")
    assert not file(tmp_path, START).with_paused("blog", False).changed


def test_a_source_written_in_another_way_is_left_to_its_owner(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"feedbot\.toml:2 is written") as refusal:
        file(tmp_path, "[sources]\nblog.path = 'x'\n").with_paused("blog", True)
    assert "paused = true" in refusal.value.hint


def test_a_configuration_without_a_source_can_be_read_for_its_settings(tmp_path: Path) -> None:
    standing = file(tmp_path, '[feedbot]\nstate = "s.db"\n').standing(os.environ)
    assert standing.sources == {}
    assert standing.feedbot.state == "s.db"


def test_a_problem_names_the_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    faulty = file(tmp_path, START).with_tables([Table("sources", "news", {"type": "feed", "ulr": "x"})])
    with pytest.raises(ConfigError) as caught:
        faulty.checked(os.environ)
    assert all(problem.where.startswith("feedbot.toml") for problem in caught.value.problems)
    assert ".part" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["feedbot.toml"]


def test_writing_keeps_the_mode_and_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    path = tmp_path / "feedbot.toml"
    (real / "config.toml").write_text(START)
    (real / "config.toml").chmod(0o640)
    path.symlink_to(real / "config.toml")
    ConfigFile.read(path, {}).with_tables([NEWS]).write()
    assert path.is_symlink()
    assert stat.S_IMODE((real / "config.toml").stat().st_mode) == 0o640
    assert "news" in tomllib.loads(path.read_text())["sources"]


def test_a_file_that_somebody_else_changed_is_not_written_over(tmp_path: Path) -> None:
    changed = file(tmp_path, START).with_tables([NEWS])
    (tmp_path / "feedbot.toml").write_text(START + "# more\n")
    with pytest.raises(ConfigError, match="somebody else"):
        changed.write()
    assert (tmp_path / "feedbot.toml").read_text() == START + "# more\n"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_comes_back_from_its_literal(text: str) -> None:
    from feedbot.settings.interpolate import expand

    assert expand(tomllib.loads(f"key = {literal(text)}")["key"], {}, Path()).text == text
