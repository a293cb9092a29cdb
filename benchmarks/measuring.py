"""Runs a process and tells what it spent; runs the server of made-up feeds beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

# As where a program is installed: its modules are compiled already.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
RUN = (sys.executable, "-m", "feedbot", "run", "-q", "--force")


@dataclass(frozen=True)
class Spent:
    """Seconds of CPU and of wall, and the most memory that was resident at once, in MB."""

    cpu: float
    wall: float
    memory: float


def timed(command: Sequence[str], folder: Path) -> Spent:
    """What a process spends. Ends the benchmark where it fails."""
    with tempfile.TemporaryFile() as said:
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)  # of this process alone, as getrusage of children is not
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{command} failed:\n{said.read()[-4000:].decode(errors='replace')}")
    return Spent(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


@contextmanager
def server(*options: str) -> Iterator[int]:
    """The port of a feedserver.py with these options, which lives as long as the block."""
    command = [sys.executable, str(Path(__file__).with_name("feedserver.py")), *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(10)


def set_mode(address: str, mode: str) -> None:
    """Have the server answer in another way from now on."""
    with urlopen(f"{address}/mode/{mode}") as answer:
        answer.read()


def loopback(number: int) -> str:
    """One of 16 million addresses of this machine, each a host of its own: 127.0.0.1, 127.0.0.2 ..."""
    return f"127.{(number + 1) >> 16}.{(number + 1) >> 8 & 255}.{(number + 1) & 255}"
