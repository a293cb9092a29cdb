"""Runs feedbot as a person does: as a process, with arguments, an environment and an exit code.

The process is forked from one in which the program is ready already, which saves most of a second each time.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import resource
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


First = Callable[[], object]
"""What a process does before it is feedbot: a function that can be pickled, or a partial of one."""


def feedbot(
    *arguments: str | Path,
    cwd: Path,
    env: dict[str, str] | None = None,
    timeout: float = 60,
    first: First | None = None,
) -> Ran:
    """Run ``feedbot`` with these arguments in a folder."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = started(*arguments, cwd=cwd, env=env or {}, out=out, err=err, first=first)
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"feedbot {arguments} took more than {timeout} s: {err.read_text()}")
        ran = Ran(process.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))
    assert "Traceback" not in ran.err, ran.err
    return ran


def started(
    *arguments: str | Path, cwd: Path, env: dict[str, str], out: Path, err: Path, first: First | None = None
) -> BaseProcess:
    """Start ``feedbot`` with these arguments in a folder; what it says goes to files, which may be terminals."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FEEDBOT_")}
    environment = {**inherited, "PYTHONUTF8": "1", **env}
    process = _processes().Process(
        target=_run, args=(list(map(str, arguments)), str(cwd), environment, str(out), str(err), first)
    )
    process.start()
    return process


@cache
def _processes() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", __name__, "tests.support.ready"])
    return context


def limited(room: int) -> First:
    """No file that the process writes grows beyond so many bytes, as if the disk was full."""
    return partial(resource.setrlimit, resource.RLIMIT_FSIZE, (room, room))


def bound() -> None:
    """The rights of files bind the process as they bind everybody but the superuser, on Linux."""
    system = ctypes.CDLL(None)
    head, rights = (ctypes.c_uint32 * 2)(0x20080522), (ctypes.c_uint32 * 6)()  # as capget(2) has them
    assert system.capget(head, rights) == 0
    for kind in (0, 1):  # those in force, and those that may be
        rights[kind] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert system.capset(head, rights) == 0


def _run(arguments: list[str], cwd: str, environment: dict[str, str], out: str, err: str, first: First | None) -> None:
    """In the forked process: become what a shell would have started."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = [str(Path(sys.executable).with_name("feedbot")), *arguments]
    sys.stdout, sys.stderr = _opened(out, 1), _opened(err, 2)
    if first is not None:
        first()
    from feedbot.cli import main

    main()


def _opened(path: str, number: int) -> IO[str]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(handle, number)
    os.close(handle)
    return open(number, "w", encoding="utf-8", errors="backslashreplace" if number == 2 else "strict", closefd=False)
