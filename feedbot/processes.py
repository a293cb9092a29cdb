"""Processes of feedbot's own that do hard or hostile work, one piece after the other, and can be ended at any time.

A process is asked on its standard input and answers on its output. It ends with its input, so that none outlives
feedbot, however that ends; after so much work that what it has not let go of would matter; and, killed, where an
answer takes too long, which costs that answer only: another process takes up what is next.
"""

from __future__ import annotations

import atexit
import os
import signal
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Condition, Timer
from time import monotonic
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from subprocess import Popen

MOST_ANSWERS = 50
MOST_MEMORY = 250_000_000
"""After so many answers, or having held so many bytes, a process makes room for a fresh one."""
MAX_ANSWER = 200_000_000
_PATIENCE = 2.0
"""Seconds after which what is waiting is not kept up any longer by what is being worked on."""
_IDLE = 60.0
_HEAD = struct.Struct(">?Q")


class Helpers:
    """Processes that run one module, which calls ``serve``: as a rule one, started when there is work for it."""

    def __init__(self, module: str, patience: float = _PATIENCE, idle: float = _IDLE) -> None:
        self._module = module
        self._patience = patience
        self._rest = idle
        self._change = Condition()
        self._idle: list[_Helper] = []
        self._busy: dict[_Helper, float] = {}
        self._ends_with_program = False

    def ask(self, question: bytes, seconds: float) -> bytes:
        """The answer, in at most so many seconds, of which waiting for a process is a part.

        Raises TimeoutError where it takes longer, EOFError where the process ended without one, and OSError where
        none can be started. The process is gone then.
        """
        begun = monotonic()
        until = begun + seconds
        helper = self._taken(begun + seconds / 2)
        try:
            return helper.ask(question, until)
        finally:
            self._given_back(helper)

    def close(self) -> None:
        """End the processes that are waiting for work."""
        with self._change:
            idle, self._idle = self._idle, []
        for helper in idle:
            helper.end()

    def _taken(self, latest: float) -> _Helper:
        """A process for one answer: an idle one, else a new one where each has been busy with one for long."""
        with self._change:
            while not self._idle and self._busy:
                wait = min(max(self._busy.values()) + self._patience, latest) - monotonic()
                if wait <= 0:
                    break
                self._change.wait(wait)
            if not self._ends_with_program:
                self._ends_with_program = True
                atexit.register(self.close)
            helper = self._idle.pop() if self._idle else _Helper(self._module)
            self._busy[helper] = monotonic()
            return helper

    def _given_back(self, helper: _Helper) -> None:
        with self._change:
            del self._busy[helper]
            keep = helper.is_usable and not self._idle
            if keep:
                self._idle.append(helper)
                helper.rest(self._rest, self._retire)
            self._change.notify()
        if not keep:
            helper.end()

    def _retire(self, helper: _Helper) -> None:
        """End a process that nobody had work for."""
        with self._change:
            if helper not in self._idle:
                return
            self._idle.remove(helper)
        helper.end()


class _Helper:
    """One process, started when it is first asked."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: Popen[bytes] | None = None
        self._resting: Timer | None = None
        self.is_usable = False

    def ask(self, question: bytes, until: float) -> bytes:
        self._wake()
        if self._process is None or self._process.poll() is not None:  # something else has ended it
            self.end()
            self._process = _started(self._module)
        process = self._process
        self.is_usable = False
        timer = Timer(max(until - monotonic(), 0), process.kill)
        timer.daemon = True
        timer.start()
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            _send(process.stdin, question)
            received = _received(process.stdout)
        except BrokenPipeError:
            received = None
        finally:
            timer.cancel()
        if received is None:
            raise TimeoutError if monotonic() >= until else EOFError
        answer, is_last = received
        self.is_usable = not is_last and monotonic() < until
        return answer

    def rest(self, seconds: float, retire: Callable[[_Helper], None]) -> None:
        """Have it ended after so long, unless it is asked before."""
        self._resting = Timer(seconds, retire, (self,))
        self._resting.daemon = True
        self._resting.start()

    def end(self) -> None:
        """End the process, whatever it is doing."""
        self._wake()
        process, self._process = self._process, None
        self.is_usable = False
        if process is not None:
            process.kill()
            process.communicate()

    def _wake(self) -> None:
        timer, self._resting = self._resting, None
        if timer is not None:
            timer.cancel()


def serve(answer: Callable[[bytes], bytes]) -> None:
    """Answer what is asked on standard input, until that ends or the process has done its share."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what is printed on the way is no answer
    for left in reversed(range(MOST_ANSWERS)):
        question = _received(source)
        if question is None:
            return
        said = answer(question[0])
        is_last = not left or _peak() > MOST_MEMORY
        try:
            _send(target, said, is_last=is_last)
        except BrokenPipeError:
            is_last = True
        if is_last:
            return


def end(process: Popen[bytes], grace: float) -> None:
    """End a program that leads a session of its own, with all that it started: asked to, and killed after ``grace``.

    In seconds. Where there are no sessions, it alone is killed.
    """
    from subprocess import TimeoutExpired  # here: most runs need no process

    if process.returncode is not None:
        return
    if os.name != "posix":
        process.kill()
        process.wait()
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(TimeoutExpired):
        process.wait(grace)
    with suppress(ProcessLookupError):  # what ignored the first signal, or was started by the one that did not
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment() -> dict[str, str]:
    """Where modules are found, and nothing that is a secret."""
    kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PYTHONDONTWRITEBYTECODE") if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _started(module: str) -> Popen[bytes]:
    from subprocess import DEVNULL, PIPE, Popen  # here: most runs need no process

    command = [sys.executable, "-P", "-m", module]
    return Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment())  # noqa: S603 - our own module


def _send(pipe: IO[bytes], data: bytes, *, is_last: bool = False) -> None:
    pipe.write(_HEAD.pack(is_last, len(data)))
    pipe.write(data)
    pipe.flush()


def _received(pipe: IO[bytes]) -> tuple[bytes, bool] | None:
    """What comes next, and whether it is the last; None where the pipe ends before it is whole."""
    head = pipe.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    is_last, length = _HEAD.unpack(head)
    data = pipe.read(min(length, MAX_ANSWER))
    return (data, is_last) if len(data) == length else None


def _peak() -> int:
    """The most memory that this process ever held, in bytes; 0 where the system does not tell.

    Not of getrusage, which counts what the process that started this one held then.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii", "replace")
    except OSError:
        return 0
    most = next((line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")), "0")
    return int(most) * 1024
