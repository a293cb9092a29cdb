"""Where the output goes, and what becomes of it when it cannot go there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import CONFIG, write_post
from tests.support.cli import feedbot, started


def shell(command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which FEEDBOT stands for feedbot."""
    line = command.replace("FEEDBOT", f'"{sys.executable}" -m feedbot')
    return subprocess.run(
        ["bash", "-c", line], cwd=cwd, env={**os.environ, **environment}, capture_output=True, check=False
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is there on Linux only")
@pytest.mark.parametrize("arguments", ["run", "run --json", "check", "config schema", "--help", "run --frce --json"])
def test_a_full_disk_behind_the_output_is_one_sentence_and_code_1(place: Path, arguments: str) -> None:
    ran = shell(f"FEEDBOT {arguments} > /dev/full", place)
    assert ran.returncode == 1
    assert ran.stderr.decode().splitlines()[-1] == "error: cannot write the output: No space left on device"
    assert b"Traceback" not in ran.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full is there on Linux only")
def test_a_full_disk_behind_stderr_changes_nothing(place: Path) -> None:
    assert shell("FEEDBOT run -v 2> /dev/full", place).returncode == 0
    assert shell("FEEDBOT run nosuch 2> /dev/full", place).returncode == 2


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_no_hindrance(place: Path, closed: str) -> None:
    (place / "feedbot.toml").write_text(CONFIG + '\n[sinks.terminal]\ntype = "console"\n')
    ran = shell(f"FEEDBOT run {closed}", place)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert feedbot("status", "--json", cwd=place).json["sinks"]["terminal"]["sent"] == 1


def test_an_error_with_closed_streams_keeps_its_code(place: Path) -> None:
    assert shell("FEEDBOT run nosuch >&- 2>&-", place).returncode == 2


@pytest.mark.parametrize(
    ("encoding", "mark", "title"),
    [("latin-1", "+", "Caf\xe9 -> ?"), ("ascii", "+", "Cafe -> ?"), ("utf-8", "✓", "Café → 世")],
)
def test_letters_that_the_terminal_lacks_are_written_plainly(place: Path, encoding: str, mark: str, title: str) -> None:
    (place / "feedbot.toml").write_text(CONFIG + '\n[sinks.terminal]\ntype = "console"\n')
    write_post(place, "first", title="Café → 世")
    ran = shell("FEEDBOT run", place, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert ran.returncode == 0
    assert f"{mark} blog" in ran.stdout.decode(encoding)
    assert f"NEW  {title}" in ran.stdout.decode(encoding)


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({"TERM": "xterm"}, True), ({"TERM": "dumb"}, False), ({"TERM": "xterm", "NO_COLOR": "1"}, False)],
)
def test_colours_are_for_terminals_that_have_them(place: Path, environment: dict[str, str], coloured: bool) -> None:
    import pty

    ours, theirs = pty.openpty()
    told = place / "err"
    process = started("run", cwd=place, env={"NO_COLOR": "", **environment}, out=Path(os.ttyname(theirs)), err=told)
    process.join(60)
    shown = os.read(ours, 65536)
    os.close(theirs)
    os.close(ours)
    assert (process.exitcode, told.read_text()) == (0, "")
    assert (b"\x1b[32m" in shown) is coloured
