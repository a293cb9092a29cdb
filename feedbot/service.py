"""The daemon of one installation: holds its lock and its state, and follows its configuration."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from feedbot.app import App
from feedbot.engine.daemon import Daemon
from feedbot.engine.journal import Journal
from feedbot.engine.presence import at_work
from feedbot.engine.tally import Tally
from feedbot.engine.work import Work
from feedbot.errors import StateError, UsageError
from feedbot.following import BEAT, GRACE, TELL, Following, Lasting
from feedbot.locking import run_lock
from feedbot.settings import Configuration
from feedbot.store.fleet import DAEMON
from feedbot.store.store import Store
from feedbot.store.subscriptions import Subscriptions
from feedbot.supervisor import Supervisor

if TYPE_CHECKING:
    from feedbot.web.hosting import Hosting

log = logging.getLogger(__name__)


class Service(Lasting):
    """Polls, publishes and delivers alone, and serves the feeds at an address where one is given."""

    def __init__(
        self,
        path: Path,
        load: Callable[[], Configuration],
        *,
        out: TextIO,
        quiet: bool = False,
        serve: tuple[str, int] | None = None,
    ) -> None:
        super().__init__(path, load, out=out, quiet=quiet)
        self._serve = serve

    def run(self) -> None:
        """Work until told to stop. Raises ConfigError, LockedError and StateError before anything has begun.

        Raises StateError later, too, where the file of the state is not the same one any more.
        """
        following = self._follow()  # which alone holds the configuration
        supervisor = Supervisor()
        with contextlib.ExitStack() as stack:
            stack.enter_context(run_lock(following.configuration.state))
            store = Store.open(following.configuration.state)
            stack.callback(store.close)
            daemon = self._daemon(following.configuration, store, stack)
            hosting = None
            if self._serve is not None:
                hosting = open_hosting(following.configuration, *self._serve, daemon.troubles, store, self._tally)
                stack.enter_context(hosting.server.running())
                log.info("serving %s", hosting.server.address)
            daemon.start()
            log.info("started: %s", following.summary)
            supervisor.ready(following.summary)
            try:
                self._watch(daemon, hosting, store, following, supervisor)
            finally:
                supervisor.stopping("ending; deliveries in flight have a few seconds")
                daemon.stop(GRACE)
            log.info("stopped")

    def _daemon(self, configuration: Configuration, store: Store, stack: contextlib.ExitStack) -> Daemon:
        """The daemon of a configuration, once what a killed one left behind is put in order."""
        app = self._app(configuration)
        stack.enter_context(at_work(store, DAEMON, self._lease, app.clock))
        app.sweep()
        store.recover(app.clock())
        return Daemon(self._work(app, store), Journal(app.clock, self._tally))

    def _watch(
        self, daemon: Daemon, hosting: Hosting | None, store: Store, following: Following, supervisor: Supervisor
    ) -> None:
        """Wait for the end, for another configuration, and tell the supervisor that all is well meanwhile."""

        def use(configuration: Configuration) -> None:
            work = self._work(self._app(configuration), store)
            if hosting is not None:
                hosting.replace(configuration)
            daemon.replace(work)

        beaten = float("-inf")
        file = following.configuration.state
        identity = _identity(file)
        while not self._stopping.wait(BEAT):
            following.follow(use, supervisor)
            if _identity(file) != identity:  # what is written into the former one is lost at the end
                raise StateError(
                    f"{file} was removed or replaced while feedbot works on it",
                    "start feedbot again to go on with what is there now",
                )
            daemon.keep_time()
            now = time.monotonic()
            if now - beaten >= (supervisor.watchdog or TELL) / 3:
                if not daemon.stuck():
                    supervisor.alive()
                how = (f"{name}: {text}" for name, text in daemon.how().items())
                supervisor.status(" · ".join([following.summary, *how]))
                beaten = now

    def _work(self, app: App, store: Store) -> Work:
        return Work(app.cycle(store, self._options, lease=self._lease), app.close, _own(app.configuration))


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

    place = configuration.state

    @contextlib.contextmanager
    def subscriptions() -> Iterator[Subscriptions]:
        with contextlib.ExitStack() as stack:
            state = store or stack.enter_context(contextlib.closing(Store.open(place, create=False)))
            yield state.subscriptions

    callback = Callback(subscriptions, lambda: datetime.now(UTC)) if configuration.feedbot.callback else None

    def gather(current: Configuration) -> bytes:
        from feedbot.metrics import exposition

        with contextlib.ExitStack() as stack:
            state = store or stack.enter_context(contextlib.closing(Store.open_to_read(current.state)))
            return exposition(current, state, datetime.now(UTC), tally.counts() if tally is not None else None)

    return Hosting(configuration, host, port, check, callback, gather)


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
