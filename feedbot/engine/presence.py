"""Tells the others on a state that this process is at work, and frees what those had claimed who are not any more."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any

from feedbot import __version__
from feedbot.errors import FeedbotError
from feedbot.message.terminal import counted
from feedbot.store.fleet import SILENCE, Fleet, WorkerState
from feedbot.store.store import Store

BEAT = 4.0
"""Seconds between two signs of life."""
_LEASE = timedelta(minutes=15)

log = logging.getLogger(__name__)


class Presence:
    """One process among those at work. It holds on to the sources that are ``held`` for so long, or to all it has."""

    def __init__(
        self,
        fleet: Fleet,
        me: WorkerState,
        clock: Callable[[], datetime],
        held: Callable[[], Sequence[str]] | None = None,
        lease: timedelta = _LEASE,
    ) -> None:
        self.me = me
        self._fleet = fleet
        self._clock = clock
        self._held = held
        self._lease = lease
        self._beaten = self._steady = time.monotonic()  # when it was last heard of, and since when without a gap

    @property
    def silent(self) -> float:
        """For how many seconds it was not heard of."""
        return time.monotonic() - self._beaten

    def enter(self, me: WorkerState | None = None) -> None:
        """Be one of them, or go on as another ``me``."""
        self.me = me or self.me
        self._fleet.enter(self.me)
        self._beaten = self._steady = time.monotonic()
        _tell_of(self._fleet.rescue())  # what nobody else was there to free

    def beat(self) -> bool:
        """Give a sign of life; False where it was taken for dead, and has lost all that it had claimed."""
        now = self._clock()
        held = self._held() if self._held is not None else None
        try:
            known = self._fleet.beat(self.me.id, now, now + self._lease, held)
        except FeedbotError:
            self._steady = time.monotonic()
            raise
        if known:
            late = self.silent > 2 * BEAT
            self._beaten = time.monotonic()
            self._steady = self._beaten if late else self._steady
        return known

    def rescue(self) -> None:
        """Free what those had claimed who have fallen silent; not where the state was away for this one, too, as then
        the others have had no time yet to be heard of."""
        if time.monotonic() - self._steady >= SILENCE.total_seconds():
            _tell_of(self._fleet.rescue())

    def leave(self) -> None:
        """Free what this one had claimed."""
        self._fleet.leave(self.me.id)


@contextmanager
def at_work(store: Store, command: str, lease: str, clock: Callable[[], datetime]) -> Iterator[None]:
    """Be one of those at work for as long as the block lasts, where several may be at all. Raises StateError."""
    if store.alone:
        yield
        return
    presence, ended = Presence(store.fleet, myself(lease, clock(), command=command), clock), threading.Event()

    def stay() -> None:
        while not ended.wait(BEAT):
            try:
                if not presence.beat():
                    presence.enter()  # what it had claimed is others' by now, which each step finds
                presence.rescue()
            except FeedbotError as error:  # of the state: whoever works on it tells
                log.debug("no sign of life: %s", error)

    thread = threading.Thread(target=stay, name="presence", daemon=True)
    presence.enter()
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(BEAT)
        with suppress(FeedbotError):  # the others find that it is gone
            presence.leave()


def myself(lease: str, now: datetime, **way: Any) -> WorkerState:
    """This process, at work under a lease; ``way`` tells how."""
    return WorkerState(
        id=lease, host=socket.gethostname(), pid=os.getpid(), version=__version__, started=now, seen=now, **way
    )


def _tell_of(dead: Sequence[str]) -> None:
    if dead:
        log.warning("%s fell silent: what it had claimed is free again", counted(len(dead), "process", "processes"))
