"""What systemd is told, over a socket of its kind."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedbot.supervisor import Supervisor


@pytest.fixture(params=["a file", "an abstract name"])
def listener(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[socket.socket]:
    address = str(tmp_path / "notify") if request.param == "a file" else f"\0feedbot-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.settimeout(2)
        monkeypatch.setenv("NOTIFY_SOCKET", address.replace("\0", "@"))
        yield listening


def heard(listener: socket.socket) -> list[str]:
    return listener.recv(4096).decode().split("\n")


def test_each_stage_of_its_life_is_told(listener: socket.socket) -> None:
    supervisor = Supervisor()
    supervisor.ready("3 sources")
    assert heard(listener) == ["READY=1", "STATUS=3 sources"]
    before = time.monotonic_ns() // 1000
    supervisor.reloading()
    reloading, moment = heard(listener)
    assert reloading == "RELOADING=1"
    assert before <= int(moment.removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
    supervisor.alive()
    assert heard(listener) == ["WATCHDOG=1"]
    supervisor.stopping("ending")
    assert heard(listener) == ["STOPPING=1", "STATUS=ending"]


def test_a_status_is_one_line_and_told_once(listener: socket.socket) -> None:
    supervisor = Supervisor()
    supervisor.ready("fine")
    supervisor.status("fine")
    supervisor.status("one\nREADY=0\n" + "x" * 10_000)
    supervisor.status("fine")
    assert heard(listener) == ["READY=1", "STATUS=fine"]
    (line,) = heard(listener)
    assert line.startswith("STATUS=one READY=0 xxx")
    assert len(line) < 600
    assert heard(listener) == ["STATUS=fine"]


def test_what_is_meant_for_this_process_is_not_handed_on(listener: socket.socket) -> None:
    Supervisor()
    assert "NOTIFY_SOCKET" not in os.environ


@pytest.mark.parametrize(
    ("microseconds", "owner", "watchdog"),
    [
        ("30000000", "", 30.0),
        ("30000000", "this one", 30.0),
        ("30000000", "1", None),
        ("0", "", None),
        ("soon", "", None),
        ("", "", None),
    ],
)
def test_the_watchdog_is_meant_for_whom_it_names(
    monkeypatch: pytest.MonkeyPatch, microseconds: str, owner: str, watchdog: float | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", microseconds)
    monkeypatch.setenv("WATCHDOG_PID", owner.replace("this one", str(os.getpid())))
    assert Supervisor().watchdog == watchdog


def test_nobody_who_listens_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Supervisor().ready("fine")
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    Supervisor().ready("fine")
