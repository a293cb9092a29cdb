"""Runs jobs again and again, side by side, and none of them twice at a time: APScheduler as a ticker, and no more."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

_MOST_THREADS = 1000
"""Of jobs that run at once; each sink may hang, and nothing else may wait for it. They are made when needed."""


class Every(BaseTrigger):  # type: ignore[misc]  # it says nothing of types
    """A time to come, again and again: what was missed is done once.

    The trigger that APScheduler has counts what was missed one by one: where a machine without a battery learns what
    year it is, a billion ticks.
    """

    def __init__(self, seconds: float) -> None:
        self._pause = timedelta(seconds=seconds)

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        """The next time after ``now``."""
        return now + self._pause


class Ticker:
    """Jobs by name, each in a thread. A tick that comes while the job still runs is left out."""

    def __init__(self) -> None:
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(_MOST_THREADS), "apart": ThreadPoolExecutor(1)},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        # A tick that comes while its work still goes on is what the jobs are made for, and no warning.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)

    @property
    def running(self) -> bool:
        return bool(self._scheduler.running)

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Begin no job any more; those that run go on."""
        self._scheduler.shutdown(wait=False)

    def every(
        self, name: str, job: Callable[[], None], seconds: float, *, after: float = 0, apart: bool = False
    ) -> None:
        """Run a job every so often, for the first time after so many seconds; ``apart``, it waits for no thread."""
        first = datetime.now(UTC) + timedelta(seconds=after)
        executor = "apart" if apart else "default"
        self._scheduler.add_job(
            job, Every(seconds), id=name, name=name, next_run_time=first, replace_existing=True, executor=executor
        )

    def remove(self, name: str) -> None:
        self._scheduler.remove_job(name)

    def soon(self, name: str) -> None:
        """Have a job run now; if it runs already, at its next tick. One that there is not any more is none."""
        with suppress(JobLookupError):
            self._scheduler.modify_job(name, next_run_time=datetime.now(UTC))

    def all_soon(self) -> None:
        """Have all jobs run now."""
        for job in self._scheduler.get_jobs():
            self.soon(job.id)
