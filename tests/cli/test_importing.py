"""Taking over the feeds of other programs."""

from __future__ import annotations

import json
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from feedbot.core.identity import digest
from feedbot.store.store import Store
from tests.support.cli import feedbot
from tests.support.web import WebServer

START = '# mine\n[feedbot]\nstate = "s.db"\nallow_private = ["ADDRESS"]\n'


@pytest.fixture
def place(tmp_path: Path, web: WebServer) -> Path:
    (tmp_path / "feedbot.toml").write_text(START.replace("ADDRESS", web.address))
    (tmp_path / "rss2email.cfg").write_text(
        "[DEFAULT]\nfrom = me@example.org\nto = me@example.org\nemail-protocol = maildir\nmaildir-path = Mail\n"
        f"digest = True\n[feed.news]\nurl = {web.url('/feed')}\n[feed.more]\nurl = {web.url('/more')}\nactive = False\n"
    )
    seen = {"old-1": {"hash": "x"}, "old-2": {"hash": "y"}}
    (tmp_path / "rss2email.json").write_text(
        json.dumps({"version": 2, "feeds": [{"name": "news", "etag": None, "modified": None, "seen": seen}]})
    )
    return tmp_path


def config(place: Path) -> dict[str, Any]:
    return tomllib.loads((place / "feedbot.toml").read_text())


def test_rss2email_becomes_sources_and_a_sink(place: Path, web: WebServer) -> None:
    before = (place / "feedbot.toml").read_text()
    ran = feedbot("import", "rss2email", "rss2email.cfg", "rss2email.json", cwd=place)
    assert (ran.code, ran.err) == (0, "")
    assert (place / "feedbot.toml").read_text().startswith(before)
    assert config(place)["sources"] == {
        "news": {"type": "feed", "url": web.url("/feed")},
        "more": {"type": "feed", "url": web.url("/more"), "paused": True},
    }
    assert config(place)["sinks"] == {
        "me-example-org": {
            "type": "email",
            "from": "me@example.org",
            "to": ["me@example.org"],
            "transport": "maildir",
            "path": "Mail",
        }
    }
    assert "routes" not in config(place)
    assert "! [feed.news] and 1 more: digest = True: each entry is a mail of its own" in ran.out
    assert feedbot("check", cwd=place).code == 0


def test_what_rss2email_has_mailed_is_in_the_state(place: Path) -> None:
    feedbot("import", "rss2email", "rss2email.cfg", "rss2email.json", cwd=place)
    store = Store.open(place / "s.db")
    keys = [digest("id:old-1"), digest("id:old-2"), digest("id:other")]
    assert store.knowledge.announced_before("news", keys) == set(keys[:2])
    assert [state.name for state in store.sources.states().values() if state.polled] == ["news"]
    store.close()


def test_what_was_mailed_is_in_the_state_also_where_the_configuration_does_not_say_which_that_is(
    place: Path, web: WebServer
) -> None:
    (place / "feedbot.toml").write_text(START.replace("ADDRESS", web.address).replace('state = "s.db"\n', ""))
    items = "".join(f"<item><guid>{name}</guid><title>{name}</title></item>" for name in ("new", "old-1", "old-2"))
    web.serve(
        "/feed", f"<rss version='2.0'><channel><title>t</title><link>http://x.example/</link>{items}</channel></rss>"
    )

    feedbot("import", "rss2email", "rss2email.cfg", "rss2email.json", cwd=place)
    ran = feedbot("run", cwd=place)

    assert "3 new; 1 announced (the others were before)" in ran.out
    assert [path.name for path in place.glob(".feedbot*")] == []


def test_the_data_file_may_come_later_and_not_too_late(place: Path, web: WebServer) -> None:
    web.serve("/feed", "<rss version='2.0'><channel><title>t</title><link>http://x.example/</link></channel></rss>")
    ran = feedbot("import", "rss2email", "rss2email.cfg", cwd=place)
    assert "give its data file too" in ran.err
    document = feedbot("import", "rss2email", "rss2email.cfg", "rss2email.json", "--json", cwd=place).json
    assert (document["added"], list(document["known"])) == ({}, ["news"])
    feedbot("run", cwd=place)
    again = feedbot("import", "rss2email", "rss2email.cfg", "rss2email.json", cwd=place)
    assert "! news: feedbot has polled it already" in again.out


def test_a_dry_run_leaves_no_trace(place: Path) -> None:
    (place / "rss2email.cfg").write_text(
        (place / "rss2email.cfg")
        .read_text()
        .replace(
            "maildir\n",
            "smtp\nsmtp-server = mail.example.org\nsmtp-auth = True\nsmtp-password = x1\nsmtp-username = me\n",
        )
    )
    before = {path.name: path.read_bytes() for path in place.iterdir()}
    ran = feedbot("import", "rss2email", "rss2email.cfg", "rss2email.json", "--dry-run", cwd=place)
    assert ran.code == 0
    assert "would add 2 sources, 1 sink" in ran.out
    assert {path.name: path.read_bytes() for path in place.iterdir()} == before


def test_a_password_goes_into_a_file_of_its_own(place: Path) -> None:
    (place / "rss2email.cfg").write_text(
        "[feed.a]\nurl = https://a.example/\nto = me@example.org\nemail-protocol = smtp\n"
        "smtp-server = mail.example.org\nsmtp-auth = True\nsmtp-username = me\nsmtp-password = s3cret-word\n"
    )
    ran = feedbot("import", "rss2email", "rss2email.cfg", cwd=place)
    assert ran.code == 0
    password = place / "rss2email-smtp-password"
    assert password.read_text() == "s3cret-word\n"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert "s3cret" not in (place / "feedbot.toml").read_text() + ran.out + ran.err


def test_the_routes_of_what_was_there_stay(place: Path) -> None:
    with (place / "feedbot.toml").open("a") as file:
        file.write('\n[sources.mine]\ntype = "feed"\nurl = "https://x.example/"\n')
        file.write('\n[sinks.log]\ntype = "file"\npath = "log.jsonl"\n')
    feedbot("import", "rss2email", "rss2email.cfg", cwd=place)
    assert config(place)["routes"] == [
        {"sources": ["mine"], "to": ["log"]},
        {"sources": ["news", "more"], "to": ["me-example-org"]},
    ]


def test_feed2exec_and_newsboat_are_taken_over(place: Path) -> None:
    (place / "feed2exec.ini").write_text(
        "[DEFAULT]\noutput = feed2exec.plugins.maildir\nmailbox = ~/Maildir\n[NASA]\nurl = https://nasa.example/feed\n"
        "[Toot]\nurl = https://toot.example/\noutput = exec\n"
    )
    (place / "urls").write_text('https://a.example/ "tech" "~A blog"\nquery:x:y\nhttps://nasa.example/feed\n')
    ran = feedbot("import", "feed2exec", "feed2exec.ini", cwd=place)
    assert ran.code == 0
    assert "! [Toot]: output = exec" in ran.out
    assert config(place)["sinks"]["maildir-nasa"]["path"] == "~/Maildir/nasa"
    ran = feedbot("import", "newsboat", "urls", cwd=place)
    assert config(place)["sources"]["a-blog"] == {"type": "feed", "url": "https://a.example/", "tags": ["tech"]}
    assert "= nasa" in ran.out
    assert "! line 2: query:" in ran.out
    assert feedbot("check", cwd=place).code == 0


def test_what_goes_nowhere_goes_to_no_sink_of_the_others_either(place: Path) -> None:
    with (place / "feedbot.toml").open("a") as file:
        file.write('[sources.mine]\ntype = "feed"\nurl = "https://mine.example/feed"\n')
    (place / "feed2exec.ini").write_text(
        "[kept]\nurl = https://kept.example/feed\nmailbox = Mail\n[run]\nurl = https://run.example/\noutput = exec\n"
    )
    assert feedbot("import", "feed2exec", "feed2exec.ini", cwd=place).code == 0
    assert config(place)["routes"] == [{"sources": ["kept"], "to": ["maildir-kept"]}]


@pytest.mark.parametrize("program", ["rss2email", "feed2exec"])
def test_a_file_of_something_else_is_refused(place: Path, program: str) -> None:
    (place / "x").write_text("hello\n")
    ran = feedbot("import", program, "x", cwd=place)
    assert ran.code == 2
    assert "x: line 1" in ran.err


def test_entries_that_were_known_by_their_content_only_are_told_of(place: Path) -> None:
    seen: dict[str, dict[str, str]] = {"0123456789abcdef0123456789abcdef01234567": {}}
    (place / "rss2email.json").write_text(json.dumps({"feeds": [{"name": "news", "seen": seen}]}))
    ran = feedbot("import", "rss2email", "rss2email.cfg", "rss2email.json", cwd=place)
    assert "! [feed.news]: rss2email knew its entries by their content only" in ran.out
    assert not (place / "s.db").exists() or Store.open(place / "s.db").sources.states() == {}
