"""The daemon of one installation: holds its lock and its state, and follows its configuration."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from feedbot.app import App, RunOptions
from feedbot.engine.daemon import Daemon, Work
from feedbot.engine.journal import Journal
from feedbot.engine.tally import Tally
from feedbot.errors import ConfigError, FeedbotError, StateError, UsageError
from feedbot.locking import run_lock
from feedbot.message.terminal import counted
from feedbot.settings import Configuration
from feedbot.store.store import Store
from feedbot.store.subscriptions import Subscriptions
from feedbot.supervisor import Supervisor

if TYPE_CHECKING:
    from feedbot.web.hosting import Hosting

GRACE = 8.0
"""Seconds that deliveries in flight have to end in."""
_BEAT = 0.5
_NOT_TAKEN = "the configuration was not taken over, and the former one goes on: %s"
_TELL = 90.0  # a supervisor that watches nothing hears how it goes three times in so many seconds

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
        self._tally = Tally()

    def stop(self) -> None:
        self._stopping.set()

    def reload(self) -> None:
        self._wanted.set()

    def run(self) -> None:
        """Work until told to stop. Raises ConfigError, LockedError and StateError before anything has begun.

        Raises StateError later, too, where the file of the state is not the same one any more.
        """
        seen = _stamp(self._path)
        configuration = self._load()
        supervisor = Supervisor()
        with contextlib.ExitStack() as stack:
            stack.enter_context(run_lock(configuration.state))
            store = Store.open(configuration.state)
            stack.callback(store.close)
            app = App(configuration, out=self._out, took=self._tally.took)
            app.sweep()
            store.recover(app.clock())
            daemon = Daemon(self._work(app, store), Journal(app.clock, self._tally))
            hosting = None
            if self._serve is not None:
                hosting = open_hosting(configuration, *self._serve, daemon.troubles, store, self._tally)
                stack.enter_context(hosting.server.running())
                log.info("serving %s", hosting.server.address)
            daemon.start()
            log.info("started: %s", _summary(configuration))
            supervisor.ready(_summary(configuration))
            try:
                self._watch(daemon, hosting, store, configuration, supervisor, seen)
            finally:
                supervisor.stopping("ending; deliveries in flight have a few seconds")
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
        beaten, summary = float("-inf"), _summary(configuration)
        file = configuration.state
        identity = _identity(file)
        while not self._stopping.wait(_BEAT):
            stamp = _stamp(self._path)
            if self._wanted.is_set() or (stamp != seen and stamp is not None):
                self._wanted.clear()
                seen = stamp
                supervisor.reloading()
                former, configuration = configuration, self._reloaded(daemon, hosting, store, configuration)
                kept = " · the former configuration: the present one is wrong" if former is configuration else ""
                summary = _summary(configuration) + kept
                supervisor.ready(summary)
            if _identity(file) != identity:  # what is written into the former one is lost at the end
                raise StateError(
                    f"{file} was removed or replaced while feedbot works on it",
                    "start feedbot again to go on with what is there now",
                )
            daemon.keep_time()
            now = time.monotonic()
            if now - beaten >= (supervisor.watchdog or _TELL) / 3:
                if not daemon.stuck():
                    supervisor.alive()
                supervisor.status(" · ".join([summary, *(f"{name}: {text}" for name, text in daemon.how().items())]))
                beaten = now

    def _reloaded(self, daemon: Daemon, hosting: Hosting | None, store: Store, former: Configuration) -> Configuration:
        """The configuration to go on with: the one that is there now, or the former where that is no good."""
        try:
            configuration = self._load()
            if configuration.state != former.state:
                raise ConfigError("the state is another one now", hint="restart feedbot to work on it")
            work = self._work(App(configuration, out=self._out, took=self._tally.took), store)
            if hosting is not None:
                hosting.replace(configuration)
            daemon.replace(work)
        except FeedbotError as error:
            problems = error.problems if isinstance(error, ConfigError) else ()
            told = "; ".join([error.message, *map(str, problems), *([error.hint] if error.hint else [])])
            log.error(_NOT_TAKEN, told)
            return former
        except Exception as fault:  # of a plugin, which must not end what works
            log.debug("reading the configuration anew failed", exc_info=fault)
            log.error(_NOT_TAKEN, f"unexpected {type(fault).__name__}: {fault} (please report this)")
            return former
        log.info("configuration read anew: %s", _summary(configuration))
        return configuration

    def _work(self, app: App, store: Store) -> Work:
        return Work(app.cycle(store, self._options), app.close, _own(app.configuration))


def open_hosting(
    configuration: Configuration,
    host: str,
    port: int,
    check: Callable[[], Mapping[str, str]] = dict,
    store: Store | None = None,
    tally: Tally | None = None,
) -> Hosting:
    """A server of the feeds of a configuration, of what hubs push, and of metrics.

    ``store`` is open where this process works on the state, and ``tally`` counts what it does. Where it does not, what
    a hub says is written into the state beside whoever works on it: a row of a table that a run only reads.
    Raises UsageError where it may not or cannot be.
    """
    try:
        from feedbot.web.callback import Callback
        from feedbot.web.hosting import Hosting
    except ImportError as error:
        raise UsageError(f"serving needs {error.name}, which is not installed", "install feedbot[web]") from error

    @contextlib.contextmanager
    def subscriptions() -> Iterator[Subscriptions]:
        with contextlib.ExitStack() as stack:
            state = store or stack.enter_context(contextlib.closing(Store.open(configuration.state, create=False)))
            yield state.subscriptions

    callback = Callback(subscriptions, lambda: datetime.now(UTC)) if configuration.feedbot.callback else None

    def gather(current: Configuration) -> bytes:
        from feedbot.metrics import exposition

        with contextlib.ExitStack() as stack:
            state = store or stack.enter_context(contextlib.closing(Store.open_to_read(current.state)))
            return exposition(current, state, datetime.now(UTC), tally.counts() if tally is not None else None)

    return Hosting(configuration, host, port, check, callback, gather)


def _summary(configuration: Configuration) -> str:
    counts = (
        counted(len(configuration.sources), "source", "sources"),
        counted(len(configuration.feeds), "feed", "feeds"),
        counted(len(configuration.sinks), "sink", "sinks"),
    )
    return f"{configuration.path} · {', '.join(counts)}"


def _stamp(path: Path) -> _Stamp | None:
    try:
        status = path.stat()
    except OSError:  # it is just being replaced
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _own(configuration: Configuration) -> list[Path]:
    """The files and folders that feedbot itself writes to as it works."""
    state = configuration.state
    files = (
        [Path(f"{state}{end}") for end in ("", "-wal", "-shm", "-journal", ".lock")] if isinstance(state, Path) else []
    )
    return [configuration.output_path, configuration.cache_path, *files]


def _identity(state: object) -> tuple[int, int] | None:
    """What tells the file of a state from any other; None where it is no file, or there is none."""
    try:
        status = state.stat() if isinstance(state, Path) else None
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if status is not None else None
