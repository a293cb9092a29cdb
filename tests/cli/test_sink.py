"""feedbot sink: trying a sink without anything new."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import feedbot
from tests.support.web import Answer, WebServer


@pytest.fixture
def folder(tmp_path: Path, web: WebServer) -> Path:
    (tmp_path / "feedbot.toml").write_text(
        f'''
[sources.blog]
type = "feed"
path = "blog.xml"
[sinks.team]
type = "webhook"
url = "{web.url("/hook")}"
allow_private = ["{web.address}"]
[sinks.log]
type = "file"
path = "log.jsonl"
[[routes]]
to = ["team"]
'''
    )
    return tmp_path


def test_a_test_message_is_told_to_have_arrived(folder: Path, web: WebServer) -> None:
    web.answers["/hook"] = Answer(204)

    done = feedbot("sink", "test", "team", cwd=folder)

    assert done.code == 0
    assert "team took the test message" in done.out
    sent = json.loads(web.asked[0].body)
    assert (sent["type"], sent["data"]["title"]) == ("entry.new", "A test message from feedbot")


def test_what_the_receiver_says_is_told_with_what_to_do(folder: Path, web: WebServer) -> None:
    web.answers["/hook"] = Answer(401)

    done = feedbot("sink", "test", "team", "--json", cwd=folder)

    assert done.code == 4
    assert "answered 401 Unauthorized" in done.err
    assert "check url, secret and headers" in done.json["hint"]


def test_each_test_is_another_message_and_leaves_no_trace_in_the_state(folder: Path) -> None:
    for _ in range(2):
        assert feedbot("sink", "test", "log", cwd=folder).code == 0
    keys = {json.loads(line)["key"] for line in (folder / "log.jsonl").read_text().splitlines()}
    assert len(keys) == 2
    assert not (folder / "feedbot.db").exists()


def test_sinks_are_listed_with_the_routes_that_lead_to_them(folder: Path) -> None:
    done = feedbot("sink", "list", "--json", cwd=folder)
    assert done.json["sinks"] == [
        {"name": "team", "type": "webhook", "routes": 1},
        {"name": "log", "type": "file", "routes": 0},
    ]


def test_a_sink_that_there_is_not_is_refused_with_the_nearest(folder: Path) -> None:
    done = feedbot("sink", "test", "tema", cwd=folder)
    assert done.code == 2
    assert 'did you mean "team"?' in done.err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_learns_to_complete(tmp_path: Path, shell: str) -> None:
    done = feedbot("completion", shell, cwd=tmp_path)
    assert done.code == 0
    assert "_FEEDBOT_COMPLETE" in done.out
