"""Runs git within limits: nobody's configuration, no prompt, no hook, a deadline, a bounded output."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import IO

from msgspec import Struct

from feedbot.errors import SourceError
from feedbot.processes import end

MAX_OUTPUT = 200_000_000
"""Bytes that a command may print: the list of a million files has less."""
MAX_MEMORY = 2_000_000_000
"""Bytes of addresses of each process: a small pack can unfold into something large."""
_MAX_ERRORS = 256 * 1024
_LOOK = 0.05  # seconds between looks at what a running command does
_GRACE = 0.3  # seconds in which git may tidy up before it is killed

_SETTINGS = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.bigFileThreshold": "16m",  # what is larger is passed through, not held in memory
    "credential.helper": "",
    "fetch.unpackLimit": "1",  # one pack for each fetch, which git marks as coming from a partial clone
    "fetch.negotiationAlgorithm": "default",
    "gc.auto": "0",
    "http.followRedirects": "false",
    "http.proxy": "",
    "log.showSignature": "false",
    "maintenance.auto": "false",
    "pack.threads": "1",
    "protocol.version": "2",
    "submodule.recurse": "false",
}
_KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")


class Done(Struct, frozen=True):
    """What a command left: its exit code, what it printed, and what it complained of."""

    code: int
    out: bytes
    err: str


class TooSlowError(SourceError):
    """The time of a poll is used up."""


class TooLargeError(SourceError):
    """A command printed or fetched more than it may."""


class UnsoundError(SourceError):
    """A command failed for a reason that must be sought in the repository that is here."""


class Git:
    """Runs commands on one repository, within ``timeout`` seconds for all of them together.

    ``folder`` is the repository (GIT_DIR), which need not be there yet.
    """

    def __init__(self, folder: Path, timeout: float) -> None:
        self.folder = folder
        self._timeout = timeout
        self._left = timeout

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return max(self._left, 0.0)

    def begin(self) -> None:
        """Begin a new poll, with all of its time."""
        self._left = self._timeout

    def spend(self, seconds: float) -> None:
        """Note seconds that were spent waiting for something else."""
        self._left -= seconds

    def run(
        self,
        *arguments: str,
        data: bytes = b"",
        settings: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        out: IO[bytes] | None = None,
        watch: Callable[[], None] = lambda: None,
    ) -> Done:
        """Run git with ``data`` on its standard input; what it prints goes to ``out``, else into the result.

        ``settings`` and ``environment`` may hold secrets: other users see neither. ``watch`` is called while it
        runs, and may raise to end it. Raises SourceError where git is not there or does not end in time.
        """
        executable = shutil.which("git")
        if executable is None:
            raise SourceError("git is not installed", "install it, or clone the repository elsewhere and set path")
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as own, tempfile.TemporaryFile() as errors:
            stdin.write(data)
            stdin.seek(0)
            stdout = out or own
            begun = monotonic()
            process = subprocess.Popen(  # noqa: S603 - its arguments are ours, what is a user's stands behind "--"
                _limited(executable, arguments),
                stdin=stdin,
                stdout=stdout,
                stderr=errors,
                env=self._environment(settings or {}, environment or {}),
                start_new_session=True,
            )
            try:
                self._wait(process, begun, (stdout, errors), watch)
            finally:
                end(process, _GRACE)
                self._left -= monotonic() - begun
            stdout.seek(0)
            errors.seek(0)
            complaint = errors.read(_MAX_ERRORS).decode("utf-8", "replace")
            return Done(process.returncode, b"" if out else own.read(), complaint)

    def _wait(
        self,
        process: subprocess.Popen[bytes],
        begun: float,
        written: tuple[IO[bytes], IO[bytes]],
        watch: Callable[[], None],
    ) -> None:
        while True:
            left = self._left - (monotonic() - begun)
            if left <= 0:
                raise TooSlowError(
                    f"git did not end within {self._timeout:.3g} s", "raise timeout if that is too short"
                )
            with suppress(subprocess.TimeoutExpired):
                process.wait(min(left, _LOOK))
            watch()
            for file, most in zip(written, (MAX_OUTPUT, _MAX_ERRORS * 4), strict=True):
                if os.fstat(file.fileno()).st_size > most:
                    raise TooLargeError("git printed more than can be read")
            if process.returncode is not None:
                return

    def _environment(self, settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
        """All that git sees: nothing of the environment, of the user or of the system that could steer it."""
        named = {**_SETTINGS, **settings}
        numbered = {"GIT_CONFIG_COUNT": str(len(named))}
        for number, (key, value) in enumerate(named.items()):
            numbered |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return {
            **{name: os.environ[name] for name in _KEPT if name in os.environ},
            "HOME": str(self.folder),  # where libcurl looks for a .netrc
            "LC_ALL": "C",
            "GIT_DIR": str(self.folder),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "",
            "SSH_ASKPASS_REQUIRE": "never",
            "GIT_ALLOW_PROTOCOL": "none",  # a local command fetches nothing
            "GIT_NO_LAZY_FETCH": "1",
            **environment,
            **numbered,
        }


def _limited(executable: str, arguments: tuple[str, ...]) -> list[str]:
    """The command, with a limit to its memory where there is a shell to set it: Python cannot, beside threads."""
    if os.name != "posix":
        return [executable, *arguments]
    shell = 'ulimit -v "$0" 2>/dev/null; exec "$@"'
    return ["/bin/sh", "-c", shell, str(MAX_MEMORY // 1024), executable, *arguments]
