"""Runs feedbot as a person does: as a process, with arguments, an environment and an exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


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
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FEEDBOT_")}
    done = subprocess.run(
        [sys.executable, "-m", "feedbot", *map(str, arguments)],
        cwd=cwd,
        env={**inherited, "PYTHONUTF8": "1", **(env or {})},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Ran(done.returncode, done.stdout, done.stderr)
