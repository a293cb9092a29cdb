"""A process that answers what the tests of processes ask it."""

from __future__ import annotations

import os
import time

from feedbot.processes import serve


def answered(question: bytes) -> bytes:
    """Who the process is, unless it is asked for something else."""
    word, _, more = question.decode().partition(" ")
    if word == "sleep":
        time.sleep(float(more))
    elif word == "exit":
        os._exit(3)
    elif word == "take":
        bytearray(int(more))
    elif word == "print":
        print("noise")
    elif word == "echo":
        return more.encode()
    elif word == "environment":
        return str(sorted(os.environ)).encode()
    return str(os.getpid()).encode()


if __name__ == "__main__":
    serve(answered)
