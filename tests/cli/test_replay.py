"""Sending again what was sent, and sinks that want no more."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.support.cli import feedbot
from tests.support.web import Answer, WebServer

CONFIG = """
[feedbot]
state = "feedbot.db"
allow_private = ["{address}"]
[sources.blog]
type = "posts"
path = "blog"
site = "https://blog.example"
permalink = "/{{slug}}/"
backfill = "all"
[feeds.all]
[sinks.log]
type = "file"
path = "log.jsonl"
[sinks.hook]
type = "webhook"
url = "http://{address}/hook"
"""


@pytest.fixture
def place(tmp_path: Path, web: WebServer) -> Path:
    (tmp_path / "blog").mkdir()
    for name in ("one", "two"):
        (tmp_path / "blog" / f"{name}.md").write_text(f"---\ntitle: {name}\ndate: 2026-11-01\n---\nText of {name}.\n")
    (tmp_path / "feedbot.toml").write_text(CONFIG.format(address=web.address))
    web.answers["/hook"] = Answer(204)
    return tmp_path


def keys(place: Path) -> list[str]:
    return [json.loads(line)["key"] for line in (place / "log.jsonl").read_text().splitlines()]


def test_what_was_sent_is_sent_again_under_other_keys_once_confirmed(place: Path) -> None:
    feedbot("run", cwd=place)
    asked = feedbot("replay", "log", "--since", "1h", cwd=place)
    assert (asked.code, "2 deliveries would be sent again to log" in asked.err) == (2, True)
    ran = feedbot("replay", "log", "--since", "1h", "--yes", cwd=place)
    assert ran.out == "2 deliveries will be sent again to log at the next run\n"
    feedbot("run", cwd=place)
    first, again = keys(place)[:2], keys(place)[2:]
    assert again == [f"{key}-1" for key in first]
    assert feedbot("replay", "log", "--since", "1h", "--until", "30m", "--yes", "--json", cwd=place).json == {
        "deliveries": 0
    }


def test_what_cannot_be_sent_again_is_a_usage_error(place: Path) -> None:
    feedbot("run", cwd=place)
    for arguments in (["lgo", "--since", "1h"], ["log", "--since", "soon"], ["log", "--since", "1h", "--source", "x"]):
        ran = feedbot("replay", *arguments, "--yes", cwd=place)
        assert (ran.code, "Traceback" in ran.err) == (2, False)
    assert len(keys(place)) == 2


def test_a_sink_that_wants_no_more_is_shown_and_released(place: Path, web: WebServer) -> None:
    web.answers["/hook"] = Answer(410)
    feedbot("run", cwd=place)
    status = feedbot("status", "--json", cwd=place).json["sinks"]["hook"]
    assert status["held"] == 2
    assert "410" in status["disabled"]
    assert "wants no more deliveries" in feedbot("status", cwd=place).out
    assert "queue release --sink hook" in feedbot("queue", "list", cwd=place).out
    web.answers["/hook"] = Answer(204)
    feedbot("run", cwd=place)
    assert feedbot("status", "--json", cwd=place).json["sinks"]["hook"]["held"] == 2
    assert feedbot("queue", "release", "--sink", "hook", cwd=place).out == "2 will go out at the next run\n"
    feedbot("run", cwd=place)
    status = feedbot("status", "--json", cwd=place).json["sinks"]["hook"]
    assert (status["sent"], status["disabled"]) == (2, None)


def test_the_digest_of_a_route_waits_for_its_occasion(place: Path, web: WebServer) -> None:
    with (place / "feedbot.toml").open("a") as file:
        file.write('[[routes]]\nto = ["log"]\ndigest = "@yearly"\n')
    feedbot("run", cwd=place)
    assert feedbot("status", "--json", cwd=place).json["sinks"]["log"]["pending"] == 2
    with sqlite3.connect(place / "feedbot.db") as database:
        database.execute("UPDATE outbox SET not_before = 0")
    database.close()
    feedbot("run", cwd=place)
    assert len({json.loads(line)["key"] for line in (place / "log.jsonl").read_text().splitlines()}) == 1
