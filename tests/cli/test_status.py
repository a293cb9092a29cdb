"""feedbot status: what is told of sources, feeds and sinks, once or for as long as somebody watches."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.cli.conftest import write_post
from tests.support.cli import feedbot
from tests.support.web import Answer, WebServer


def test_sources_tell_when_they_had_something_new_feeds_their_size_and_sinks_the_last_day(place: Path) -> None:
    feedbot("run", cwd=place)
    told = feedbot("status", "--json", cwd=place).json
    source, feed, sink = told["sources"]["blog"], told["feeds"]["all"], told["sinks"]["log"]
    assert source["last_new"] == source["last_poll"]
    assert (source["state"], source["failing_since"], source["not_before"]) == ("ok", None, None)
    assert feed["bytes"] == sum((place / "public" / name).stat().st_size for name in feed["files"])
    assert feed["updated"].endswith("Z")
    assert (sink["sent"], sink["sent_24h"], sink["oldest"]) == (1, 1, None)

    text = feedbot("status", cwd=place).out
    assert re.search(r"^source +type +state +entries +last new +last poll +next poll$", text, re.MULTILINE)
    assert re.search(r"^blog +posts +ok +1 +now +now +now$", text, re.MULTILINE)
    assert re.search(r"^log +1 +1 +0 +0 +0$", text, re.MULTILINE)


def test_what_waits_before_it_is_asked_again_says_so(place: Path, web: WebServer) -> None:
    web.answers["/feed"] = Answer(503)
    config = (place / "feedbot.toml").read_text().replace("[feedbot]", f'[feedbot]\nallow_private = ["{web.address}"]')
    (place / "feedbot.toml").write_text(f'{config}\n[sources.far]\ntype = "feed"\nurl = "{web.url("/feed")}"\n')
    feedbot("run", cwd=place)
    assert feedbot("status", "--json", cwd=place).json["sources"]["far"]["state"] == "failing"
    text = feedbot("status", "far", cwd=place).out
    assert re.search(r"^far +feed +backing off ×1 ", text, re.MULTILINE)
    assert "(503)" in text


def test_to_watch_takes_a_terminal(place: Path) -> None:
    for arguments in (["--watch"], ["--watch", "--json"]):
        ran = feedbot("status", *arguments, cwd=place)
        assert ran.code == 2
        assert "--watch redraws a terminal" in ran.err


def test_it_is_redrawn_while_somebody_watches_and_ends_with_ctrl_c(place: Path) -> None:
    feedbot("run", cwd=place)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "feedbot", "status", "--watch"],
        cwd=place,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"},
    )
    os.close(theirs)
    try:
        assert re.search(rb"blog +posts +ok +1 ", read_until(ours, b"dead"))
        write_post(place, "second")
        feedbot("run", cwd=place)
        assert re.search(rb"blog +posts +ok +2 ", read_until(ours, b"ok     2"))
        process.send_signal(signal.SIGINT)
        read_until(ours, b"\x1b[?1049l")  # the screen as it was
        assert process.wait(10) == 130
    finally:
        process.kill()
        os.close(ours)
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


def read_until(terminal: int, sign: bytes) -> bytes:
    """What is drawn until a sign comes, for some seconds."""
    drawn = b""
    end = time.monotonic() + 20
    while sign not in drawn and time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                drawn += os.read(terminal, 65536)
            except OSError:  # the other end is closed
                break
    assert sign in drawn, drawn
    return drawn
