"""WebSub, publishing: a feed names its hub, which is told once after each change."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.support.cli import Ran, feedbot
from tests.support.web import Answer, WebServer

BASE = "https://example.org/feeds/"


@pytest.fixture
def folder(tmp_path: Path, web: WebServer) -> Path:
    (tmp_path / "feedbot.toml").write_text(
        f"""
[feedbot]
base_url = "{BASE}"
allow_private = ["{web.address}"]
[sources.blog]
type = "feed"
path = "blog.xml"
[feeds.all]
formats = ["atom", "rss", "json", "html"]
hub = "{web.url("/hub")}"
"""
    )
    write(tmp_path, "one")
    web.answers["/hub"] = Answer(204)
    return tmp_path


def write(folder: Path, *names: str) -> None:
    items = "".join(f"<item><guid>{name}</guid><title>{name}</title></item>" for name in names)
    (folder / "blog.xml").write_text(f'<rss version="2.0"><channel><title>T</title>{items}</channel></rss>')


def run(folder: Path, *options: str) -> Ran:
    ran = feedbot("run", "--force", *options, cwd=folder)
    assert ran.code == 0, ran.err
    return ran


def told(web: WebServer) -> list[str]:
    asked = [parse_qs(one.body.decode()) for one in web.asked]
    assert all(form["hub.mode"] == ["publish"] and form["hub.url"] == form["hub.topic"] for form in asked)
    return sorted(form["hub.url"][0].removeprefix(BASE) for form in asked)


def test_a_hub_is_told_once_of_each_feed_that_changed(folder: Path, web: WebServer) -> None:
    run(folder)
    assert told(web) == ["all.atom", "all.json", "all.rss"]

    web.asked.clear()
    run(folder)
    assert told(web) == []

    write(folder, "two", "one")
    run(folder)
    assert told(web) == ["all.atom", "all.json", "all.rss"]


def test_a_feed_names_its_hub_in_every_format(folder: Path, web: WebServer) -> None:
    run(folder)
    hub, public = web.url("/hub"), folder / "public"

    assert f'<link rel="hub" href="{hub}"/>' in (public / "all.atom").read_text()
    assert 'rel="hub"' in (public / "all.rss").read_text()
    assert json.loads((public / "all.json").read_text())["hubs"] == [{"type": "WebSub", "url": hub}]
    assert feedbot("feed", "validate", cwd=folder).code == 0


def test_a_hub_that_fails_is_told_again_later_and_holds_up_nothing(folder: Path, web: WebServer) -> None:
    web.answers["/hub"] = Answer(503, headers={"Retry-After": "0"})
    ran = run(folder)
    assert f"the hub {web.url('/hub')} answered 503" in ran.out
    assert (folder / "public" / "all.atom").exists()

    web.asked.clear()
    web.answers["/hub"] = Answer(202)
    write(folder, "two", "one")  # a change makes it due at once
    run(folder)
    assert told(web) == ["all.atom", "all.json", "all.rss"]


def test_a_hub_may_lead_to_another_one(folder: Path, web: WebServer) -> None:
    web.answers |= {"/hub": Answer(307, headers={"Location": "/other"}), "/other": Answer(202)}
    ran = run(folder)
    assert "hub" not in ran.out
    assert [one.path for one in web.asked] == ["/hub", "/other"] * 3
    assert len({one.body for one in web.asked}) == 3

    web.answers["/other"] = Answer(308, headers={"Location": "/hub"})
    write(folder, "two", "one")
    assert "answered 30" in run(folder).out


def test_what_was_written_by_a_run_that_was_killed_is_told_by_the_next(folder: Path, web: WebServer) -> None:
    killed = feedbot("run", cwd=folder, env={"FEEDBOT_FAULT": "file-renamed:2:kill"})
    assert killed.code != 0
    assert told(web) == []

    run(folder)

    assert told(web) == ["all.atom", "all.json", "all.rss"]


def test_a_dry_run_tells_nobody(folder: Path, web: WebServer) -> None:
    run(folder, "--dry-run")
    assert told(web) == []
