"""Runs a command for each change, which gets it as JSON on its standard input."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Thread
from typing import IO, Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr

from feedbot.core.text import one_line, shorten
from feedbot.errors import DeliveryError
from feedbot.message.payload import digest_body, webhook_body
from feedbot.message.terminal import inert
from feedbot.model import Delivery, Digest
from feedbot.paths import located
from feedbot.plugins import Duration, Place, Preview, SinkContext, SinkSettings
from feedbot.processes import end
from feedbot.sinks.rehearsal import laid_out

_TRY_LATER = 75  # EX_TEMPFAIL of sysexits.h
_GRACE = 0.5  # seconds in which a command may tidy up before it is killed
_KEPT_COMPLAINT = 4096  # bytes, of the end of what it printed as errors
_PASSED_ON = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "SYSTEMROOT")
_NAME = re.compile(r"(?!FEEDBOT_)[A-Za-z_][A-Za-z0-9_]*")


def _variables(values: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    for name in values:
        if not _NAME.fullmatch(name):
            raise ValueError(f'"{inert(name)[:60]}" cannot be the name of a variable, or is feedbot\'s own to set')
    if any("\0" in value.get_secret_value() for value in values.values()):
        raise ValueError("a variable holds a NUL character, which no environment can carry")
    return values


Argument = Annotated[str, Field(pattern=r"^[^\x00]*$")]


class CommandSettings(SinkSettings):
    """Keys of a sink of type ``command``."""

    command: Annotated[tuple[Argument, ...], Field(min_length=1)]
    """The program and its arguments, each a text of its own; no shell reads them."""
    environment: Annotated[Mapping[str, SecretStr], AfterValidator(_variables)] = Field(default_factory=dict)
    """Variables for the command, kept secret. Of feedbot's own it gets PATH, HOME, LANG, TZ and TMPDIR only."""
    timeout: Annotated[Duration, Field(gt=timedelta(), le=timedelta(seconds=100))] = timedelta(seconds=30)
    """The longest that it may run; then it is ended, with all that it started."""

    def places(self) -> Sequence[Place]:
        program = self.command[0]
        return (Place("command", program, "file"),) if "/" in program else ()


class CommandSink:
    """Exit code 0 is a yes, 75 asks for another try later, any other is a no."""

    Settings = CommandSettings
    prints: ClassVar[bool] = False

    def __init__(self, settings: CommandSettings, context: SinkContext) -> None:
        self._settings = settings
        self._folder = context.folder

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Run the command in the folder of the configuration, with the body of a webhook on its standard input.

        ``FEEDBOT_KEY``, the same at every try, ``FEEDBOT_CHANGE``, ``FEEDBOT_SOURCE`` and ``FEEDBOT_SINK`` tell of
        the delivery; no text of the entry is in arguments or environment.
        """
        names = {"KEY": delivery.key, "CHANGE": delivery.change.value, "SOURCE": delivery.entry.source}
        self._hand_over(webhook_body(delivery), {**names, "SINK": delivery.sink})

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Run the command once for many changes; ``FEEDBOT_CHANGE`` is "digest", and there is no ``FEEDBOT_SOURCE``."""
        self._hand_over(digest_body(digest), {"KEY": digest.key, "CHANGE": "digest", "SINK": digest.sink})

    def preview(self, delivery: Delivery, now: datetime) -> Preview:
        """What the command would get on its standard input."""
        return Preview(laid_out(webhook_body(delivery)))

    def _hand_over(self, body: bytes, names: Mapping[str, str]) -> None:
        name = self._settings.command[0]
        code, complaint = self._run(body, names)
        if code == 0:
            return
        said = f": {complaint}" if complaint else ""
        if code == _TRY_LATER:
            raise DeliveryError(f"{name} asks to be tried later{said}")
        how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
        raise DeliveryError(f"{name} {how}{said}", "exit code 75 would ask for another try later", refused=True)

    def close(self) -> None:
        """Nothing to let go of: each command has ended."""

    def _run(self, body: bytes, names: Mapping[str, str]) -> tuple[int, str]:
        """Exit code, and the last line of its complaints."""
        name, *arguments = self._settings.command
        timeout = self._settings.timeout.total_seconds()
        with tempfile.TemporaryFile() as stdin:
            stdin.write(body)
            stdin.seek(0)
            try:
                process = subprocess.Popen(  # noqa: S603 - a list of arguments, all of them the operator's
                    [self._program(name), *arguments],
                    stdin=stdin,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    cwd=self._folder,
                    env=self._environment(names),
                    start_new_session=True,
                )
            except OSError as error:
                reason = (error.strerror or "unknown reason").lower()
                raise DeliveryError(
                    f"{name} cannot be started: {reason}",
                    "check command, and that the file may be executed",
                    sink_down=True,
                ) from error
        assert process.stderr is not None
        complaint = _Complaint(process.stderr)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired as error:
            end(process, _GRACE)
            raise DeliveryError(f"{name} did not end within {timeout:g} s", "raise timeout if it is slow") from error
        return process.returncode, self._without_secrets(complaint.last_line())

    def _program(self, name: str) -> str:
        """The path of the program: relative ones start from the folder of the configuration."""
        if "/" in name:
            return str(located(self._folder, name))
        return shutil.which(name) or name

    def _environment(self, names: Mapping[str, str]) -> dict[str, str]:
        return {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            **{name: value.get_secret_value() for name, value in self._settings.environment.items()},
            **{f"FEEDBOT_{name}": value for name, value in names.items()},
        }

    def _without_secrets(self, line: str) -> str:
        for value in self._settings.environment.values():
            secret = value.get_secret_value()
            line = line.replace(secret, "***") if len(secret) > 3 else line
        return shorten(line, 200)


class _Complaint:
    """Reads what a command prints as errors, so that it never waits for a reader, and keeps the end of it."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._kept = b""
        self._thread = Thread(target=self._read, args=(pipe,), daemon=True)
        self._thread.start()

    def last_line(self) -> str:
        """What it complained of last. Whatever it left running may hold the pipe open: that is not waited for."""
        self._thread.join(0.2)
        lines = [line for line in self._kept.decode("utf-8", "replace").splitlines() if line.strip()]
        return inert(one_line(lines[-1])) if lines else ""

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe, suppress(OSError):
            while chunk := os.read(pipe.fileno(), 65536):
                self._kept = (self._kept + chunk)[-_KEPT_COMPLAINT:]
