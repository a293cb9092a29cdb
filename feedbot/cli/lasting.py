"""Runs what keeps running, until a signal ends it."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

from feedbot.cli.context import Context
from feedbot.cli.entrance import Stopped
from feedbot.errors import FeedbotError

if TYPE_CHECKING:
    from feedbot.following import Lasting

_LONGEST = 9.5
"""Seconds after which it is gone when it was told to end; supervisors kill after ten, as a rule."""
_M_ARENA_MAX = -8  # of malloc.h
_ARENAS = 2
_TIDIED = 60.0
"""Seconds after which it is looked again for what refers to itself and is of no more use."""


def last(context: Context, service: Lasting) -> NoReturn:
    """Run a service until SIGTERM or SIGINT, a second of which ends it at once; SIGHUP reloads. Raises Stopped."""
    _share_memory()
    gc.freeze()
    threading.Thread(target=_tidy, name="tidying", daemon=True).start()
    ended: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if ended:
            os._exit(128 + number)
        ended.append(number)
        service.stop()
        longest = threading.Timer(_LONGEST, os._exit, [128 + number])  # whatever is under way, such as a long reload
        longest.daemon = True
        longest.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, lambda _number, _frame: service.reload())
    try:
        service.run()
    except FeedbotError as error:
        context.fail(error)
        sys.stdout.flush()
        os._exit(error.exit_code)  # a source may still be read for long
    raise Stopped(ended[0])


def _share_memory() -> None:
    """Have the threads share what memory they take, where the C library is glibc.

    Else each of dozens has an arena of its own, which keeps for ever the most that it ever needed.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def _tidy() -> None:
    """Have the garbage collector look at everything now and then.

    A former configuration is old when it is let go, and at what is old it looks hardly ever by itself.
    """
    while True:
        time.sleep(_TIDIED)
        gc.collect()
