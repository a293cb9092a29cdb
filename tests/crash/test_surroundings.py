"""Whatever the machine is short of, or does meanwhile, a run says so, and the next one completes what was left."""

from __future__ import annotations

import io
import resource
import sqlite3
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedbot.app import App, RunOptions
from feedbot.settings import load
from tests.crash.test_faults import Installation, _enter, _let_back_off_end, _processes
from tests.support.web import Answer, WebServer


def _enter_with_little_room(folder: str, most: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))  # what is longer cannot be written, as on a full disk
    _enter(folder, "")


@pytest.mark.parametrize("most", [1_000, 100_000, 250_000])
def test_a_full_disk_loses_nothing(most: int, tmp_path: Path, web: WebServer) -> None:
    installation = Installation(tmp_path, web)
    process = _processes.Process(target=_enter_with_little_room, args=(str(tmp_path), most))
    process.start()
    process.join(60)
    assert process.exitcode in (0, 5)
    installation.check_files_whole()
    for _ in range(2):
        _let_back_off_end(tmp_path)
        assert installation.run() == 0
    installation.check()
    assert sum(count - 1 for count in Counter(installation.received).values()) <= 1


def test_of_several_runs_at_once_one_works_and_nothing_is_sent_twice(tmp_path: Path, web: WebServer) -> None:
    installation = Installation(tmp_path, web)
    runs = [_processes.Process(target=_enter, args=(str(tmp_path), "")) for _ in range(3)]
    for process in runs:
        process.start()
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
    take, web.answers["/hook"] = web.answers["/hook"], Answer(503)
    ahead = datetime.now(UTC) + timedelta(days=400)
    report = App(load(tmp_path / "feedbot.toml", {}), out=io.StringIO(), clock=lambda: ahead).run(RunOptions())
    assert report.sinks["hook"].pending == 4
    web.answers["/hook"] = take
    assert installation.run() == 0
    installation.check()
