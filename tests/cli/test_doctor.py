"""feedbot doctor: what stands in the way, what to do about it, and the exit code that says where."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Ran, feedbot
from tests.support.web import Answer, WebServer

CONFIG = """
[feedbot]
state = "s.db"
allow_private = ["ADDRESS"]

[sources.news]
type = "feed"
url = "http://ADDRESS/feed.xml?token=s3cret-token"

[feeds.all]

[sinks.hook]
type = "webhook"
url = "http://ADDRESS/hooks/hidden-path"
"""

MAIL = """
[sinks.mail]
type = "email"
host = "127.0.0.1"
port = 1
tls = "none"
from = "a@b.example"
to = ["a@b.example"]
"""


@pytest.fixture
def place(tmp_path: Path, web: WebServer) -> Path:
    (tmp_path / "feedbot.toml").write_text(CONFIG.replace("ADDRESS", web.address))
    (tmp_path / "feedbot.toml").chmod(0o600)
    return tmp_path


def doctor(place: Path, *arguments: str, **environment: str) -> Ran:
    return feedbot("doctor", *arguments, cwd=place, env=environment)


def findings(ran: Ran) -> dict[str, list[dict[str, str]]]:
    """What was found, by its topic."""
    found: dict[str, list[dict[str, str]]] = {}
    for finding in ran.json["findings"]:
        found.setdefault(finding["topic"], []).append(finding)
    return found


def add(place: Path, text: str) -> None:
    with (place / "feedbot.toml").open("a") as file:
        file.write(text)


def test_where_all_is_well_each_thing_is_told_and_nothing_is_sent_or_made(place: Path, web: WebServer) -> None:
    before = sorted(os.listdir(place))
    ran = doctor(place, "--json")
    assert ran.code == 0, ran
    assert (ran.json["problems"], ran.json["warnings"]) == (0, 0), ran.out
    assert {"python", "feedbot", "configuration", "state", "disk", "output", "tls", "clock"} <= set(findings(ran))
    assert "answers (404)" in findings(ran)["source news"][0]["text"]
    assert {(asked.method, asked.path) for asked in web.asked} == {("HEAD", "/")}
    assert sorted(os.listdir(place)) == before


def test_no_secret_is_shown(place: Path, web: WebServer) -> None:
    for ran in (doctor(place), doctor(place, "--json"), doctor(place, "-vv", HTTPS_PROXY="http://me:hush-hush@p:1")):
        for secret in ("s3cret", "hidden-path", "hush-hush"):
            assert secret not in ran.out + ran.err


def test_a_faulty_configuration_is_told_whole_and_is_code_2(place: Path) -> None:
    add(place, '\n[sinks.x]\ntype = "emial"\n[sources.y]\ntype = "posts"\npath = "nowhere"\n')
    ran = doctor(place, "--json")
    assert ran.code == 2
    texts = " ".join(finding["text"] for finding in findings(ran)["configuration"])
    assert "feedbot.toml:" in texts
    assert "emial" in texts
    (place / "feedbot.toml").unlink()
    none = doctor(place, HOME=str(place), XDG_CONFIG_HOME=str(place))
    assert none.code == 2
    assert "no configuration file found" in none.out


def test_a_damaged_state_is_code_5_whatever_else_is_wrong(place: Path) -> None:
    assert feedbot("run", "-q", cwd=place).code == 0
    assert "sound" in findings(doctor(place, "--json"))["state"][0]["text"]
    (place / "s.db").write_bytes(b"not a database at all" * 100)
    add(place, MAIL)
    ran = doctor(place, "--json")
    assert ran.code == 5
    assert "damaged" in findings(ran)["state"][0]["text"]
    assert findings(ran)["sink mail"][0]["verdict"] == "problem"


def test_a_sink_that_cannot_be_reached_is_code_4(place: Path) -> None:
    add(place, MAIL)
    ran = doctor(place)
    assert ran.code == 4
    assert "✗ sink mail" in ran.out
    assert "127.0.0.1:1 cannot be reached: connection refused" in ran.out
    assert doctor(place, "--offline").code == 0


def test_a_source_that_may_not_be_asked_is_code_3_with_what_to_add(place: Path) -> None:
    add(place, '\n[sources.inside]\ntype = "feed"\nurl = "http://10.1.2.3/feed"\n')
    ran = doctor(place)
    assert ran.code == 3
    assert 'add allow_private = ["10.1.2.3:80"]' in ran.out


def test_a_host_that_never_answers_holds_nothing_up(place: Path, web: WebServer) -> None:
    def hang(handler: BaseHTTPRequestHandler) -> None:
        time.sleep(3)

    web.answers["/"] = Answer(raw=hang)
    configured = (place / "feedbot.toml").read_text()
    (place / "feedbot.toml").write_text(configured.replace("allow_private", 'timeout = "0.5s"\nallow_private'))
    ran = doctor(place, "--json")
    assert ran.code == 4
    assert "no complete answer" in findings(ran)["source news"][0]["text"]


def test_a_clock_that_is_wrong_is_told_by_the_servers(place: Path, web: WebServer) -> None:
    late = format_datetime(datetime.now(UTC) - timedelta(days=2), usegmt=True)

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(f"HTTP/1.1 200 OK\r\nDate: {late}\r\nContent-Length: 0\r\n\r\n".encode())

    web.answers["/"] = Answer(raw=answer)
    ran = doctor(place, "--json")
    assert ran.code == 3
    assert "2 d ahead of" in findings(ran)["clock"][0]["text"]


def test_proxies_are_told_to_be_of_no_use(place: Path) -> None:
    ran = doctor(place, "--offline", https_proxy="http://proxy.example:1")
    assert ran.code == 0
    assert "https_proxy set in the environment" in ran.out


def test_a_program_that_is_not_there_is_told(place: Path) -> None:
    add(place, '\n[sinks.run]\ntype = "command"\ncommand = ["no-such-program-here"]\n')
    add(place, '\n[sources.far]\ntype = "posts"\ngit = "https://blog.example/x.git"\n')
    empty = place / "empty"
    empty.mkdir()
    ran = doctor(place, "--offline", PATH=str(empty))
    assert ran.code == 4
    assert "the program no-such-program-here is not there" in ran.out
    assert "✗ git" in ran.out


def test_quiet_tells_only_what_takes_a_person(place: Path) -> None:
    assert doctor(place, "-q").out == ""
    assert "proxy" in doctor(place, "-q", "--offline", http_proxy="http://x").out


def test_that_nothing_runs_feedbot_is_told(place: Path, web: WebServer) -> None:
    web.serve("/feed.xml?token=s3cret-token", "<rss version='2.0'><channel><title>T</title></channel></rss>")
    feedbot("run", "-q", cwd=place)
    assert "polled now" in doctor(place, "--offline").out
    database = sqlite3.connect(place / "s.db")
    with database:
        database.execute("UPDATE sources SET last_poll = last_poll - ?", (3 * 86_400_000_000,))
    database.close()
    assert "nothing was polled since 3 d" in doctor(place, "--offline").out


def test_the_document_is_one_of_json(place: Path) -> None:
    document: Any = json.loads(doctor(place, "--offline", "--json").out)
    assert set(document) == {"findings", "ok", "warnings", "problems"}
    assert all(set(finding) == {"topic", "text", "verdict", "hint"} for finding in document["findings"])


def test_check_asks_hosts_where_it_is_told_to_and_its_code_says_which_of_them_did_not_answer(
    place: Path, web: WebServer
) -> None:
    assert feedbot("check", cwd=place).code == 0
    assert web.asked == []

    online = feedbot("check", "--online", cwd=place)
    assert online.code == 0, online
    assert "answers (404)" in online.out

    add(place, MAIL)
    told = feedbot("check", "--online", "--json", cwd=place)
    assert told.code == 4, told
    assert {host["topic"]: host["verdict"] for host in told.json["hosts"]}["sink mail"] == "problem"
