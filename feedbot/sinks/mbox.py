"""Adds mails to an mbox file (RFC 4155, with the quoting of mboxrd), each once however often it is tried."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from feedbot import files

_LOOK_BACK = 4 * 1024 * 1024  # bytes at the end in which a mail written before a crash is looked for
_OURS = b"From feedbot@localhost "
_QUOTED = re.compile(rb"^(>*From )", re.MULTILINE)


def append(path: Path, mail: bytes, message_id: str, created: datetime) -> None:
    """Add a mail, with line ends of Unix, unless one with its Message-ID is among the last. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    envelope = _OURS + created.astimezone(UTC).strftime("%a %b %d %H:%M:%S %Y").encode()
    data = envelope + b"\n" + _QUOTED.sub(rb">\1", mail.rstrip(b"\n")) + b"\n\n"
    with path.open("a+b", buffering=0) as file:
        _lock(file)
        tail = _mended(file)
        if f"\nMessage-ID: {message_id}\n".encode() in tail:
            return
        files.append(file, _gap(tail) + data)
    if is_new:
        files.sync_folder(path.parent)


def _mended(file: FileIO) -> bytes:
    """The end of a file, once the mail of feedbot's own that a crash tore off is gone."""
    size = file.seek(0, os.SEEK_END)
    start = max(0, size - _LOOK_BACK)
    file.seek(start)
    tail = b""
    while chunk := file.read(size - start - len(tail)):
        tail += chunk
    last = max(tail.rfind(b"\n" + _OURS) + 1, 0)
    torn = tail[last:]
    begun = tail.rpartition(b"\n\n")[2]
    if begun and _OURS.startswith(begun):
        file.truncate(size - len(begun))
        return tail[: -len(begun)]
    if not torn.startswith(_OURS) or torn.endswith(b"--\n\n"):  # how the last boundary of our mails ends
        return tail
    if b"\nFrom " in torn:  # other mails follow, so that it was there whole
        return tail
    file.truncate(start + last)
    return tail[:last]


def _gap(tail: bytes) -> bytes:
    """The empty line that stands before a mail."""
    if not tail or tail.endswith(b"\n\n"):
        return b""
    return b"\n" if tail.endswith(b"\n") else b"\n\n"


def _lock(file: FileIO) -> None:
    """Keep mail programs out, as they do among each other; gone when the file is closed."""
    try:
        import fcntl
    except ImportError:  # on Windows
        return
    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
