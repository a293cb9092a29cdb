"""Ways of a mail out of feedbot: what they have in common, and the two that stay on this machine."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from feedbot.core.text import one_line, shorten, slug
from feedbot.errors import DeliveryError
from feedbot.files import sync_folder
from feedbot.message.mail import Mail, as_bytes


class Letter(NamedTuple):
    """A mail with its envelope; ``key`` is its delivery's, the same at every try."""

    key: str
    created: int
    mail: Mail
    sender: str
    recipients: Sequence[str]


class Refusal(NamedTuple):
    """Why one recipient did not get a mail; ``code`` as SMTP has it (RFC 5321, 4.2.1)."""

    code: int
    text: str

    @property
    def permanent(self) -> bool:
        return self.code >= 500


class Transport(Protocol):
    """Takes letters."""

    def deliver(self, letter: Letter) -> Mapping[str, Refusal]:
        """Hand a letter over; gives the recipients who were refused. Raises DeliveryError where none got it."""
        ...

    def close(self) -> None: ...


class Maildir:
    """A folder of mails as mail readers open it: ``tmp``, ``new``, ``cur``."""

    def __init__(self, folder: Path, shown: str) -> None:
        self._folder = folder
        self._shown = shown

    def deliver(self, letter: Letter) -> Mapping[str, Refusal]:
        """Put a mail into ``new``, unless it is there, or read, already."""
        name = f"{letter.created}.{slug(letter.key, 'key')}.feedbot"
        try:
            for part in ("tmp", "new", "cur"):
                (self._folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
            if not self._has(name):
                self._add(name, as_bytes(letter.mail, "\n"))
        except OSError as error:
            raise DeliveryError(
                f"the Maildir {self._shown} cannot be written: {_reason(error)}",
                "give feedbot the right to write there",
                sink_down=True,
            ) from error
        return {}

    def close(self) -> None:
        """Nothing to let go of."""

    def _has(self, name: str) -> bool:
        if (self._folder / "new" / name).exists():
            return True
        # A reader moves a mail to cur and adds its flags after a colon.
        with os.scandir(self._folder / "cur") as found:
            return any(entry.name.partition(":")[0] == name for entry in found)

    def _add(self, name: str, data: bytes) -> None:
        part = self._folder / "tmp" / name
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self._folder / "new" / name)
        sync_folder(self._folder / "new")


_TEMPORARY = 75  # EX_TEMPFAIL of sysexits.h
_ABOUT_THE_MAIL = frozenset({65, 67, 68})  # EX_DATAERR, EX_NOUSER, EX_NOHOST
_PLACES = "/usr/sbin:/usr/lib:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin"
_PASSED_ON = ("HOME", "LOGNAME", "USER", "TZ")


class Sendmail:
    """The program ``sendmail`` of this machine's mail system, or one that takes its options."""

    def __init__(self, program: str, timeout: float) -> None:
        self._program = program
        self._timeout = timeout

    def deliver(self, letter: Letter) -> Mapping[str, Refusal]:
        """Give a mail to the program, which answers for all recipients at once."""
        program = self._program or shutil.which("sendmail", path=_PLACES)
        if program is None:
            raise DeliveryError("there is no sendmail on this machine", "install one, or set path", sink_down=True)
        # "-i": a line with a dot alone does not end the mail; "--": no address is an option.
        command = [program, "-i", "-f", letter.sender, "--", *letter.recipients]
        status, said = self._run(command, as_bytes(letter.mail, "\n"))
        if status == 0:
            return {}
        if status in _ABOUT_THE_MAIL:
            raise DeliveryError(f"{program} refused the mail (exit code {status}){said}", refused=True)
        raise DeliveryError(
            f"{program} failed with exit code {status}{said}",
            "" if status == _TEMPORARY else "look into the log of the mail system",
            sink_down=status != _TEMPORARY,
        )

    def close(self) -> None:
        """Nothing to let go of."""

    def _run(self, command: list[str], data: bytes) -> tuple[int, str]:
        """Exit code, and the last line that it had to say. Ends all that it started when time is up."""
        environment = {"PATH": _PLACES + ":/sbin:/bin", "LC_ALL": "C"}
        environment |= {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        try:
            process = subprocess.Popen(  # noqa: S603 - a list of arguments, the program is the operator's
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            message = f"{command[0]} cannot be started: {_reason(error)}"
            raise DeliveryError(message, "check path", sink_down=True) from error
        with process:
            try:
                _, said = process.communicate(data, self._timeout)
            except subprocess.TimeoutExpired as error:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                message = f"{command[0]} did not end within {self._timeout:g} s"
                raise DeliveryError(message, sink_down=True) from error
        lines = [line for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
        return process.returncode, f": {shorten(one_line(lines[-1]), 200)}" if lines else ""


def _reason(error: OSError) -> str:
    return (error.strerror or "unknown reason").lower()
