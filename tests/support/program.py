"""Runs the server of another project on a port of its own, for as long as a test needs it."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


@contextmanager
def serving(command: Sequence[str], port: int, said: Path, seconds: float = 10, **options: Any) -> Iterator[None]:
    """A process that stays in the foreground and listens on ``port`` within ``seconds``; it is ended whatever happens.

    What it says goes into the file ``said``; further ``options`` are those of Popen.
    """
    with said.open("wb") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, **options)
    try:
        _await(process, port, said, seconds)
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
        process.kill()
        process.wait()


def _await(process: subprocess.Popen[bytes], port: int, said: Path, seconds: float) -> None:
    end = time.monotonic() + seconds
    while True:
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}:\n{said.read_text()}"
        assert time.monotonic() < end, f"{process.args!r} does not listen after {seconds} s:\n{said.read_text()}"
        time.sleep(0.02)
