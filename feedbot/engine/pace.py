"""Keeps to the rate of a sink, over all that was sent to it, in earlier runs too."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from feedbot.core.schedule import Rate, next_slot

PATIENCE = timedelta(seconds=2)
"""How long a run waits for its turn at most; what would have to wait for longer is left for a later run."""


class Pace:
    """The turns of one sink, shared by the threads that serve it."""

    def __init__(self, rate: Rate | None, given: Callable[[datetime], Sequence[datetime]]) -> None:
        self._rate = rate
        self._before = given
        self._given: deque[datetime] | None = None
        self._guard = threading.Lock()

    def turn(self, clock: Callable[[], datetime], stop: threading.Event) -> bool:
        """Wait for the next turn; False where it is too far away, or where it was told to stop."""
        if self._rate is None:
            return True
        with self._guard:
            now = clock()
            if self._given is None:
                self._given = deque(self._before(now - self._rate.span), maxlen=self._rate.number)
            slot = next_slot(self._rate, self._given, now)
            if slot - now > PATIENCE:
                return False
            self._given.append(slot)
        return not (slot > now and stop.wait((slot - now).total_seconds()))
