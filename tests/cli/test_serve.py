"""feedbot serve, and daemon --serve: the feeds over HTTP."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.support.cli import feedbot
from tests.support.daemon import CONFIG as DAEMON
from tests.support.daemon import RunningDaemon, daemon, installed, running

CONFIG = DAEMON.partition("[sinks.log]")[0].replace('["atom"]', '["atom", "html"]')


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return installed(tmp_path, CONFIG)


@pytest.fixture
def serving(folder: Path) -> Iterator[RunningDaemon]:
    assert feedbot("run", "-q", cwd=folder).code == 0
    with running(folder, "serve", "--port", "0") as server:
        yield server


def get(url: str) -> bytes:
    with urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def status(url: str) -> int:
    try:
        with urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def test_feeds_are_served_until_a_signal(serving: RunningDaemon) -> None:
    address = serving.address
    assert b"<title>one</title>" in get(f"{address}all.atom")
    assert get(f"{address}readyz") == b"ok\n"
    with pytest.raises(HTTPError, match="404"):
        get(f"{address}feedbot.db")

    begun = time.monotonic()
    assert serving.end() == 128 + signal.SIGTERM
    assert time.monotonic() - begun < 5


def test_another_configuration_is_taken_over(folder: Path, serving: RunningDaemon) -> None:
    address = serving.address
    (folder / "feedbot.toml").write_text(CONFIG + 'token = "opensesame"\n')
    serving.tell(signal.SIGHUP)
    serving.until(lambda: status(f"{address}all.atom") == 401)
    assert b"one" in get(f"{address}all.atom?token=opensesame")


def test_a_daemon_serves_what_it_publishes(folder: Path) -> None:
    with daemon(folder, "--serve", "127.0.0.1:0") as serving:
        address = serving.address
        serving.until_said("wrote all.atom")
        assert b"<title>one</title>" in get(f"{address}all.atom")
        assert get(f"{address}readyz") == b"ok\n"
        assert serving.end() == 128 + signal.SIGTERM


def test_other_addresses_take_a_token(folder: Path) -> None:
    refused = feedbot("serve", "--host", "0.0.0.0", cwd=folder)
    assert refused.code == 2
    assert "no token guards" in refused.err


@pytest.mark.parametrize("port", ["99999", "x"])
def test_a_port_that_is_none_is_refused(folder: Path, port: str) -> None:
    assert feedbot("serve", "--port", port, cwd=folder).code == 2
    assert feedbot("daemon", "--serve", f"127.0.0.1:{port}", cwd=folder).code == 2


def test_an_address_that_is_taken_is_told(folder: Path, serving: RunningDaemon) -> None:
    port = serving.address.rstrip("/").rpartition(":")[2]
    refused = feedbot("serve", "--port", port, cwd=folder)
    assert refused.code == 2
    assert "Address already in use" in refused.err


def test_an_address_whose_port_nobody_can_tell_is_refused(folder: Path) -> None:
    ran = feedbot("daemon", "--serve", "::1", cwd=folder)
    assert (ran.code, '"::1" is no address' in ran.err) == (2, True)
