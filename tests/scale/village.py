"""A village of sources and a receiver on loopback, which count what workers do."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from feedbot.location import Database
from tests.support.cli import started
from tests.support.web import Answer, Asked, WebServer

_FEED = '<?xml version="1.0"?><rss version="2.0"><channel><title>{0}</title><link>http://x/</link>{1}</channel></rss>'
_ITEM = '<item><guid isPermaLink="false">{0}</guid><title>{0}</title><description>Of {0}.</description></item>'


class Village:
    """``number`` sources, each at an address of its own of this machine, unless they share ``hosts``."""

    def __init__(self, web: WebServer, number: int, *, hosts: int = 0, delay: float = 0.0) -> None:
        self.web = web
        self.names = [f"s{index}" for index in range(number)]
        self.delay = delay
        self.polls: Counter[str] = Counter()
        self.most: Counter[str] = Counter()  # at once, by source and by host
        self.received: list[tuple[str, str, str]] = []  # webhook-id, source and id of the entry
        self.issues = dict.fromkeys(self.names, 1)
        self._guard = threading.Lock()
        self._now: Counter[str] = Counter()
        self._hosts = {name: f"127.0.{index % hosts if hosts else index}.1" for index, name in enumerate(self.names)}
        for name in self.names:
            web.answers[f"/{name}"] = self._feed
        web.answers["/hook"] = self._hook

    def write(
        self, folder: Path, database: Database, *, interval: str = "1h", sink: str = "", head: str = "", more: str = ""
    ) -> None:
        """A configuration for them, with more keys of the sink and of [feedbot], and with more tables."""
        port = self.web.address.partition(":")[2]
        polled = f'interval = "{interval}"\nbackfill = "all"'
        sources = "\n".join(
            f'[sources.{name}]\ntype = "feed"\nurl = "http://{self._hosts[name]}:{port}/{name}"\n{polled}\n'
            for name in self.names
        )
        file = folder / "feedbot.toml"
        file.touch(0o600)
        file.write_text(
            f'[feedbot]\nstate = "{database.url}"\noutput = "public"\nallow_private = ["127.0.0.0/8"]\n'
            f"per_host = 2\n{head}\n{sources}\n"
            f'[sinks.team]\ntype = "webhook"\nurl = "{self.web.url("/hook")}"\n{sink}\n'
            f'[feeds.all]\nformats = ["atom"]\nsources = ["*"]\n{more}\n'
        )

    @property
    def lost(self) -> set[tuple[str, str]]:
        """The entries that were not announced."""
        told = {(source, entry) for _, source, entry in self.received}
        return {(name, f"{name}-{n}") for name in self.names for n in range(self.issues[name])} - told

    @property
    def doubled(self) -> list[tuple[str, str, str]]:
        """What was announced under more than one key."""
        keys: dict[tuple[str, str], set[str]] = {}
        for key, source, entry in self.received:
            keys.setdefault((source, entry), set()).add(key)
        return [(*what, " ".join(sorted(ids))) for what, ids in keys.items() if len(ids) > 1]

    def _feed(self, asked: Asked) -> Answer:
        name, host = asked.path[1:], asked.headers["host"].partition(":")[0]
        with self._guard:
            self.polls[name] += 1
            for what in (name, host):
                self._now[what] += 1
                self.most[what] = max(self.most[what], self._now[what])
        try:
            time.sleep(self.delay)
            items = "".join(_ITEM.format(f"{name}-{number}") for number in range(self.issues[name]))
            return Answer(200, _FEED.format(name, items).encode(), {"Content-Type": "application/rss+xml"})
        finally:
            with self._guard:
                for what in (name, host):
                    self._now[what] -= 1

    def _hook(self, asked: Asked) -> Answer:
        entry = json.loads(asked.body)["data"]
        self.received.append((asked.headers["webhook-id"], entry["source"], entry["id"]))
        return Answer(204)


class Process:
    """``feedbot COMMAND`` as a process of its own, with what it has said so far."""

    def __init__(self, folder: Path, name: str, command: str, *options: str, hasty: bool = False) -> None:
        self.command = command
        self._said = folder / f"{name}.err"
        self._said.touch()
        first = hasten if hasty else None
        self._process = started(
            "-v", command, *options, cwd=folder, env={}, out=folder / f"{name}.out", err=self._said, first=first
        )

    @property
    def said(self) -> str:
        return self._said.read_text()

    @property
    def code(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.exitcode

    def tell(self, number: signal.Signals) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def end(self, seconds: float = 12) -> int | None:
        """Tell it to end, and give its exit code."""
        self.tell(signal.SIGTERM)
        self._process.join(seconds)
        return self.code

    def kill(self) -> None:
        """End it whatever it does."""
        self._process.kill()
        self._process.join()


def hasten() -> None:
    """Have the process, and those like it, take each other for dead sooner, so that a test need not wait so long."""
    from feedbot.engine import presence, procrastinating, worker
    from feedbot.store import fleet

    for module, name, seconds in (
        (worker, "BEAT", 1.0), (presence, "BEAT", 1.0), (procrastinating, "_BEAT", 1.0), (worker, "_RESCUE", 1.0),
        (fleet, "SILENCE", timedelta(seconds=4)), (presence, "SILENCE", timedelta(seconds=4)),
        (procrastinating, "_SILENT", 4.0),
    ):  # fmt: skip
        setattr(module, name, seconds)


@contextmanager
def working(folder: Path, *names: str, command: str = "worker", hasty: bool = False) -> Iterator[list[Process]]:
    """Processes on the configuration of a folder, ended whatever happens, with those that were added meanwhile."""
    running = [Process(folder, name, command, hasty=hasty) for name in names]
    try:
        yield running
    finally:
        for one in running:
            one.kill()
    for one in running:
        assert "Traceback" not in one.said, one.said


def until(condition: Callable[[], object], seconds: float = 60, said: Callable[[], str] = str) -> None:
    """Wait for something to come true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"in vain for {seconds} s\n{said()}"
        time.sleep(0.05)
