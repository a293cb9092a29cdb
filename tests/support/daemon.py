"""Runs what of feedbot stays, as a service manager does: as a process that is told things by signals."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.build import rss
from tests.support.cli import started

CONFIG = """
[feedbot]
state = "feedbot.db"
[sources.blog]
type = "feed"
path = "blog.xml"
interval = "1s"
[feeds.all]
formats = ["atom"]
[sinks.log]
type = "file"
path = "log.jsonl"
"""


def installed(folder: Path, config: str = CONFIG) -> Path:
    """A folder with a configuration, and the feed of one entry that it names."""
    (folder / "feedbot.toml").write_text(config)
    (folder / "blog.xml").write_text(rss("one"))
    return folder


class RunningDaemon:
    """A daemon, or a server, in a folder, with what it has said so far."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], env: dict[str, str]) -> None:
        self._said = folder / "daemon.err"
        self._said.write_text("")  # one before it may have said something in the same folder
        self._process = started(*arguments, cwd=folder, env=env, out=folder / "daemon.out", err=self._said)
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

    @property
    def address(self) -> str:
        """Where it serves, once it has said so."""
        self.until_said("serving http://")
        return self.said.partition("serving ")[2].split()[0]

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
    with running(folder, "daemon", *options, **env) as one:
        yield one


@contextmanager
def running(folder: Path, *arguments: str, **env: str) -> Iterator[RunningDaemon]:
    """Likewise with another command."""
    one = RunningDaemon(folder, arguments, env)
    try:
        yield one
    finally:
        one.kill()
    assert "Traceback" not in one.said, one.said
