"""Finds the sources that are due, and puts jobs of polling them on the queue: each worker does, and one at a time."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from feedbot.core.batching import batches, room
from feedbot.engine.poll import Poller
from feedbot.engine.queue import Batch, Queue
from feedbot.engine.reading import SourceSpec
from feedbot.store.scheduling import Scheduling, Standing
from feedbot.store.sources import Sources

_PATIENCE = timedelta(seconds=45)
"""How long a claimed source may wait in the queue; one whose job was lost is claimed again then."""
_LOOKED_AT = 500
"""Rows that are looked at beside those that were found in vain the last time."""
_PUSHED = timedelta(hours=1)


class Scheduler:
    """Claims what is due of the sources of a configuration."""

    def __init__(self, store: Scheduling, sources: Sources, queue: Queue, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._sources = sources
        self._queue = queue
        self._clock = clock
        self._specs: Mapping[str, SourceSpec] = {}
        self._also: set[str] = set()
        self._vain = 0

    def follow(self, specs: Sequence[SourceSpec], poller: Poller) -> None:
        """Go by these sources from now on: one that is new gets its row, one that is to be polled more often than
        before is looked at whatever its row says."""
        states = self._sources.states()
        self._specs = {spec.name: spec for spec in specs}
        self._store.make(self._specs.keys() - states.keys())
        known = [spec for spec in specs if spec.name in states]
        self._also = {spec.name for spec in poller.due(known, states)}

    def tick(self, poller: Poller) -> bool:
        """Claim what is due, as far as there is somebody to poll it, and put jobs for it; gives whether there is
        more of it, which may be claimed soon."""
        now, lease = self._clock(), uuid.uuid4().hex
        plan: list[list[int]] = []
        most, more = _LOOKED_AT + self._vain, False

        def choose(standing: Standing) -> Sequence[int]:
            by_name = {state.name: pk for pk, state in standing.due.items()}
            specs = [self._specs[name] for name in by_name if name in self._specs]
            due = poller.due(specs, {state.name: state for state in standing.due.values()})
            busy = {self._specs[name].source.host for name in standing.claimed if name in self._specs} - {""}
            free = room(standing.readers, len(standing.claimed))
            hosts = [(by_name[spec.name], spec.source.host) for spec in due]
            plan.extend(batches(hosts, busy, free, standing.slots))
            chosen = [pk for job in plan for pk in job]
            nonlocal more
            more = bool(chosen) and (len(chosen) >= free or len(standing.due) >= most)
            return chosen

        def put(connection: Any, taken: Sequence[int]) -> None:
            claimed = frozenset(taken)
            kept = (tuple(pk for pk in job if pk in claimed) for job in plan)
            self._queue.put_polls(connection, [Batch(pks, lease) for pks in kept if pks])

        also = sorted(self._also | self._pushed(poller, now))
        vain = self._store.schedule(lease, now + _PATIENCE, now, most=most, also=also, choose=choose, put=put)
        if vain is not None:
            self._vain = vain
            self._also.clear()
        return more

    def _pushed(self, poller: Poller, now: datetime) -> set[str]:
        """The sources of which a hub has pushed something lately."""
        store = poller.polling.subscriptions
        pushes = store.all().values() if store is not None else ()
        return {one.source for one in pushes if one.pushed_at is not None and one.pushed_at > now - _PUSHED}
