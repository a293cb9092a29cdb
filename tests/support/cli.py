"""Runs feedbot as a person does: as a process, with arguments, an environment and an exit code.

The process is forked from one that has imported the program already, which saves most of a second each time.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import IO, Any

_IMPORTED = [
    "tests.support.cli", "feedbot.app", "feedbot.service", "feedbot.cli.entrance", "feedbot.cli.run",
    "feedbot.http.client", "feedbot.sources.feed.source", "feedbot.sources.posts.source",
    "feedbot.sources.posts.blog", "feedbot.formats.feedtree", "feedgen.feed", "feedbot.sinks.file",
    "feedbot.sinks.email", "feedbot.sinks.webhook", "jinja2", "rich.progress",
]  # fmt: skip


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def feedbot(*arguments: str | Path, cwd: Path, env: dict[str, str] | None = None, timeout: float = 60) -> Ran:
    """Run ``feedbot`` with these arguments in a folder."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = started(*arguments, cwd=cwd, env=env or {}, out=out, err=err)
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise TimeoutError(f"feedbot {arguments} took more than {timeout} s: {err.read_text()}")
        ran = Ran(process.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))
    assert "Traceback" not in ran.err, ran.err
    return ran


def started(*arguments: str | Path, cwd: Path, env: dict[str, str], out: Path, err: Path) -> BaseProcess:
    """Start ``feedbot`` with these arguments in a folder; what it says goes to files."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FEEDBOT_")}
    environment = {**inherited, "PYTHONUTF8": "1", **env}
    process = _processes().Process(
        target=_run, args=(list(map(str, arguments)), str(cwd), environment, str(out), str(err))
    )
    process.start()
    return process


@cache
def _processes() -> multiprocessing.context.ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", *_IMPORTED])
    return context


def _run(arguments: list[str], cwd: str, environment: dict[str, str], out: str, err: str) -> None:
    """In the forked process: become what a shell would have started."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    sys.argv = [str(Path(sys.executable).with_name("feedbot")), *arguments]
    sys.stdout, sys.stderr = _opened(out, 1), _opened(err, 2)
    from feedbot.cli import main

    main()


def _opened(path: str, number: int) -> IO[str]:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(handle, number)
    os.close(handle)
    return open(number, "w", encoding="utf-8", errors="backslashreplace" if number == 2 else "strict", closefd=False)
