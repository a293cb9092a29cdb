"""A progress bar for runs that take more than a second."""

from __future__ import annotations

import time
from threading import Lock
from typing import Any

_PATIENCE = 1.0


class Progress:
    """Shows how many sources were polled and how far long ones are read, on stderr, once a run has taken a second."""

    def __init__(self, *, enabled: bool, colours: bool) -> None:
        self._enabled = enabled
        self._colours = colours
        self._begun = time.monotonic()
        self._lock = Lock()  # sources are read in threads
        self._bar: Any = None
        self._tasks: dict[str, Any] = {}

    def update(self, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` sources are polled."""
        self._show("polling", done, total)

    def reading(self, source: str, done: int, total: int) -> None:
        """Tell that ``done`` of ``total`` parts of a source are read; its bar goes when all are."""
        self._show(f"reading {source}", done, total, visible=done < total)

    def close(self) -> None:
        """Take the bars away, for good."""
        with self._lock:
            self._enabled = False
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def _show(self, what: str, done: int, total: int, *, visible: bool = True) -> None:
        with self._lock:
            if not self._enabled or time.monotonic() - self._begun < _PATIENCE:
                return
            if self._bar is None:
                from rich.console import Console
                from rich.progress import Progress as Bar

                self._bar = Bar(console=Console(stderr=True, no_color=not self._colours), transient=True)
                self._bar.start()
            if what not in self._tasks:
                self._tasks[what] = self._bar.add_task(what, total=total)
            self._bar.update(self._tasks[what], completed=done, total=total, visible=visible)
