"""The two commands of the README, run as they are written there, in a fresh copy of the project."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PROJECT

_SHIPPED = ("feedbot", "tests", "docs", "pyproject.toml", "README.md", "LICENSE", "config.example.toml")


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The project as somebody gets it: without environment, caches or state."""
    for name in _SHIPPED:
        here = PROJECT / name
        if here.is_dir():
            shutil.copytree(here, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(here, tmp_path / name)
    return tmp_path


def commands() -> list[str]:
    found = re.findall(r"^    (python3 -m venv .*)$", (PROJECT / "README.md").read_text(), re.MULTILINE)
    assert len(found) == 2
    return found


def shell(command: str, folder: Path, **environment: str) -> str:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("FEEDBOT", "PYTEST", "VIRTUAL_ENV"))}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(600)
def test_the_first_command_sets_up_and_runs_the_main_job(fresh: Path) -> None:
    output = shell(commands()[0], fresh)

    assert "7 → terminal, 7 → mails" in output
    assert {path.name for path in (fresh / "demo" / "public").iterdir()} >= {"all.atom", "all.rss", "all.json"}
    assert len(list((fresh / "demo" / "outbox").glob("*.eml"))) == 7

    published = {path: path.read_bytes() for path in (fresh / "demo" / "public").rglob("*") if path.is_file()}
    again = shell(".venv/bin/feedbot run --config config.example.toml", fresh)
    assert "nothing new" in again
    assert {path: path.read_bytes() for path in published} == published


def test_the_checks_run_both_commands_as_they_are_written() -> None:
    # In a fresh environment, all of the tests: more than one of these tests could do.
    checks = (PROJECT / ".ci" / "run").read_text().splitlines()
    assert set(commands()) <= set(checks)
