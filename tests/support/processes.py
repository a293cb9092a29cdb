"""What runs beside a test, as the system has it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable


def children_of(pid: int) -> dict[int, str]:
    """The processes that one has started, with their command lines; ended ones that nobody waited for too."""
    found: dict[int, str] = {}
    with subprocess.Popen(["ps", "-A", "-o", "pid=,ppid=,args="], stdout=subprocess.PIPE, text=True) as looking:
        assert looking.stdout is not None
        for line in looking.stdout:
            child, parent, command = line.split(None, 2)
            if int(parent) == pid and int(child) != looking.pid:
                found[int(child)] = command.rstrip()
    return found


def is_running(pid: int) -> bool:
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip()[:1] not in ("", "Z")


def wait_until(holds: Callable[[], object], seconds: float = 10) -> bool:
    """Whether it holds before so much time is over."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
