"""Writes what is new into a file, as JSON lines or an mbox, or into a folder, a mail file each."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from feedbot.core.text import slug
from feedbot.errors import DeliveryError
from feedbot.files import append, sweep, sync_folder, write_atomic
from feedbot.message.payload import digest_line, json_line, line_start
from feedbot.model import Delivery, Digest
from feedbot.paths import located
from feedbot.plugins import Place, Preview, SinkContext, SinkSettings
from feedbot.sinks import mbox

if TYPE_CHECKING:
    from feedbot.message.mail import Letterhead

_LOOK_BACK = 256 * 1024  # bytes at the end in which a line written before a crash is looked for
_OPENING = b'{"key":"'


class FileSink:
    """One sink for all of them, as the path says which is meant, or ``format``."""

    class Settings(SinkSettings):
        """``path``: a file, or a folder (with a slash at its end, or there already)."""

        path: Annotated[str, Field(min_length=1)]
        """The file to append to; or, with a slash at its end, the folder for a mail file each."""
        format: Literal["auto", "jsonl", "mbox", "eml", "maildir"] = "auto"
        """JSON lines, an mbox, mail files or a Maildir. "auto": mail files in a folder, an mbox in a file NAME.mbox."""

        def places(self) -> Sequence[Place]:
            return (Place("path", self.path, "made"),)

    prints: ClassVar[bool] = False

    def __init__(self, settings: Settings, context: SinkContext) -> None:
        self._path = located(context.folder, settings.path)
        self._shown = settings.path
        self._swept = False
        self._format = settings.format
        self._is_folder = settings.path.endswith(("/", os.sep))
        self._context = context
        self._type = settings.type

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Write a change, once however often it is tried. What keeps it from writing is the sink being down."""
        self._write(delivery, delivery.entry.title, delivery.attempts)

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Write many changes: as one line or one mail, likewise."""
        self._write(digest, "digest", max(delivery.attempts for delivery in digest.deliveries))

    def preview(self, delivery: Delivery, now: datetime) -> Preview:
        """The line, or the mail, of a change."""
        if self._kind() == "jsonl":
            return Preview(json_line(delivery).decode().rstrip("\n"))
        from feedbot.message import mail

        return mail.preview(mail.build(delivery, self._letterhead()))

    def close(self) -> None:
        """Nothing to let go of: files are closed after each change."""

    def _kind(self) -> str:
        if self._format != "auto":
            return self._format
        if self._is_folder or self._path.is_dir():
            return "eml"
        return "mbox" if self._path.suffix.lower() == ".mbox" else "jsonl"

    def _write(self, told: Delivery | Digest, title: str, attempts: int) -> None:
        kind = self._kind()
        try:
            if kind == "jsonl":
                line = json_line(told) if isinstance(told, Delivery) else digest_line(told)
                _append(self._path, line_start(told.key), line)
            else:
                self._write_mail(kind, told, title, attempts)
        except OSError as error:
            raise DeliveryError(
                f"{self._shown} cannot be written: {(error.strerror or 'unknown reason').lower()}",
                "free some space, or give feedbot the right to write there",
                sink_down=True,
            ) from error

    def _write_mail(self, kind: str, told: Delivery | Digest, title: str, attempts: int) -> None:
        from feedbot.message import mail  # not above: a file of JSON lines needs no mail package

        letterhead = self._letterhead()
        message = mail.build(told, letterhead) if isinstance(told, Delivery) else mail.build_digest(told, letterhead)
        if kind == "eml":
            write_atomic(self._mail_path(told, title, attempts), mail.as_bytes(message))
        elif kind == "mbox":
            mbox.append(self._path, mail.as_bytes(message, "\n"), message["Message-ID"], told.created)
        else:
            from feedbot.sinks.transports import Letter, Maildir

            letter = Letter(told.key, int(told.created.timestamp()), message, mail.LOCAL.address, [mail.LOCAL.address])
            Maildir(self._path, self._shown).deliver(letter)

    def _letterhead(self) -> Letterhead:
        from feedbot.message.mail import Letterhead
        from feedbot.message.templates import Templates

        context = self._context
        return Letterhead(templates=Templates.of(context.folder, context.name, self._type, context.report))

    def _mail_path(self, told: Delivery | Digest, title: str, attempts: int) -> Path:
        """The file of a delivery: the one of an earlier try, whose entry may have had another title then."""
        if not self._swept:
            sweep(self._path)
            self._swept = True
        name = _file_name(told, title)
        if attempts > 1:
            ending = name.rpartition("-")[2]
            return next(iter(sorted(self._path.glob(f"*-{ending}"))), self._path / name)
        return self._path / name


def _file_name(told: Delivery | Digest, title: str) -> str:
    """Readable, the same at every try, and another for each delivery."""
    day = told.created.astimezone(UTC).date()
    return f"{day}-{slug(title[:200])}-{slug(told.key, 'key')[:16]}.eml"


def _append(path: Path, start: bytes, line: bytes) -> None:
    """Add a line for good, unless one of the last lines starts like it already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    is_new = not path.exists()
    with path.open("a+b", buffering=0) as file:
        lines = _mended(file)
        if any(known.startswith(start) for known in lines):
            return
        append(file, line)
    if is_new:
        sync_folder(path.parent)


def _mended(file: FileIO) -> list[bytes]:
    """The last lines of a file, once the one that a crash tore off is gone.

    Only what begins as feedbot's own lines do is taken away; any other end is given its line break.
    """
    size, lines = _last_lines(file)
    torn = lines.pop()
    if not torn:
        return lines
    if torn[: len(_OPENING)] == _OPENING[: len(torn)] and not _is_json(torn):
        file.truncate(size - len(torn))
        return lines
    file.write(b"\n")
    return [*lines, torn]


def _last_lines(file: FileIO) -> tuple[int, list[bytes]]:
    """The size of a file, and its last lines: one whole one at least, then what follows the last line break."""
    size = file.seek(0, os.SEEK_END)
    window = _LOOK_BACK
    while True:
        offset = max(0, size - window)
        file.seek(offset)
        lines = file.read(size - offset).split(b"\n")
        if offset == 0:
            return size, lines
        if len(lines) > 2:  # the first one began before the window
            return size, lines[1:]
        window *= 4


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
