"""Files that cannot be read, or are not TOML."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedbot.errors import ConfigError
from feedbot.settings import load
from tests.settings.conftest import Config


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("[feedbot]\nstate = feedbot.db\n", "feedbot.toml:2:9", "invalid value"),
        ("a = 1\na = 2\n", "feedbot.toml:2:6", "cannot overwrite"),
        ("[sources.a]\n[sources.a]\n", "feedbot.toml:2:11", "the table [sources.a] is there already"),
        ("[a]\n[a]\n", "feedbot.toml:2:3", "the table [a] is there already"),
        (
            '[sources."my blog"]\n[sources."my blog"]\n',
            "feedbot.toml:2:19",
            'the table [sources."my blog"] is there already',
        ),
        ("a = { b = 1 }\na.c = 2\n", "feedbot.toml:2:8", "complete as it is written"),
        ("a = { b = 1 }\n[a.c]\n", "feedbot.toml:2:5", "the table [a.c] is there already"),
        ("[sources.a\n", "feedbot.toml:1:11", "expected ']'"),
        ("a = [1,\n2", "feedbot.toml:2:2", "unclosed array"),
        ('a = "x', "feedbot.toml:1:7", "unterminated string"),
        ("\n\nkey\n", "feedbot.toml:3:4", "expected '='"),
        ('a = "\\d"', "feedbot.toml:1:8", "unescaped"),
        ("a = 2026-13-01", "feedbot.toml:1:9", ""),
        ("a = " + "[" * 5000, "feedbot.toml", "nested too deeply"),
        ("a = " + "9" * 5000, "feedbot.toml", "digits"),
    ],
)
def test_a_syntax_error_is_told_with_line_and_column(config: Config, text: str, where: str, message: str) -> None:
    problem = config.problem(text)

    assert problem.where == where
    assert problem.message.startswith("the file is ")
    assert message in problem.message


def test_bytes_that_are_no_text_are_told_with_their_line(config: Config) -> None:
    path = config.write("")
    path.write_bytes(b'[feedbot]\n\ntitle = "caf\xe9"\n')

    with pytest.raises(ConfigError) as caught:
        load(path, {})

    assert str(caught.value.problems[0]).startswith("feedbot.toml:3: the file is not text in UTF-8")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(config: Config) -> None:
    path = config.write("")
    path.write_bytes(b'\xef\xbb\xbf[sources.a]\r\ntype = "web"\r\nurl = "https://x.org/"\r\n')

    assert list(load(path, {}).sources) == ["a"]


def test_a_folder_in_place_of_a_file_is_refused(config: Config) -> None:
    with pytest.raises(ConfigError, match="is a folder"):
        load(config.folder, {})

    config.write("")
    with pytest.raises(ConfigError, match=r"did you mean .*feedbot\.toml"):
        load(config.folder, {})


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no configuration file") as caught:
        load(tmp_path / "none.toml", {})

    assert caught.value.exit_code == 2


def test_an_impossible_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / ("x" * 300), {})


def test_the_error_counts_the_problems(config: Config) -> None:
    with pytest.raises(ConfigError, match=r"^1 problem in .*feedbot\.toml$"):
        config.load("")
    with pytest.raises(ConfigError, match=r"^3 problems in .*feedbot\.toml$"):
        config.load("[a]\n[b]\n")


def test_a_file_without_end_is_no_configuration() -> None:
    with pytest.raises(ConfigError) as caught:
        load(Path("/dev/zero"), {})
    assert str(caught.value.problems[0]) == "zero: the file is larger than 16 MB; is it a configuration?"
