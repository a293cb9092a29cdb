"""The example of an image: held to rules here, and to those of hadolint where it is at hand."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import click

from feedbot.cli.commands import feedbot
from tests.conftest import PROJECT

FOLDER = PROJECT / "docs" / "examples" / "docker"
FILE = FOLDER / "Dockerfile"
STEPS = re.findall(r"^([A-Z]+) ((?:.*\\\n)*.*)", FILE.read_text(), re.MULTILINE)


def step(name: str) -> list[str]:
    return [text for word, text in STEPS if word == name]


def test_hadolint_finds_nothing() -> None:
    linter = shutil.which("hadolint") or shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if linter:
        done = subprocess.run([linter, FILE], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_its_base_has_a_version_and_no_other_tag() -> None:
    assert {base.partition(" ")[0] for base in step("FROM")} == {"python:3.13-slim-bookworm"}


def test_it_runs_as_somebody_without_rights() -> None:
    assert step("USER") == ["1000:1000"]
    assert "useradd --uid 1000" in step("RUN")[-1]


def test_what_it_starts_is_there() -> None:
    health = re.search(r"CMD \[\"feedbot\", \"(\w+)\"\]", step("HEALTHCHECK")[0])
    assert health is not None
    assert step("CMD") == ['["daemon"]']
    for name in (health[1], "daemon"):
        assert feedbot.get_command(click.Context(feedbot), name) is not None


def test_it_is_built_of_the_program_alone() -> None:
    kept = [line[1:] for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"]
    assert set(kept) == {"feedbot", "docs/feedbot.1", "pyproject.toml", "README.md", "LICENSE"}
    assert all((PROJECT / name).exists() for name in kept)
