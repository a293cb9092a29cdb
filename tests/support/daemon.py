"""Runs ``feedbot daemon`` as a service manager does: as a process that is told things by signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class RunningDaemon:
    """A daemon in a folder, with what it has said so far."""

    def __init__(self, folder: Path, options: tuple[str, ...], env: dict[str, str]) -> None:
        self._said = folder / "daemon.err"
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FEEDBOT_")}
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "feedbot", "daemon", *options],
                cwd=folder,
                env={**inherited, "PYTHONUTF8": "1", **env},
                stdout=said,
                stderr=said,
            )

    @property
    def said(self) -> str:
        return self._said.read_text()

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for something to come true; fails with what the daemon said where it does not."""
        end = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}:\n{self.said}"
            assert time.monotonic() < end, f"in vain for {seconds} s; it said:\n{self.said}"
            time.sleep(0.05)

    def until_said(self, text: str, seconds: float = 20) -> None:
        self.until(lambda: text in self.said, seconds)

    def tell(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM, seconds: float = 12) -> int:
        """Tell it to end, and give its exit code."""
        self.tell(number)
        return self.process.wait(seconds)


@contextmanager
def daemon(folder: Path, *options: str, **env: str) -> Iterator[RunningDaemon]:
    """A daemon on the ``feedbot.toml`` of a folder, ended whatever happens."""
    running = RunningDaemon(folder, options, env)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.wait()
    assert "Traceback" not in running.said, running.said
