"""How a distributed installation is doing: its workers, its queues, and how far behind it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from feedbot.store.fleet import WorkerState
from feedbot.store.jobs import Depth
from feedbot.store.store import Store


class Stats(Struct, frozen=True, kw_only=True):
    """All workers, the depths of the queues by name, and for how long the source that has waited longest is due."""

    workers: tuple[WorkerState, ...]
    queues: Mapping[str, Depth]
    lag: timedelta


def stats(store: Store, now: datetime) -> Stats:
    """How it is at this moment; of a state in PostgreSQL, where all is empty as long as no worker was started."""
    return Stats(workers=tuple(store.fleet.workers()), queues=store.jobs.depths(), lag=store.scheduling.lag(now))
