"""Writes down what was sent: of a long backlog that goes out fast, each message while the next one is sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from feedbot.store.outbox import Outcome

STREAK = 64  # messages sent fast before any is marked while the next one is sent; a slow one sets it back by half
UNMARKED = 2  # messages that are sent and not marked yet, at most


class Marking:
    """Marks what one sink has taken, through ``mark``, for all threads that send to it; ``deliveries`` is how many.

    Usually each message is marked before its sender goes on, so that a kill has no more sent again than are sent side
    by side. A long backlog would spend half of its time waiting for the disk: there a thread marks a message while the
    next one is sent, and those of several senders together.
    """

    def __init__(self, mark: Callable[[Sequence[Outcome]], None]) -> None:
        self.deliveries = 0
        self._mark = mark
        self._streak = 0
        self._changed = threading.Condition()
        self._sent: list[Outcome] = []
        self._noted = self._marked = 0  # messages so far
        self._closed = False
        self._failure: Exception | None = None
        self._thread: threading.Thread | None = None

    def note(self, outcome: Outcome, *, fast: bool) -> None:
        """Have a message marked that was sent; ``fast`` tells how. Raises what marking it, or one before, raises."""
        self._streak = min(self._streak + 1, 2 * STREAK) if fast else self._streak // 2
        if self._streak <= STREAK:
            self._write([outcome])
            return
        with self._changed:
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="marking", daemon=True)
                self._thread.start()
            self._sent.append(outcome)
            self._noted += 1
            self._wait(self._noted - UNMARKED + 1)

    def settle(self) -> None:
        """Wait until all that was noted is marked. Raises what marking raises."""
        with self._changed:
            self._wait(self._noted)

    def close(self) -> None:
        """Let go of the thread, once all is settled."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _wait(self, number: int) -> None:
        """Wait until so many messages are marked."""
        self._changed.notify_all()
        self._changed.wait_for(lambda: self._marked >= number)
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._sent or self._closed)
                if not self._sent:
                    return
                together, self._sent = self._sent, []
            try:
                self._write(together)
            except Exception as failure:  # told to whoever notes or settles next
                self._failure = failure
            with self._changed:
                self._marked += len(together)
                self._changed.notify_all()

    def _write(self, outcomes: Sequence[Outcome]) -> None:
        self._mark(outcomes)
        with self._changed:
            self.deliveries += sum(len(outcome.pks) for outcome in outcomes)
