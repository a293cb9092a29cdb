"""The queue on Procrastinate, in the database of the state."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import procrastinate
from procrastinate import exceptions, jobs

from feedbot.engine.queue import DELIVER, POLL, PUBLISH, Batch, Handlers
from feedbot.store.jobs import Jobs

_BEAT = 4.0
_SILENT = 15.0  # seconds after which a worker of the library is no more
_LOOK = 2.0  # seconds between two looks for jobs that were not told of
_CONNECTIONS = 4  # that are shared by what is fetched and finished, beside one that listens for each queue
_AGAIN = 1.0  # seconds until it is begun again where it ended
_OUTAGE = 60.0  # seconds for which it may fail; what ends it then is a start afresh
_PATIENCE = 10.0  # seconds that a question to the library may take

log = logging.getLogger(__name__)


class ProcrastinateQueue:
    """Jobs in tables of the library. ``options`` are those of its connections (see feedbot.store.jobs)."""

    def __init__(self, store: Jobs, options: Mapping[str, Any]) -> None:
        self._store = store
        self._options = options
        self._putting = _app(procrastinate.SyncPsycopgConnector(**options), None)  # through the store's connections
        self._loop: asyncio.AbstractEventLoop | None = None
        self._working: procrastinate.App | None = None
        self._thread: threading.Thread | None = None
        self._workers: list[asyncio.Task[None]] = []
        self._down: float | None = None  # since when it fails
        self._error = ""
        self._stopping = threading.Event()
        for name in ("procrastinate", "psycopg.pool"):  # what goes wrong is told as trouble, or mended
            logging.getLogger(name).setLevel(logging.CRITICAL)

    def put_polls(self, connection: Any, batches: Sequence[Batch]) -> None:
        if batches:
            arguments: list[dict[str, Any]] = [{"pks": list(batch.pks), "lease": batch.lease} for batch in batches]
            self._putting.configure_task(POLL, queue=POLL, connection=connection).batch_defer(*arguments)

    def put(self, queue: str, name: str) -> None:
        arguments: dict[str, Any] = {"sink": name} if queue == DELIVER else {}
        lock = f"{queue}:{name}"
        # In a transaction of its own, which the library ends where the same job waits already.
        with contextlib.suppress(exceptions.AlreadyEnqueued), self._store.transaction() as connection:
            task = self._putting.configure_task(queue, queue=queue, queueing_lock=lock, connection=connection)
            task.defer(**arguments)

    def start(self, handlers: Handlers, slots: Mapping[str, int]) -> None:
        started = threading.Event()

        def work() -> None:
            while not self._stopping.is_set():
                try:
                    asyncio.run(self._run(handlers, slots, started))
                except Exception as fault:  # the library goes on after most of what may happen to a connection
                    log.debug("the queue ended", exc_info=fault)
                    self._down = self._down or time.monotonic()
                    self._error = _said(fault)
                started.set()
                self._stopping.wait(_AGAIN)

        self._thread = threading.Thread(target=work, name="queue", daemon=True)
        self._thread.start()
        started.wait()

    def rescue(self) -> None:
        self._ask(self._rescue())

    def trouble(self) -> str:
        if self._thread is None or not self._thread.is_alive():
            return "" if self._stopping.is_set() else "it is not running"
        down = 0.0 if self._down is None else time.monotonic() - self._down
        return f"it has failed for {down:.0f} s: {self._error}" if down > _OUTAGE else ""

    def stop(self, seconds: float) -> None:
        self._stopping.set()
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                for task in self._workers:
                    self._loop.call_soon_threadsafe(task.cancel)
            self._thread.join(seconds)

    async def _run(self, handlers: Handlers, slots: Mapping[str, int], started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        # A job whose end cannot be noted is one that somebody else has taken over: no news to a person.
        self._loop.set_exception_handler(lambda _, about: log.debug("queue: %s", about.get("message")))
        pool = ThreadPoolExecutor(sum(slots.values()) + 1, thread_name_prefix="job")
        self._loop.set_default_executor(pool)
        connector = procrastinate.PsycopgConnector(
            **self._options, min_size=1, max_size=_CONNECTIONS + len(slots), timeout=_PATIENCE
        )
        self._working = _app(connector, handlers)
        async with self._working.open_async():
            self._workers = [
                self._loop.create_task(
                    self._working.run_worker_async(
                        queues=[queue],
                        name=queue,
                        concurrency=number,
                        install_signal_handlers=False,
                        fetch_job_polling_interval=_LOOK,
                        update_heartbeat_interval=_BEAT,
                        stalled_worker_timeout=_SILENT,
                        delete_jobs="always",
                    )
                )
                for queue, number in slots.items()
            ]
            started.set()
            await asyncio.wait(self._workers, return_when=asyncio.FIRST_COMPLETED)
            for task in self._workers:
                task.cancel()
            for outcome in await asyncio.gather(*self._workers, return_exceptions=True):
                if isinstance(outcome, Exception) and not self._stopping.is_set():
                    raise outcome

    async def _rescue(self) -> None:
        assert self._working is not None
        manager = self._working.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=_SILENT):
            with contextlib.suppress(exceptions.ConnectorException):  # another worker was quicker
                if job.queue == POLL:
                    await manager.retry_job(job)
                else:  # the next tick puts another one, unless one waits already
                    await manager.finish_job(job, jobs.Status.FAILED, delete_job=True)
        self._down = None  # as it answers

    def _ask(self, question: Coroutine[Any, Any, None]) -> None:
        """Have something done by the library, if it is at work."""
        if self._loop is None or not self._loop.is_running():
            question.close()
            return
        asyncio.run_coroutine_threadsafe(question, self._loop).result(_PATIENCE)


def _said(fault: Exception) -> str:
    """What went wrong in a line; of an error of the library's, the database's own words."""
    return " ".join(str(fault.__cause__ or fault).split())


def _app(connector: Any, handlers: Handlers | None) -> procrastinate.App:
    """The library with the tasks that stand for the queues; without handlers it only puts jobs."""
    app = procrastinate.App(connector=connector)

    def poll(pks: list[int], lease: str) -> None:
        assert handlers is not None
        handlers.poll(Batch(tuple(pks), lease))

    def deliver(sink: str) -> None:
        assert handlers is not None
        handlers.deliver(sink)

    def publish() -> None:
        assert handlers is not None
        handlers.publish()

    tasks: Mapping[str, Callable[..., None]] = {POLL: poll, DELIVER: deliver, PUBLISH: publish}
    for name, task in tasks.items():
        app.task(name=name)(task)
    return app
