"""A configuration at work, which another one may take the place of meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from feedbot.engine.cycle import Cycle
from feedbot.engine.poll import Poller

_FAILING_SHARE = 0.25
"""The part of the threads that sources which failed may take."""


class Work:
    """A configuration at work: what its rounds work on, and how to let go of its connections at last.

    What changes in ``own`` files and folders is no news to whoever watches a folder around them.
    """

    def __init__(self, cycle: Cycle, close: Callable[[], None], own: Sequence[Path] = ()) -> None:
        self.cycle = cycle
        self.own = own
        self.poller = Poller(cycle.polling, _FAILING_SHARE)
        self.users = 0
        self._close = close

    def close(self) -> None:
        self.poller.close()
        self._close()


class Works:
    """The configuration at work ``now``, with the ``former`` ones for as long as something uses them."""

    def __init__(self, work: Work) -> None:
        self.now = work
        self.former: list[Work] = []
        self._guard = threading.Lock()

    @contextmanager
    def using(self) -> Iterator[Work]:
        """What is at work now, which stays whole until the block ends."""
        with self._guard:
            work = self.now
            work.users += 1
        try:
            yield work
        finally:
            with self._guard:
                work.users -= 1

    def replace(self, work: Work) -> Work:
        """Go on with another one; gives the former, of which what runs now ends with it."""
        with self._guard:
            former, self.now = self.now, work
            self.former.append(former)
        return former

    def let_go(self, former: Work) -> bool:
        """Close a former one; False where something uses it still."""
        with self._guard:
            used = former.users or former.poller.busy
        if not used:
            self.former.remove(former)
            former.close()
        return not used
