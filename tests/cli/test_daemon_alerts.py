"""What feedbot daemon tells its operator by mail and webhook: once when it begins, once when it ends, kills or not."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import feedbot
from tests.support.daemon import RunningDaemon, daemon
from tests.support.smtp import SmtpServer, smtp_server
from tests.support.web import Answer, WebServer

FEED = '<rss version="2.0"><channel><title>T</title><item><guid>one</guid><title>One</title></item></channel></rss>'


@pytest.fixture
def mails() -> Iterator[SmtpServer]:
    with smtp_server() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, web: WebServer, mails: SmtpServer) -> Path:
    web.answers["/feed"] = Answer(410)
    web.answers["/hook"] = Answer(204)
    (tmp_path / "feedbot.toml").write_text(f"""
[feedbot]
state = "feedbot.db"
allow_private = ["{web.address}", "127.0.0.1:{mails.port}"]
alerts = ["operator", "hook"]
[sources.blog]
type = "feed"
url = "{web.url("/feed")}"
interval = "1s"
[sinks.operator]
type = "email"
host = "127.0.0.1"
port = {mails.port}
tls = "none"
from = "feedbot@example.org"
to = ["operator@example.org"]
[sinks.hook]
type = "webhook"
url = "{web.url("/hook")}"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
""")
    return tmp_path


def hooked(web: WebServer) -> list[tuple[str, str]]:
    """The key and the event of what the webhook was sent."""
    asked = [one for one in web.asked if one.path == "/hook"]
    return [(one.headers["webhook-id"], json.loads(one.body)["data"]["event"]) for one in asked]


def mailed(mails: SmtpServer) -> list[tuple[str, str]]:
    """The id and the subject of the mails that came."""
    return [(one.message["Message-ID"], one.message["Subject"]) for one in mails.received]


def test_a_source_that_is_gone_and_its_recovery_are_told_by_mail_and_webhook(
    folder: Path, web: WebServer, mails: SmtpServer
) -> None:
    with daemon(folder) as running:
        running.until(lambda: bool(hooked(web) and mailed(mails)))
        assert running.end() == 128 + signal.SIGTERM
    web.serve("/feed", FEED)
    assert feedbot("source", "reset", "blog", cwd=folder).code == 0
    with daemon(folder) as running:
        running.until(lambda: len(hooked(web)) == len(mailed(mails)) == 2)
        assert running.end() == 128 + signal.SIGTERM

    assert [event for _, event in hooked(web)] == ["source.failing", "source.recovered"]
    assert [subject for _, subject in mailed(mails)] == [
        "[Feedbot] Source blog is gone",
        "[Feedbot] Source blog is well again",
    ]


@pytest.mark.parametrize("stage", ["after-commit", "sent", "marked"])
def test_a_kill_neither_loses_nor_repeats_an_alert(folder: Path, web: WebServer, mails: SmtpServer, stage: str) -> None:
    with daemon(folder, FEEDBOT_FAULT=f"{stage}:1:kill") as killed:
        assert killed.ended(20) == -signal.SIGKILL
    let_back_off_end(folder)
    with daemon(folder) as running:
        running.until(lambda: bool(hooked(web) and mailed(mails)))
        settle(running)

    assert {event for _, event in hooked(web)} == {"source.failing"}
    assert len(set(hooked(web))) == len(set(mailed(mails))) == 1
    assert len(hooked(web)) + len(mailed(mails)) <= 3 + (stage == "sent")  # what was in flight may come twice


def let_back_off_end(folder: Path) -> None:
    """As if it had been a week that the source was left alone."""
    assert feedbot("run", "-q", "--no-notify", "--force", cwd=folder).code == 0


def settle(running: RunningDaemon) -> None:
    """Let a tick pass, in which something could be sent once more."""
    time.sleep(2.2)
    assert running.end() == 128 + signal.SIGTERM
