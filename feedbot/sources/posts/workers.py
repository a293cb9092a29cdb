"""Renders many posts in processes of their own, one a core, of which each can be ended.

A process is told on its standard input and answers on its output, pickled: first the plan, then the posts. It
ends with its input, and by itself where a post takes unreasonably long, which costs that post only.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

from feedbot.core import fingerprint
from feedbot.model import Problem
from feedbot.processes import environment
from feedbot.sources.posts.press import Plan, Press, Sheet, broken
from feedbot.sources.posts.tree import Found

PATIENCE = 20.0
"""Seconds that a post may take."""
_CHUNK_POSTS = 40
_CHUNK_BYTES = 1_000_000

Done = tuple[Sheet, str]
"""What came of a post, with the digest of its text, which takes long enough to be made here."""
Job = tuple[Found, bytes, Mapping[str, str]]
"""A post, its content, and answers to what it asks as far as they are known."""


def sheets(
    jobs: Iterable[Job], plan: Plan, local: Callable[[Job], Sheet], patience: float = PATIENCE
) -> Iterator[Sheet]:
    """Render posts, in their order. No more of them are held than the processes are busy with.

    What no process can be started for is rendered with ``local``.
    """
    count = _cores()
    idle: SimpleQueue[_Worker] = SimpleQueue()
    workers = [_Worker(plan, patience) for _ in range(count)]
    for worker in workers:
        idle.put(worker)

    def rendered(chunk: list[Job]) -> list[Sheet]:
        worker = idle.get()
        try:
            return worker.render(chunk)
        finally:
            idle.put(worker)

    pool = ThreadPoolExecutor(count, thread_name_prefix="posts")
    running: deque[tuple[list[Job], Future[list[Sheet]]]] = deque()
    try:
        for chunk in _chunks(jobs):
            running.append((chunk, pool.submit(rendered, chunk)))
            if len(running) > 2 * count:
                yield from _result(*running.popleft(), local)
        while running:
            yield from _result(*running.popleft(), local)
    finally:  # without waiting: a signal ends a run while posts are still being rendered
        pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.end()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _chunks(jobs: Iterable[Job]) -> Iterator[list[Job]]:
    chunk: list[Job] = []
    size = 0
    for job in jobs:
        if chunk and (len(chunk) >= _CHUNK_POSTS or size + len(job[1]) > _CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(job)
        size += len(job[1])
    if chunk:
        yield chunk


def _result(chunk: list[Job], future: Future[list[Sheet]], local: Callable[[Job], Sheet]) -> Iterable[Sheet]:
    try:
        return future.result()
    except OSError:
        return map(local, chunk)


class _Worker:
    """A process that renders posts, started at its first use and again after each of its ends."""

    def __init__(self, plan: Plan, patience: float) -> None:
        self._plan = plan
        self._patience = patience
        self._process: Popen[bytes] | None = None
        self._ended = False

    def render(self, chunk: list[Job]) -> list[Sheet]:
        """Raises OSError where no process can be started."""
        done: list[Sheet] = []
        while len(done) < len(chunk):
            process = self._process or self._start()
            try:
                _send(process, chunk[len(done) :])
                while len(done) < len(chunk):
                    sheet, text = _received(process)
                    if text:
                        fingerprint.known_text(sheet.item, text)
                    done.append(sheet)
            except (OSError, EOFError, pickle.UnpicklingError):
                self._kill()
                if self._ended:
                    raise
                name = chunk[len(done)][0].name
                reason = f"rendering it took more than {self._patience:g} s, or more memory than there is"
                done.append(broken(name, Problem(name, reason, "shorten it, or leave it out with files")))
        return done

    def end(self) -> None:
        """End the process for good, whatever it is doing."""
        self._ended = True
        self._kill()

    def _kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def _start(self) -> Popen[bytes]:
        process = Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-m", __name__], stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=environment()
        )
        self._process = process
        try:
            _send(process, (self._plan, self._patience))
            _received(process)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            self._kill()
            raise OSError(f"the process ended without a word: {error}") from error
        return process


def _send(process: Popen[bytes], what: object) -> None:
    assert process.stdin is not None
    pickle.dump(what, process.stdin, pickle.HIGHEST_PROTOCOL)
    process.stdin.flush()


def _received(process: Popen[bytes]) -> Any:
    assert process.stdout is not None
    return pickle.load(process.stdout)  # noqa: S301 - of our own process


def main() -> None:
    """Render what comes in on standard input, until it ends."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    plan, patience = pickle.load(source)  # noqa: S301 - of our own process
    press = Press(plan)
    pickle.dump(None, target)
    target.flush()
    with contextlib.suppress(EOFError, BrokenPipeError), open(os.devnull, "w") as nowhere:  # noqa: PTH123
        while True:
            jobs: list[Job] = pickle.load(source)  # noqa: S301
            for file, data, answers in jobs:
                # Ends the process from a thread that needs no turn of the interpreter.
                faulthandler.dump_traceback_later(patience, exit=True, file=nowhere)
                sheet = press.sheet(file, data, lambda question, known=answers: known.get(question, ""))  # type: ignore[misc]
                done: Done = (sheet, "" if sheet.item is None else fingerprint.text(sheet.item))
                faulthandler.cancel_dump_traceback_later()
                pickle.dump(done, target, pickle.HIGHEST_PROTOCOL)
                target.flush()


if __name__ == "__main__":
    main()
