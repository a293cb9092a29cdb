"""The process of one worker: opens state and queue, follows its configuration, leaves where it cannot go on."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from msgspec.structs import replace

from feedbot.app import App
from feedbot.engine.journal import Journal
from feedbot.engine.presence import myself
from feedbot.engine.queue import POLL, Queue
from feedbot.engine.work import Work
from feedbot.engine.worker import SLOTS, Worker
from feedbot.errors import ConfigError, StateError
from feedbot.following import BEAT, GRACE, TELL, Following, Lasting
from feedbot.location import Database
from feedbot.settings import Configuration
from feedbot.store.store import Store
from feedbot.supervisor import Supervisor

log = logging.getLogger(__name__)


class WorkerService(Lasting):
    """Works off these ``queues``, and reads so many sources side by side (``concurrency``), or as many as usual."""

    def __init__(
        self,
        path: Path,
        load: Callable[[], Configuration],
        *,
        out: TextIO,
        quiet: bool,
        queues: tuple[str, ...],
        concurrency: int | None,
    ) -> None:
        super().__init__(path, load, out=out, quiet=quiet)
        self._queues = queues
        self._concurrency = concurrency

    def run(self) -> None:
        """Work until told to stop. Raises ConfigError and StateError before anything has begun.

        Raises StateError later, too, where it is cut off from the state or stands still: to be started afresh is what
        mends that.
        """
        following = self._follow()
        database = following.configuration.state
        if not isinstance(database, Database):
            raise ConfigError(
                f"a worker needs a state in PostgreSQL, and this one is the file {database}",
                hint='set state = "postgresql://..." in [feedbot] (feedbot state copy moves it), or use feedbot daemon',
            )
        supervisor = Supervisor()
        with contextlib.ExitStack() as stack:
            store = Store.open(database)
            stack.callback(store.close)
            app = self._app(following.configuration)
            app.sweep()
            store.recover(app.clock())
            worker = self._worker(app, store, open_queue(database, store))
            worker.start()
            summary = f"{following.summary} · {', '.join(self._queues)}"
            log.info("started: %s", summary)
            supervisor.ready(summary)
            self._watch(worker, store, following, supervisor)  # which leaves all as it is where it cannot go on
            supervisor.stopping("ending; deliveries in flight have a few seconds")
            worker.stop(GRACE)
            log.info("stopped")

    def _worker(self, app: App, store: Store, queue: Queue) -> Worker:
        work, polls = self._work(app, store), POLL in self._queues
        readers = work.cycle.polling.concurrency
        me = myself(
            self._lease,
            app.clock(),
            queues=self._queues,
            readers=readers if polls else 0,
            slots=SLOTS if polls else 0,
        )
        return Worker(work, queue, Journal(app.clock, self._tally), me)

    def _work(self, app: App, store: Store) -> Work:
        cycle = app.cycle(store, self._options, lease=self._lease)
        if self._concurrency is not None:
            cycle = replace(cycle, polling=replace(cycle.polling, concurrency=self._concurrency))
        return Work(cycle, app.close)

    def _watch(self, worker: Worker, store: Store, following: Following, supervisor: Supervisor) -> None:
        """Wait for the end, for another configuration, and leave where the worker cannot go on."""

        def use(configuration: Configuration) -> None:
            worker.replace(self._work(self._app(configuration), store))

        told = float("-inf")
        while not self._stopping.wait(BEAT):
            following.follow(use, supervisor)
            trouble = worker.trouble()
            if trouble:
                raise StateError(f"this worker cannot go on: {trouble}", "it leaves to be started afresh")
            if time.monotonic() - told >= (supervisor.watchdog or TELL) / 3:
                supervisor.alive()
                told = time.monotonic()


def open_queue(database: Database, store: Store) -> Queue:
    """The queue of a state, its tables made where there are none."""
    from feedbot.engine.procrastinating import ProcrastinateQueue
    from feedbot.store.jobs import jobs_options

    return ProcrastinateQueue(store.jobs, jobs_options(database, store.jobs.prepare()))
