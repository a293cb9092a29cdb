"""feedbot daemon: as a service manager runs it."""

from __future__ import annotations

import signal
import socket
import threading
import time
from pathlib import Path

import pytest

from tests.support.build import rss
from tests.support.cli import feedbot
from tests.support.daemon import CONFIG, daemon, installed
from tests.support.web import Answer, Asked, WebServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return installed(tmp_path)


def announced(folder: Path) -> str:
    log = folder / "log.jsonl"
    return log.read_text() if log.exists() else ""


def test_what_is_new_is_published_and_delivered_while_it_runs(folder: Path) -> None:
    with daemon(folder) as running:
        running.until(lambda: (folder / "public" / "all.atom").exists())
        (folder / "blog.xml").write_text(rss("two", "one"))
        running.until(lambda: '"title":"two"' in announced(folder))
        running.until(lambda: "two" in (folder / "public" / "all.atom").read_text())

        assert running.end() == 128 + signal.SIGTERM
        assert running.said.count("polled") == 2  # polls that brought nothing are not worth a line
        assert running.said.endswith("INFO stopped\n")
    assert announced(folder).count('"title"') == 1


def test_a_run_beside_it_leaves_with_a_sentence(folder: Path) -> None:
    with daemon(folder) as running:
        running.until_said("started")

        beside = feedbot("run", cwd=folder)

        assert beside.code == 6
        assert "another feedbot works on" in beside.err


@pytest.mark.parametrize("by", ["signal", "file"])
def test_another_configuration_is_taken_over_and_a_bad_one_is_not(folder: Path, by: str) -> None:
    with daemon(folder) as running:
        running.until_said("started")

        (folder / "feedbot.toml").write_text(CONFIG + "nonsense = 1\n")
        running.until_said("the former one goes on")
        (folder / "blog.xml").write_text(rss("two", "one"))
        running.until(lambda: '"two"' in announced(folder))

        (folder / "feedbot.toml").write_text(CONFIG.replace("log.jsonl", "other.jsonl"))
        if by == "signal":
            running.tell(signal.SIGHUP)
        running.until_said("configuration read anew")
        (folder / "blog.xml").write_text(rss("three", "two", "one"))
        running.until(lambda: (folder / "other.jsonl").exists() and "three" in (folder / "other.jsonl").read_text())

        assert 'unknown key "nonsense"' in running.said
        assert running.end(signal.SIGINT) == 128 + signal.SIGINT
    assert "three" not in announced(folder)


def test_another_state_wants_a_restart(folder: Path) -> None:
    with daemon(folder) as running:
        running.until_said("started")
        (folder / "feedbot.toml").write_text(CONFIG.replace("feedbot.db", "other.db"))
        running.until_said("restart feedbot")
        assert not (folder / "other.db").exists()


def test_a_source_and_a_sink_that_hang_keep_neither_the_others_nor_the_end_waiting(
    folder: Path, web: WebServer
) -> None:
    release = threading.Event()

    def hang(_asked: Asked) -> Answer:
        release.wait(60)
        return Answer(200, b"")

    web.answers["/hang"] = hang
    (folder / "feedbot.toml").write_text(
        CONFIG
        + f"""
[sources.slow]
type = "feed"
url = "{web.url("/hang")}"
allow_private = ["{web.address}"]
[sinks.slow]
type = "webhook"
url = "{web.url("/hang")}"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
allow_private = ["{web.address}"]
"""
    )
    try:
        with daemon(folder) as running:
            running.until(lambda: any(asked.path == "/hang" for asked in web.asked))
            (folder / "blog.xml").write_text(rss("two", "one"))
            running.until(lambda: '"two"' in announced(folder), 45)
            begun = time.monotonic()
            assert running.end() == 128 + signal.SIGTERM
            assert time.monotonic() - begun < 10
    finally:
        release.set()
    assert feedbot("run", "--no-notify", "blog", cwd=folder).code == 0  # the lock and the state are free


def test_a_second_signal_ends_it_at_once(folder: Path, web: WebServer) -> None:
    release = threading.Event()

    def hang(_asked: Asked) -> Answer:
        release.wait(60)
        return Answer(200, b"")

    web.answers["/hang"] = hang
    config = f"""
[sinks.slow]
type = "webhook"
url = "{web.url("/hang")}"
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
allow_private = ["{web.address}"]
"""
    (folder / "feedbot.toml").write_text(CONFIG.replace('interval = "1s"', 'interval = "1s"\nbackfill = 1') + config)
    try:
        with daemon(folder) as running:
            running.until(lambda: bool(web.asked))
            running.tell(signal.SIGTERM)
            time.sleep(0.5)
            begun = time.monotonic()
            assert running.end(signal.SIGTERM) == 128 + signal.SIGTERM
            assert time.monotonic() - begun < 3
    finally:
        release.set()


def test_systemd_hears_how_it_is(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        address = str(folder / "notify")
        listener.bind(address)
        listener.settimeout(20)
        with daemon(folder, NOTIFY_SOCKET=address, WATCHDOG_USEC="1500000") as running:
            assert listener.recv(4096).startswith(b"READY=1\nSTATUS=")
            assert listener.recv(4096) == b"WATCHDOG=1"
            running.tell(signal.SIGHUP)
            heard = [listener.recv(4096)]
            while not heard[-1].startswith(b"READY=1"):
                heard.append(listener.recv(4096))
            assert any(message.startswith(b"RELOADING=1\nMONOTONIC_USEC=") for message in heard)
            running.tell(signal.SIGTERM)
            while not heard[-1].startswith(b"STOPPING=1\nSTATUS="):
                heard.append(listener.recv(4096))
            running.ended()


def test_a_configuration_that_is_no_good_keeps_it_from_starting(folder: Path) -> None:
    (folder / "feedbot.toml").write_text("[sources.blog]\n")
    assert feedbot("daemon", cwd=folder).code == 2


def test_a_state_that_is_no_database_keeps_it_from_starting(folder: Path) -> None:
    (folder / "feedbot.db").write_text("no database " * 1000)
    assert feedbot("daemon", cwd=folder).code == 5
