"""A progress bar for runs that take more than a second."""

from __future__ import annotations

import time
from typing import Any

_PATIENCE = 1.0


class Progress:
    """Shows how many sources were polled, on stderr, once a run has taken a second."""

    def __init__(self, *, enabled: bool, colours: bool) -> None:
        self._enabled = enabled
        self._colours = colours
        self._begun = time.monotonic()
        self._bar: Any = None
        self._task: Any = None

    def update(self, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` sources are polled."""
        if not self._enabled or time.monotonic() - self._begun < _PATIENCE:
            return
        if self._bar is None:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True, no_color=not self._colours), transient=True)
            self._task = self._bar.add_task("polling", total=total)
            self._bar.start()
        self._bar.update(self._task, completed=done, total=total)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
