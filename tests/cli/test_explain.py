"""What an entry was, and why it was announced or not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from feedbot.cli.context import Context
from feedbot.cli.explain import explain
from tests.cli.conftest import write_post
from tests.support.cli import feedbot


def test_an_entry_is_explained_and_its_revisions_compared(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert feedbot("run", cwd=place).code == 0
    write_post(place, "first", "hello world")
    assert feedbot("run", cwd=place).code == 0
    (entry,) = feedbot("entry", "list", "--json", cwd=place).json["entries"]

    told = feedbot("entry", "diff", entry["id"], cwd=place).out
    assert "-hello\n+hello world" in told
    assert feedbot("entry", "diff", entry["id"], "--json", cwd=place).json["to"] == 2
    assert feedbot("entry", "diff", entry["id"], "--from", "9", cwd=place).code == 2

    monkeypatch.chdir(place)
    monkeypatch.delenv("FEEDBOT_CONFIG", raising=False)
    explain.main([entry["id"]], prog_name="explain", standalone_mode=False, obj=Context())
    said = capsys.readouterr().out
    assert "among the newest entries that backfill announces" in said
    assert "its text changed (revision 2)" in said
    assert "log: announcement, through route 1" in said
    assert "sent at try 1, as revision 1" in said
    assert os.fspath(place) not in said


def test_who_was_told_by_another_source_is_named(tmp_path: Path) -> None:
    item = '{"id": "a", "url": "https://blog.example/a", "content_text": "hello"}'
    sources = ""
    for name in ("blog", "planet"):
        feed = f'{{"version": "https://jsonfeed.org/version/1.1", "title": "T", "items": [{item}]}}'
        (tmp_path / f"{name}.json").write_text(feed)
        sources += f'[sources.{name}]\ntype = "feed"\npath = "{name}.json"\nbackfill = "all"\n'
    sink = '[sinks.log]\ntype = "file"\npath = "log.jsonl"\n[[routes]]\ndedupe = "across"\n'
    (tmp_path / "feedbot.toml").write_text(f'[feedbot]\nstate = "state.db"\n{sources}{sink}')
    assert feedbot("run", cwd=tmp_path).code == 0
    said = feedbot("explain", "a", cwd=tmp_path).out
    assert said.count("log: announcement, through route 1") == 1
    assert said.count("log was told of it as an entry of the source ") == 1
    assert "no route" not in said


def test_an_entry_is_found_by_the_addresses_that_it_has_and_had(place: Path) -> None:
    assert feedbot("run", cwd=place).code == 0
    (before,) = feedbot("entry", "list", "--json", cwd=place).json["entries"]
    config = place / "feedbot.toml"
    config.write_text(config.read_text().replace("https://blog.example", "https://www.moved.example"))
    assert feedbot("run", "--force", cwd=place).code == 0
    (entry,) = feedbot("entry", "list", "--json", cwd=place).json["entries"]

    assert (entry["id"], entry["url"] == before["url"]) == (before["id"], False)
    for address in (before["url"], entry["url"]):
        assert feedbot("explain", address, "--json", cwd=place).json["entries"][0]["id"] == entry["id"]


def test_the_former_name_of_a_source_is_told(place: Path) -> None:
    assert feedbot("run", cwd=place).code == 0
    config = place / "feedbot.toml"
    config.write_text(config.read_text().replace("[sources.blog]", "[sources.diary]"))
    assert 'it was called "blog" before' in feedbot("run", cwd=place).out
    (entry,) = feedbot("entry", "list", "--json", cwd=place).json["entries"]
    told = feedbot("explain", entry["id"], cwd=place).out
    assert 'of the source diary, which was called "blog" before' in told
    assert "sent at try 1" in told
