"""feedbot serve, and daemon --serve: the feeds over HTTP."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.support.cli import feedbot
from tests.support.daemon import daemon

CONFIG = """
[feedbot]
state = "feedbot.db"
[sources.blog]
type = "feed"
path = "blog.xml"
interval = "1s"
[feeds.all]
formats = ["atom", "html"]
"""
FEED = '<rss version="2.0"><channel><title>T</title><item><guid>1</guid><title>One</title></item></channel></rss>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "feedbot.toml").write_text(CONFIG)
    (tmp_path / "blog.xml").write_text(FEED)
    return tmp_path


@pytest.fixture
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    assert feedbot("run", "-q", cwd=folder).code == 0
    command = [sys.executable, "-m", "feedbot", "serve", "--port", "0"]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            address = re.search(r"serving (\S+)", process.stderr.readline())
            assert address is not None
            yield process, address[1]
        finally:
            process.kill()


def get(url: str) -> bytes:
    with urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def status(url: str) -> int:
    try:
        with urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_feeds_are_served_until_a_signal(serving: tuple[subprocess.Popen[str], str]) -> None:
    process, address = serving
    assert b"<title>One</title>" in get(f"{address}all.atom")
    assert get(f"{address}readyz") == b"ok\n"
    with pytest.raises(HTTPError, match="404"):
        get(f"{address}feedbot.db")

    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)

    assert process.wait(10) == 128 + signal.SIGTERM
    assert time.monotonic() - begun < 5


def test_another_configuration_is_taken_over(folder: Path, serving: tuple[subprocess.Popen[str], str]) -> None:
    process, address = serving
    (folder / "feedbot.toml").write_text(CONFIG + 'token = "opensesame"\n')
    process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if status(f"{address}all.atom") == 401:
            break
        time.sleep(0.05)
    assert status(f"{address}all.atom") == 401
    assert b"One" in get(f"{address}all.atom?token=opensesame")


def test_a_daemon_serves_what_it_publishes(folder: Path) -> None:
    with daemon(folder, "--serve", "127.0.0.1:0") as running:
        running.until_said("serving http://")
        found = re.search(r"serving (\S+)", running.said)
        assert found is not None
        running.until_said("wrote all.atom")
        assert b"<title>One</title>" in get(f"{found[1]}all.atom")
        assert get(f"{found[1]}readyz") == b"ok\n"
        assert running.end() == 128 + signal.SIGTERM


def test_other_addresses_take_a_token(folder: Path) -> None:
    refused = feedbot("serve", "--host", "0.0.0.0", cwd=folder)
    assert refused.code == 2
    assert "no token guards" in refused.err


@pytest.mark.parametrize("port", ["99999", "x"])
def test_a_port_that_is_none_is_refused(folder: Path, port: str) -> None:
    assert feedbot("serve", "--port", port, cwd=folder).code == 2
    assert feedbot("daemon", "--serve", f"127.0.0.1:{port}", cwd=folder).code == 2


def test_an_address_that_is_taken_is_told(folder: Path, serving: tuple[subprocess.Popen[str], str]) -> None:
    port = serving[1].rstrip("/").rpartition(":")[2]
    refused = feedbot("serve", "--port", port, cwd=folder)
    assert refused.code == 2
    assert "Address already in use" in refused.err
