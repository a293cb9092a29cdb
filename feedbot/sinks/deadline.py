"""Ends work over a connection that takes too long, with one thread for all of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType


class Deadline:
    """A context in which ``cut`` is called, once, when it has lasted for so many seconds.

    The thread that looks lives from the first context to ``close``: to start one for each costs as much as a mail.
    ``late`` tells whether the current context, or the last one, was cut.
    """

    def __init__(self, seconds: float, cut: Callable[[], None]) -> None:
        self.late = False
        self._seconds = seconds
        self._cut = cut
        self._end: float | None = None
        self._guard = threading.Lock()
        self._closed: threading.Event | None = None

    def __enter__(self) -> Deadline:
        with self._guard:
            self.late = False
            self._end = monotonic() + self._seconds
        if self._closed is None:
            self._closed = threading.Event()
            threading.Thread(target=self._watch, args=(self._closed,), name="deadline", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._guard:
            self._end = None

    def close(self) -> None:
        """Let go of the thread."""
        closed, self._closed = self._closed, None
        if closed is not None:
            closed.set()

    def _watch(self, closed: threading.Event) -> None:
        # A later context ends later, so that waiting for the end of an earlier one never is too long.
        wait = self._seconds
        while not closed.wait(wait):
            with self._guard:
                left = self._seconds if self._end is None else self._end - monotonic()
                if left <= 0:
                    self._end, self.late, left = None, True, self._seconds
                    self._cut()
            wait = left
