"""The part of feedbot status that a distributed installation has: its workers, its queues, how far behind it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from feedbot.core.dates import rfc3339
from feedbot.store.fleet import SILENCE, WorkerState
from feedbot.store.stats import stats
from feedbot.store.store import Store

QUEUES = ("poll", "deliver", "publish")


def fleet(store: Store, now: datetime) -> dict[str, Any]:
    """What status shows besides, of a state in PostgreSQL: ``lag`` is in seconds."""
    found = stats(store, now)
    return {
        "workers": [_worker(worker, now) for worker in found.workers],
        "queues": {
            name: {"waiting": depth.waiting, "running": depth.running}
            for name in dict.fromkeys((*QUEUES, *found.queues))
            if (depth := found.queues.get(name)) is not None
        },
        "lag": max(found.lag.total_seconds(), 0.0),
    }


def fleet_rows(
    document: Mapping[str, Any], age: Callable[[str | None], str]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The table of workers, its head first; ``age`` tells how long ago a moment is."""
    head = ("process", "state", "works off", "reads", "since", "heard of")
    rows: list[tuple[str, ...]] = [
        (
            f"{worker['host']}:{worker['pid']}",
            worker["state"],
            ", ".join(worker["queues"]) or worker["command"],
            str(worker["concurrency"]),
            age(worker["started"]),
            age(worker["seen"]),
        )
        for worker in document["workers"]
    ]
    return head, rows


def fleet_line(document: Mapping[str, Any]) -> str:
    """How much waits and how far polling is behind, in a line."""
    depths = [
        f"{name} {depth['waiting']} waiting, {depth['running']} running" for name, depth in document["queues"].items()
    ]
    lag = f"polling is {document['lag']:.0f} s behind" if document["lag"] >= 1 else "polling is not behind"
    return "queues: " + "; ".join([*depths, lag])


def _worker(worker: WorkerState, now: datetime) -> dict[str, Any]:
    return {
        "id": worker.id,
        "host": worker.host,
        "pid": worker.pid,
        "version": worker.version,
        "command": worker.command,
        "queues": list(worker.queues),
        "concurrency": worker.readers,
        "state": "silent" if now - worker.seen > SILENCE else "at work",
        "started": rfc3339(worker.started),
        "seen": rfc3339(worker.seen),
    }
