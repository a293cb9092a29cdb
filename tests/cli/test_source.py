"""One source at a time: looked at, polled, paused, reset."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.cli import feedbot
from tests.support.web import Answer, WebServer

RSS = (
    "<rss version='2.0'><channel><title>News</title><link>http://x.example/</link>"
    "<item><guid>a</guid><title>A</title></item></channel></rss>"
)


@pytest.fixture
def place(tmp_path: Path, web: WebServer) -> Path:
    url = web.serve("/feed.xml", RSS)
    (tmp_path / "feedbot.toml").write_text(
        f'[feedbot]\nstate = "s.db"\nallow_private = ["{web.address}"]\n\n'
        f'[sources.news]  # the news\ntype = "feed"\nurl = "{url}"\nbackfill = "all"\n'
        f'headers = {{ Authorization = "Bearer s3cret-token" }}\n\n'
        '[sinks.log]\ntype = "file"\npath = "log.jsonl"\n'
    )
    (tmp_path / "feedbot.toml").chmod(0o600)
    return tmp_path


def announced(place: Path) -> int:
    log = place / "log.jsonl"
    return len(log.read_text().splitlines()) if log.exists() else 0


def test_sources_are_listed_before_and_after_their_first_poll(place: Path) -> None:
    listed = feedbot("source", "list", "--json", cwd=place).json["sources"]["news"]
    assert (listed["type"], listed["state"], listed["entries"], listed["last_poll"]) == ("feed", "new", 0, None)
    feedbot("run", cwd=place)
    listed = feedbot("source", "list", "--json", cwd=place).json["sources"]["news"]
    assert (listed["state"], listed["entries"]) == ("ok", 1)
    assert listed["place"].endswith("/feed.xml")
    head, row = feedbot("source", "list", cwd=place).out.splitlines()
    assert head.split()[:4] == ["source", "type", "state", "entries"]
    assert row.split()[:4] == ["news", "feed", "ok", "1"]


def test_a_source_is_shown_with_its_validators_and_without_its_secrets(place: Path) -> None:
    feedbot("run", cwd=place)
    shown = feedbot("source", "show", "news", "--json", cwd=place)
    assert shown.json["title"] == "News"
    assert shown.json["etag"]
    assert shown.json["settings"]["backfill"] == "all"
    text = feedbot("source", "show", "news", cwd=place).out
    assert "[sources.news]" in text
    assert re.search(r"^last poll: +\d{4}-\d\d-\d\d \d\d:\d\d UTC \(now\)$", text, re.MULTILINE)
    assert "s3cret" not in text + shown.out


def test_what_failed_is_shown_with_what_to_do(place: Path, web: WebServer) -> None:
    web.answers["/feed.xml"] = Answer(404)
    feedbot("run", cwd=place)
    assert "there is no such feed (404) (look for its new address" in feedbot("source", "show", "news", cwd=place).out
    assert feedbot("source", "list", "--json", cwd=place).json["sources"]["news"]["state"] == "failing"


def test_a_source_is_polled_though_it_is_not_due(place: Path, web: WebServer) -> None:
    feedbot("run", cwd=place)
    assert feedbot("source", "poll", "news", cwd=place).code == 0
    assert len(web.asked) == 2
    assert feedbot("source", "poll", "news", "--json", cwd=place).json["sources"]["news"]["status"] == "not-modified"


def test_a_paused_source_is_left_alone_until_it_is_resumed(place: Path, web: WebServer) -> None:
    before = (place / "feedbot.toml").read_text()
    assert feedbot("source", "pause", "news", cwd=place).out == '"news" is paused from now on\n'
    paused = (place / "feedbot.toml").read_text()
    assert paused == before.replace("# the news\n", "# the news\npaused = true\n")
    assert feedbot("run", "--force", cwd=place).code == 0
    assert feedbot("source", "poll", "news", cwd=place).code == 2
    assert web.asked == []
    assert feedbot("source", "pause", "news", "--json", cwd=place).json == {
        "source": "news",
        "paused": True,
        "changed": False,
    }
    assert feedbot("source", "resume", "news", cwd=place).code == 0
    assert (place / "feedbot.toml").read_text() == paused.replace("true", "false")
    feedbot("run", cwd=place)
    assert len(web.asked) == 1


def test_a_reset_source_is_read_anew_and_announces_nothing_again(place: Path, web: WebServer) -> None:
    feedbot("run", cwd=place)
    assert announced(place) == 1
    assert feedbot("source", "reset", "news", cwd=place).code == 0
    report = feedbot("run", "--json", cwd=place).json["sources"]["news"]
    assert (report["status"], report["new"]) == ("ok", [])
    assert "if-none-match" not in web.asked[-1].headers
    assert announced(place) == 1


def test_an_unknown_source_is_code_2(place: Path) -> None:
    for command in ("show", "poll", "pause", "resume", "reset"):
        ran = feedbot("source", command, "nwes", cwd=place)
        assert ran.code == 2
        assert 'did you mean "news"?' in ran.err


def test_the_last_polls_are_shown_newest_first_and_only_so_many_are_kept(place: Path, web: WebServer) -> None:
    assert feedbot("source", "show", "news", "--json", cwd=place).json["history"] == []
    feedbot("run", cwd=place)
    feedbot("run", "--force", cwd=place)
    web.answers["/feed.xml"] = Answer(503)
    feedbot("run", "--force", cwd=place)

    history = feedbot("source", "show", "news", "--json", cwd=place).json["history"]

    assert [(past["outcome"], past["status"]) for past in history] == [
        ("failed", 503),
        ("not-modified", 304),
        ("ok", 200),
    ]
    assert (history[2]["new"], history[2]["bytes"], history[1]["bytes"]) == (1, len(RSS), 0)
    table = feedbot("source", "show", "news", cwd=place).out.splitlines()[-4:]
    assert [line.split()[:1] for line in table] == [["polled"], ["now"], ["now"], ["now"]]
    assert [line.split()[1:3] for line in table[1:]] == [["failed", "503"], ["not-modified", "304"], ["ok", "200"]]
