"""The streams that a command writes to: always there, fit for any letter, and plain about what fails."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import unicodedata
from typing import TextIO

from feedbot.errors import FeedbotError

_PLAIN = {"✓": "+", "✗": "x", "·": "-", "×": "x", "→": "->", "–": "-", "—": "-"}


class OutputError(FeedbotError, OSError):
    """The result could not be written to stdout."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"cannot write the output: {error.strerror or error}")
        self.strerror = error.strerror
        self.nobody_reads = error.errno == errno.EPIPE


class _Out(io.FileIO):
    """Standard output, whose failures cannot be taken for those of another file."""

    def write(self, data: object) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError as error:
            raise OutputError(error) from None


class _Err(io.FileIO):
    """Standard error: where it fails there is nobody left to be told."""

    def write(self, data: object) -> int | None:  # type: ignore[override]
        try:
            return super().write(data)  # type: ignore[arg-type]
        except OSError:
            return len(memoryview(data))  # type: ignore[arg-type]


def prepare() -> None:
    """Put streams of our own in the place of stdout and stderr, closed ones too."""
    _fill_descriptors()
    codecs.register_error("feedbot", _plainly)
    sys.stdout = _stream(sys.stdout, _Out(1, "w", closefd=False), "feedbot")
    sys.stderr = _stream(sys.stderr, _Err(2, "w", closefd=False), "backslashreplace")


def abandon() -> None:
    """Send what stdout still holds nowhere, so that it does not fail again at the end of the process."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def _fill_descriptors() -> None:
    """Open the standard streams that are closed, or the next file opened would be one: the state, say."""
    descriptor = os.open(os.devnull, os.O_RDWR)
    while descriptor <= 2:
        os.set_inheritable(descriptor, True)
        descriptor = os.open(os.devnull, os.O_RDWR)
    os.close(descriptor)


def _stream(former: TextIO | None, raw: io.FileIO, errors: str) -> TextIO:
    if former is not None:
        former.flush()
    encoding = former.encoding if former is not None else "utf-8"
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, errors, line_buffering=raw.isatty() or raw.fileno() == 2)


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """What to write in place of letters that the encoding lacks (an error handler of codecs)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_PLAIN.get(letter) or _ascii(letter) for letter in letters), error.end


def _ascii(letter: str) -> str:
    return unicodedata.normalize("NFKD", letter).encode("ascii", "ignore").decode() or "?"
