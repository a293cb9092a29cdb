"""Ends a computation that takes too much time, from within its own thread.

A thread cannot be killed, and signals reach the main one only; but Python reports every call that a thread
makes to a profiler of it, which may raise. That halves the speed, so it is for what is large or suspicious.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_CALLS_BETWEEN_LOOKS = 256


class OutOfTimeError(Exception):
    """The time given was used up."""


@contextmanager
def cpu_limit(seconds: float) -> Iterator[None]:
    """Raise OutOfTimeError in the block once this thread has computed for that many seconds in it.

    A single call into C is not interrupted; the time is looked at between calls.
    """
    end = time.thread_time() + seconds
    calls = 0

    def look(*_event: object) -> None:
        nonlocal calls
        calls += 1
        if calls % _CALLS_BETWEEN_LOOKS == 0 and time.thread_time() > end:
            raise OutOfTimeError

    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)
