"""Fault points, at which a test can have the program killed or fail.

``FEEDBOT_FAULT=stage:n:kill|raise|enospc`` acts when a stage is reached for the n-th time. Off unless set.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections import Counter

STAGES = (
    "fetched", "parsed", "before-commit", "after-commit", "file-written", "file-renamed", "claimed", "sent", "marked",
)  # fmt: skip

_reached: Counter[str] = Counter()
_lock = threading.Lock()


def reach(stage: str) -> None:
    """Tell that a stage was reached. Raises OSError (ENOSPC) or RuntimeError, or kills, where told to."""
    wanted = "FEEDBOT_FAULT" in os.environ and os.environ["FEEDBOT_FAULT"]  # as get() costs more where it is not
    if not wanted:
        return
    where, number, how = wanted.split(":")
    if where != stage:
        return
    with _lock:
        _reached[stage] += 1
        if _reached[stage] != int(number):
            return
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "enospc":
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), stage)
    raise RuntimeError(f"fault at {stage}")
