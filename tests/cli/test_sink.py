"""feedbot sink: trying a sink without anything new."""

from __future__ import annotations

import json
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from tests.cli.conftest import write_post
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


# What a sink would send


def test_a_preview_shows_the_newest_entry_and_sends_nothing(place: Path) -> None:
    feedbot("run", "--no-notify", cwd=place)
    before = sorted(path.name for path in place.iterdir())

    done = feedbot("sink", "preview", "log", cwd=place)

    assert (done.code, done.err) == (0, "")
    shown = json.loads(done.out)
    assert (shown["type"], shown["data"]["title"]) == ("entry.new", "First")
    assert sorted(path.name for path in place.iterdir()) == before


def test_a_preview_of_a_mail_has_headers_text_and_a_page(place: Path) -> None:
    with (place / "feedbot.toml").open("a") as file:
        file.write(
            '[sinks.readers]\ntype = "email"\nhost = "mail.example.org"\nfrom = "a@example.org"\nto = "b@example.org"\n'
        )
    feedbot("run", "--no-notify", cwd=place)
    (entry,) = feedbot("entry", "list", "--json", cwd=place).json["entries"]

    shown = feedbot("sink", "preview", "readers", "--entry", entry["id"], "--json", cwd=place).json

    assert shown["entry"] == entry["id"]
    assert "Subject: [blog] First\n" in shown["text"]
    assert "\n\nFirst\nhttps://blog.example/" in shown["text"]
    assert shown["page"].startswith("<!DOCTYPE html>")


def test_a_preview_shows_no_secret_and_asks_nobody(folder: Path, web: WebServer) -> None:
    with (folder / "feedbot.toml").open("a") as file:
        file.write(
            '[sinks.phone]\ntype = "pushover"\ntoken = "hush-token"\nuser = "hush-user"\n'
            '[sinks.chat]\ntype = "matrix"\nserver = "https://m.example"\ntoken = "hush-token"\nroom = "!a:m.example"\n'
        )
    for name in ("phone", "chat", "team"):
        done = feedbot("sink", "preview", name, cwd=folder)
        assert done.code == 0, done.err
        assert "hush" not in done.out
        assert "A test message from feedbot" in done.out
    assert "there is no entry yet" in done.err
    assert web.asked == []


def test_what_has_no_page_cannot_be_opened(folder: Path) -> None:
    done = feedbot("sink", "preview", "team", "--open", cwd=folder)
    assert done.code == 2
    assert 'the sink "team" sends no HTML page' in done.err


def test_an_entry_that_there_is_not_cannot_be_shown(place: Path) -> None:
    feedbot("run", "--no-notify", cwd=place)
    done = feedbot("sink", "preview", "log", "--entry", "none", cwd=place)
    assert done.code == 2
    assert 'there is no entry "none"' in done.err


def test_an_update_is_mailed_under_the_first_mail_of_its_entry(place: Path) -> None:
    config = (
        (place / "feedbot.toml").read_text().replace('backfill = "all"', 'backfill = "all"\nupdate_interval = "0s"')
    )
    mails = '[sinks.readers]\ntype = "email"\ntransport = "maildir"\npath = "mails"\n'
    (place / "feedbot.toml").write_text(config + mails + '[[routes]]\non = ["new", "updated"]\nto = ["readers"]\n')
    feedbot("run", cwd=place)
    write_post(place, "first", "other words")
    feedbot("run", cwd=place)

    found = [message_from_bytes(path.read_bytes(), policy=default) for path in (place / "mails" / "new").iterdir()]
    (first,) = [mail for mail in found if mail["Subject"] == "[blog] First"]
    (second,) = [mail for mail in found if mail["Subject"] == "[blog] Updated: First"]
    assert first["In-Reply-To"] is None
    assert second["In-Reply-To"] == second["References"] == first["Message-ID"] != second["Message-ID"]
