"""The two commands of the README: the checks run them as they are written, and the first does what it promises."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.support.cli import Ran, feedbot


def commands() -> list[str]:
    found = re.findall(r"^    (python3 -m venv .*)$", (PROJECT / "README.md").read_text(), re.MULTILINE)
    assert len(found) == 2
    return found


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """What the first run reads of the project, and nothing that an earlier one left."""
    shutil.copytree(PROJECT / "feedbot" / "samples", tmp_path / "feedbot" / "samples")
    shutil.copy(PROJECT / "config.example.toml", tmp_path)
    return tmp_path


def run(folder: Path) -> Ran:
    """Run feedbot as the first command does, once it has set it up."""
    program, *arguments = shlex.split(commands()[0].rpartition(" && ")[2])
    assert program == ".venv/bin/feedbot"
    ran = feedbot(*arguments, cwd=folder)
    assert ran.code == 0, ran
    return ran


def test_the_first_command_runs_the_main_job_and_a_second_time_there_is_nothing_new(fresh: Path) -> None:
    output = run(fresh).out

    assert "7 → terminal, 7 → mails" in output
    assert {path.name for path in (fresh / "demo" / "public").iterdir()} >= {"all.atom", "all.rss", "all.json"}
    assert len(list((fresh / "demo" / "outbox").glob("*.eml"))) == 7

    published = {path: path.read_bytes() for path in (fresh / "demo" / "public").rglob("*") if path.is_file()}
    assert "nothing new" in run(fresh).out
    assert {path: path.read_bytes() for path in published} == published


def test_the_checks_run_both_commands_as_they_are_written() -> None:
    # In a fresh environment, all of the tests: more than one of these tests could do.
    checks = (PROJECT / ".ci" / "run").read_text().splitlines()
    assert set(commands()) <= set(checks)
