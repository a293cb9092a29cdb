"""Tells systemd how the program is doing: the notification protocol of sd_notify(3)."""

from __future__ import annotations

import contextlib
import os
import socket
import time


class Supervisor:
    """Whoever started the program and wants to hear from it; nobody, where ``NOTIFY_SOCKET`` is not set.

    ``watchdog`` is after how many seconds without ``alive`` it takes the program for stuck, None for never.
    """

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        microseconds = os.environ.pop("WATCHDOG_USEC", "")
        owner = os.environ.pop("WATCHDOG_PID", "")
        watched = microseconds.isdigit() and owner in ("", str(os.getpid()))
        self.watchdog = int(microseconds) / 1e6 if watched else None

    def ready(self, status: str) -> None:
        self._tell(f"READY=1\nSTATUS={status}")

    def reloading(self) -> None:
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def alive(self) -> None:
        self._tell("WATCHDOG=1")

    def status(self, status: str) -> None:
        self._tell(f"STATUS={status}")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # Nobody who does not listen is worth stopping for.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1)
            sender.sendto(message.encode(), address)
