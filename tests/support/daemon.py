"""Runs ``feedbot daemon`` as a service manager does: as a process that is told things by signals."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.cli import started


class RunningDaemon:
    """A daemon in a folder, with what it has said so far."""

    def __init__(self, folder: Path, options: tuple[str, ...], env: dict[str, str]) -> None:
        self._said = folder / "daemon.err"
        self._said.write_text("")  # one before it may have said something in the same folder
        self._process = started("daemon", *options, cwd=folder, env=env, out=folder / "daemon.out", err=self._said)
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def said(self) -> str:
        return self._said.read_text()

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        """Wait for something to come true; fails with what the daemon said where it does not."""
        end = time.monotonic() + seconds
        while not condition():
            assert self._process.exitcode is None, f"it ended with {self._process.exitcode}:\n{self.said}"
            assert time.monotonic() < end, f"in vain for {seconds} s; it said:\n{self.said}"
            time.sleep(0.05)

    def until_said(self, text: str, seconds: float = 20) -> None:
        self.until(lambda: text in self.said, seconds)

    def tell(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def end(self, number: signal.Signals = signal.SIGTERM, seconds: float = 12) -> int:
        """Tell it to end, and give its exit code."""
        self.tell(number)
        return self.ended(seconds)

    def ended(self, seconds: float = 12) -> int:
        """Wait for its end; gives its exit code."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, f"it goes on after {seconds} s; it said:\n{self.said}"
        return self._process.exitcode

    def kill(self) -> None:
        """End it whatever it does, if it has not ended."""
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()


@contextmanager
def daemon(folder: Path, *options: str, **env: str) -> Iterator[RunningDaemon]:
    """A daemon on the ``feedbot.toml`` of a folder, ended whatever happens."""
    running = RunningDaemon(folder, options, env)
    try:
        yield running
    finally:
        running.kill()
    assert "Traceback" not in running.said, running.said
