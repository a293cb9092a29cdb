"""Tells systemd how the program is doing: the notification protocol of sd_notify(3)."""

from __future__ import annotations

import contextlib
import os
import socket
import time

_MOST_STATUS = 500  # characters, of a datagram that is taken whole or not at all


class Supervisor:
    """Whoever started the program and wants to hear from it; nobody, where ``NOTIFY_SOCKET`` is not set.

    ``watchdog`` is after how many seconds without ``alive`` it takes the program for stuck, None for never.
    """

    def __init__(self) -> None:
        self._address = os.environ.pop("NOTIFY_SOCKET", "")
        microseconds = os.environ.pop("WATCHDOG_USEC", "")
        owner = os.environ.pop("WATCHDOG_PID", "")
        watched = microseconds.isdigit() and int(microseconds) > 0 and owner in ("", str(os.getpid()))
        self.watchdog = int(microseconds) / 1e6 if watched else None
        self._status = ""

    def ready(self, status: str) -> None:
        """It has started, or has read its configuration anew."""
        self._status = status
        self._tell(f"READY=1\nSTATUS={_line(status)}")

    def reloading(self) -> None:
        """It begins to read its configuration anew, which ends with ``ready``."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def alive(self) -> None:
        """It is not stuck."""
        self._tell("WATCHDOG=1")

    def status(self, status: str) -> None:
        """Tell how it is doing, in a line for a person; the same one only once."""
        if status != self._status:
            self._status = status
            self._tell(f"STATUS={_line(status)}")

    def stopping(self, status: str) -> None:
        """It begins to end."""
        self._tell(f"STOPPING=1\nSTATUS={_line(status)}")

    def _tell(self, message: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        # Nobody who does not listen is worth stopping for.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(1)
            sender.sendto(message.encode("utf-8", "replace"), address)


def _line(status: str) -> str:
    return " ".join(status.split())[:_MOST_STATUS]
