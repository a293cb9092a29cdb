from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from feedbot.sources.posts.presets import NAMES
from feedbot.sources.posts.settings import PostsSettings
from tests.support.cli import feedbot


def test_presets_are_listed(tmp_path: Path) -> None:
    ran = feedbot("preset", "list", cwd=tmp_path)
    told = json.loads(feedbot("preset", "list", "--json", cwd=tmp_path).out)["presets"]

    assert (ran.code, ran.err) == (0, "")
    assert [line.split()[0] for line in ran.out.splitlines()[1:]] == list(NAMES[1:]) == list(told)
    assert told["keystatic"]["keys"]["permalink"] == "/{year}/{month}/{slug}/"


@pytest.mark.parametrize("name", NAMES[1:])
def test_a_preset_is_shown_as_a_source_that_says_the_same(name: str, tmp_path: Path) -> None:
    ran = feedbot("preset", "show", name, cwd=tmp_path)
    table = tomllib.loads(ran.out)["sources"]["blog"]

    assert ran.code == 0
    assert PostsSettings(**table).rules() == PostsSettings.model_validate({"path": ".", "preset": name}).rules()
    told = json.loads(feedbot("--json", "preset", "show", name, cwd=tmp_path).out)
    assert told["preset"] == name
    assert told["keys"].items() <= table.items()


@pytest.mark.parametrize(("name", "hint"), [("hugoo", 'did you mean "hugo"?'), ("auto", "feedbot preset detect")])
def test_a_preset_that_is_not_there_is_told(name: str, hint: str, tmp_path: Path) -> None:
    ran = feedbot("preset", "show", name, cwd=tmp_path)

    assert ran.code == 2
    assert f'there is no preset "{name}"' in ran.err
    assert hint in ran.err


def test_the_preset_of_a_folder_is_told_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "blog/_posts").mkdir(parents=True)

    assert feedbot("preset", "detect", cwd=tmp_path).out.startswith("generic (nothing")
    assert feedbot("preset", "detect", "blog", cwd=tmp_path).out == "jekyll (_posts/ is there)\n"
    told = json.loads(feedbot("preset", "detect", "blog", "--json", cwd=tmp_path).out)
    assert told == {"path": "blog", "preset": "jekyll", "reason": "_posts/ is there"}


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    ran = feedbot("preset", "detect", "none", cwd=tmp_path)

    assert (ran.code, ran.out) == (2, "")
    assert "none cannot be looked at: No such file or directory" in ran.err
