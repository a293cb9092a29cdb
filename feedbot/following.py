"""What keeps running, and follows its configuration: read anew when its file changes, or somebody says so."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from feedbot.app import App, RunOptions, new_lease
from feedbot.engine.tally import Tally
from feedbot.errors import ConfigError, FeedbotError
from feedbot.message.terminal import counted
from feedbot.settings import Configuration
from feedbot.supervisor import Supervisor

GRACE = 8.0
"""Seconds that what is in flight has to end in; supervisors kill after ten, as a rule."""
BEAT = 0.5
"""Seconds between two looks at whether to go on, and with which configuration."""
TELL = 90.0
"""A supervisor that watches nothing hears how it goes three times in so many seconds."""
_NOT_TAKEN = "the configuration was not taken over, and the former one goes on: %s"

_Stamp = tuple[int, int, int]

log = logging.getLogger(__name__)


class Lasting(ABC):
    """Runs until ``stop`` is called; ``reload`` has it read its configuration anew. Both may come from a signal."""

    def __init__(self, path: Path, load: Callable[[], Configuration], *, out: TextIO, quiet: bool) -> None:
        self._path = path
        self._load = load
        self._out = out
        self._options = RunOptions(quiet=quiet)
        self._following: Following | None = None
        self._stopping = threading.Event()
        self._tally = Tally()
        self._lease = new_lease()

    @abstractmethod
    def run(self) -> None:
        """Work until told to stop."""

    def stop(self) -> None:
        self._stopping.set()

    def reload(self) -> None:
        if self._following is not None:
            self._following.ask()

    def _follow(self) -> Following:
        self._following = Following(self._path, self._load)
        return self._following

    def _app(self, configuration: Configuration) -> App:
        return App(configuration, out=self._out, took=self._tally.took)


class Following:
    """The configuration that is at work; the first one has to be good, else ConfigError is raised."""

    def __init__(self, path: Path, load: Callable[[], Configuration]) -> None:
        self._path = path
        self._load = load
        self._asked = threading.Event()
        self._seen = _stamp(path)
        self.configuration = load()
        self._wrong = False

    def ask(self) -> None:
        """Have it read anew, changed or not; may be called from a signal."""
        self._asked.set()

    def follow(self, use: Callable[[Configuration], None], supervisor: Supervisor) -> None:
        """Have another configuration put to ``use`` where there is one; one that is no good is told, and left alone."""
        stamp = _stamp(self._path)
        if not self._asked.is_set() and (stamp == self._seen or stamp is None):
            return
        self._asked.clear()
        self._seen = stamp
        supervisor.reloading()
        self._wrong = not self._taken(use)
        supervisor.ready(self.summary)

    @property
    def summary(self) -> str:
        """What is at work, in a line."""
        counts = (
            counted(len(self.configuration.sources), "source", "sources"),
            counted(len(self.configuration.feeds), "feed", "feeds"),
            counted(len(self.configuration.sinks), "sink", "sinks"),
        )
        kept = " · the former configuration: the present one is wrong" if self._wrong else ""
        return f"{self.configuration.path} · {', '.join(counts)}{kept}"

    def _taken(self, use: Callable[[Configuration], None]) -> bool:
        former = self.configuration
        try:
            configuration = self._load()
            if configuration.state != former.state:
                raise ConfigError("the state is another one now", hint="restart feedbot to work on it")
            use(configuration)
        except FeedbotError as error:
            problems = error.problems if isinstance(error, ConfigError) else ()
            told = "; ".join([error.message, *map(str, problems), *([error.hint] if error.hint else [])])
            log.error(_NOT_TAKEN, told)
            return False
        except Exception as fault:  # of a plugin, which must not end what works
            log.debug("reading the configuration anew failed", exc_info=fault)
            log.error(_NOT_TAKEN, f"unexpected {type(fault).__name__}: {fault} (please report this)")
            return False
        self.configuration, self._wrong = configuration, False
        log.info("configuration read anew: %s", self.summary)
        return True


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:  # it is just being replaced
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
