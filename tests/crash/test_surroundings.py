"""Whatever the machine is short of, or does meanwhile, a run says so, and the next one completes what was left."""

from __future__ import annotations

import io
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedbot.app import App, RunOptions
from feedbot.settings import load
from tests.crash.installation import Installation
from tests.support.cli import limited, started
from tests.support.web import WebServer


@pytest.mark.parametrize("room", [1_000, 100_000, 250_000])
def test_a_full_disk_loses_nothing(room: int, tmp_path: Path, web: WebServer) -> None:
    installation = Installation(tmp_path, web)
    assert installation.run(first=limited(room)) in (0, 5)
    installation.check_files_whole()
    for _ in range(2):
        installation.let_back_off_end()
        assert installation.run() == 0
    installation.check()
    assert installation.repeats <= 1


def test_of_several_runs_at_once_one_works_and_nothing_is_sent_twice(tmp_path: Path, web: WebServer) -> None:
    installation = Installation(tmp_path, web)
    runs = [
        started("run", "-q", cwd=tmp_path, env={}, out=tmp_path / f"{number}.out", err=tmp_path / f"{number}.err")
        for number in range(3)
    ]
    for process in runs:
        process.join(60)
    codes = {process.exitcode for process in runs}
    assert 0 in codes
    assert codes <= {0, 6}
    assert installation.run() == 0
    installation.check()
    assert len(installation.received) == 4


def test_a_state_that_another_program_holds_announces_nothing(tmp_path: Path, web: WebServer) -> None:
    installation = Installation(tmp_path, web)
    assert installation.run("before-commit:1:kill") == -9
    holder = sqlite3.connect(tmp_path / "feedbot.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    assert installation.run() == 5
    assert installation.received == []
    holder.execute("ROLLBACK")
    holder.close()
    assert installation.run() == 0
    installation.check()


def test_a_clock_that_is_set_back_delays_nothing_for_long(tmp_path: Path, web: WebServer) -> None:
    installation = Installation(tmp_path, web)
    installation.status = 503
    ahead = datetime.now(UTC) + timedelta(days=400)
    report = App(load(tmp_path / "feedbot.toml", {}), out=io.StringIO(), clock=lambda: ahead).run(RunOptions())
    assert report.sinks["hook"].pending == 4
    installation.status = 204
    installation.received.clear()
    assert installation.run() == 0
    installation.check()
