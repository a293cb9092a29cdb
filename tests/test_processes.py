"""Processes that answer one question after the other, of which none is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from feedbot import processes
from feedbot.processes import Helpers
from tests.conftest import PROJECT
from tests.support.processes import children_of, is_running, wait_until

MODULE = "tests.support.answering"


@pytest.fixture
def helpers() -> Iterator[Helpers]:
    some = Helpers(MODULE)
    yield some
    some.close()
    assert wait_until(lambda: not own_children())


def own_children() -> set[int]:
    """The processes of that module that this one has started, ended ones that nobody waited for too."""
    return {pid for pid, line in children_of(os.getpid()).items() if MODULE in line or "defunct" in line}


def test_one_process_answers_in_turn_whoever_asks(helpers: Helpers) -> None:
    assert not own_children()

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(lambda _: helpers.ask(b"who", 30), range(16)))

    assert answers == {str(pid).encode() for pid in own_children()}
    assert len(answers) == 1


def test_questions_and_answers_may_be_large_and_of_any_bytes(helpers: Helpers) -> None:
    large = "ä\n\0" * 3_000_000

    assert helpers.ask(f"echo {large}".encode(), 30).decode() == large
    assert helpers.ask(b"echo ", 30) == b""
    assert helpers.ask(b"print", 30).isdigit()


def test_what_takes_too_long_is_ended_in_time_and_the_next_one_answered_by_another(helpers: Helpers) -> None:
    first = helpers.ask(b"who", 30)
    start = time.monotonic()

    with pytest.raises(TimeoutError):
        helpers.ask(b"sleep 30", 0.5)

    assert time.monotonic() - start < 2
    assert not own_children()
    assert helpers.ask(b"who", 30) != first


def test_what_ends_its_process_costs_only_itself(helpers: Helpers) -> None:
    with pytest.raises(EOFError):
        helpers.ask(b"exit", 30)

    assert helpers.ask(b"who", 30)


def test_a_process_that_something_else_has_ended_is_replaced(helpers: Helpers) -> None:
    first = int(helpers.ask(b"who", 30))
    os.kill(first, 9)
    assert wait_until(lambda: not is_running(first))

    assert int(helpers.ask(b"who", 30)) != first


def test_nobody_waits_long_for_what_takes_long(helpers: Helpers) -> None:
    helpers.ask(b"who", 30)
    with ThreadPoolExecutor(4) as pool:
        long = pool.submit(helpers.ask, b"sleep 7", 30)
        time.sleep(0.2)
        others = [pool.submit(helpers.ask, b"who", 30) for _ in range(3)]

        assert len({other.result() for other in others}) == 1
        assert not long.done()
    assert len(own_children()) == 1


def test_after_its_share_of_work_a_process_makes_room(helpers: Helpers, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [helpers.ask(b"who", 30) for _ in range(processes.MOST_ANSWERS + 1)]

    assert len(set(answers[:-1])) == 1
    assert answers[-1] != answers[0]


def test_a_process_that_held_much_memory_makes_room(helpers: Helpers) -> None:
    first = helpers.ask(f"take {processes.MOST_MEMORY}".encode(), 30)

    assert not own_children()
    assert helpers.ask(b"who", 30) != first


def test_a_process_without_work_ends_after_a_while() -> None:
    helpers = Helpers(MODULE, idle=0.3)
    first = helpers.ask(b"who", 30)

    assert wait_until(lambda: not own_children())
    assert helpers.ask(b"who", 30) != first
    helpers.close()


@pytest.mark.parametrize("how", ["pass", "os.kill(os.getpid(), 9)", "raise KeyboardInterrupt"])
def test_a_process_ends_with_the_program_however_that_ends(how: str) -> None:
    program = (
        f"import os\nfrom feedbot.processes import Helpers\nhelpers = Helpers({MODULE!r})\n"
        f"print(helpers.ask(b'who', 30).decode(), flush=True)\n{how}"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=False)

    assert wait_until(lambda: not is_running(int(done.stdout)))


def test_where_no_process_can_be_started_that_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(FileNotFoundError):
        Helpers(MODULE).ask(b"who", 30)


def test_no_secret_of_the_environment_reaches_a_process(helpers: Helpers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEAM_TOKEN", "hush")

    assert b"TEAM_TOKEN" not in helpers.ask(b"environment", 30)
