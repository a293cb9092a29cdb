"""The daemon of one installation: holds its lock and its state, and follows its configuration."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from feedbot.app import App, RunOptions, run_lock
from feedbot.engine.daemon import Daemon, Work
from feedbot.engine.journal import Journal
from feedbot.errors import ConfigError, FeedbotError, UsageError
from feedbot.settings import Configuration
from feedbot.store.store import Store
from feedbot.supervisor import Supervisor

if TYPE_CHECKING:
    from feedbot.web.hosting import Hosting

GRACE = 8.0
"""Seconds that deliveries in flight have to end in; supervisors kill after ten, as a rule."""
_BEAT = 0.5

_Stamp = tuple[int, int, int]

log = logging.getLogger(__name__)


class Service:
    """Runs until ``stop`` is called; ``reload`` has it read its configuration anew. Both may come from a signal."""

    def __init__(
        self,
        path: Path,
        load: Callable[[], Configuration],
        *,
        out: TextIO,
        quiet: bool = False,
        serve: tuple[str, int] | None = None,
    ) -> None:
        self._serve = serve
        self._path = path
        self._load = load
        self._out = out
        self._options = RunOptions(quiet=quiet)
        self._wanted = threading.Event()
        self._stopping = threading.Event()

    def stop(self) -> None:
        self._stopping.set()

    def reload(self) -> None:
        self._wanted.set()

    def run(self) -> None:
        """Work until told to stop. Raises ConfigError, LockedError and StateError before anything has begun."""
        seen = _stamp(self._path)
        configuration = self._load()
        supervisor = Supervisor()
        with contextlib.ExitStack() as stack:
            stack.enter_context(run_lock(configuration.state_path))
            store = Store.open(configuration.state_path)
            stack.callback(store.close)
            app = App(configuration, out=self._out)
            app.sweep()
            store.sources.release_all()
            store.outbox.recover(app.clock())
            daemon = Daemon(self._work(app, store), Journal(app.clock))
            hosting = None
            if self._serve is not None:
                hosting = open_hosting(configuration, *self._serve, daemon.troubles, store)
                stack.enter_context(hosting.server.running())
                log.info("serving %s", hosting.server.address)
            daemon.start()
            log.info("started: %s", _summary(configuration))
            supervisor.ready(_summary(configuration))
            self._watch(daemon, hosting, store, configuration, supervisor, seen)
            supervisor.stopping()
            daemon.stop(GRACE)
            log.info("stopped")

    def _watch(
        self,
        daemon: Daemon,
        hosting: Hosting | None,
        store: Store,
        configuration: Configuration,
        supervisor: Supervisor,
        seen: _Stamp | None,
    ) -> None:
        """Wait for the end, for another configuration, and tell the supervisor that all is well meanwhile."""
        beaten = float("-inf")
        while not self._stopping.wait(_BEAT):
            stamp = _stamp(self._path)
            if self._wanted.is_set() or (stamp != seen and stamp is not None):
                self._wanted.clear()
                seen = stamp
                supervisor.reloading()
                configuration = self._reloaded(daemon, store, configuration)
                if hosting is not None:
                    hosting.replace(configuration)
                supervisor.ready(_summary(configuration))
            now = time.monotonic()
            if supervisor.watchdog and now - beaten >= supervisor.watchdog / 3 and not daemon.troubles():
                supervisor.alive()
                beaten = now

    def _reloaded(self, daemon: Daemon, store: Store, former: Configuration) -> Configuration:
        """The configuration to go on with: the one that is there now, or the former where that is no good."""
        try:
            configuration = self._load()
            if configuration.state_path != former.state_path:
                raise ConfigError("the state is another one now", hint="restart feedbot to work on it")
            daemon.replace(self._work(App(configuration, out=self._out), store))
        except FeedbotError as error:
            problems = error.problems if isinstance(error, ConfigError) else ()
            told = "; ".join([error.message, *map(str, problems), *([error.hint] if error.hint else [])])
            log.error("the configuration was not taken over, and the former one goes on: %s", told)
            return former
        log.info("configuration read anew: %s", _summary(configuration))
        return configuration

    def _work(self, app: App, store: Store) -> Work:
        return Work(app.cycle(store, self._options), app.close)


def open_hosting(
    configuration: Configuration,
    host: str,
    port: int,
    check: Callable[[], Mapping[str, str]] = dict,
    store: Store | None = None,
) -> Hosting:
    """A server of the feeds of a configuration, and of what hubs push into ``store``.

    Raises UsageError where it may not or cannot be.
    """
    try:
        from feedbot.web.callback import Callback
        from feedbot.web.hosting import Hosting
    except ImportError as error:
        raise UsageError(f"serving needs {error.name}, which is not installed", "install feedbot[web]") from error
    pushes = store is not None and configuration.feedbot.callback
    callback = Callback(store.subscriptions, lambda: datetime.now(UTC)) if store is not None and pushes else None
    return Hosting(configuration, host, port, check, callback)


def _summary(configuration: Configuration) -> str:
    counts = (
        (len(configuration.sources), "sources"),
        (len(configuration.feeds), "feeds"),
        (len(configuration.sinks), "sinks"),
    )
    return f"{configuration.path} · " + ", ".join(f"{number} {word}" for number, word in counts)


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:  # it is just being replaced
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
