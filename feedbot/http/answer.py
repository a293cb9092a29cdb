"""The answer of a server (RFC 9112): its head and the framing of its body, read strictly and at little cost."""

from __future__ import annotations

import re
import socket
from http.client import BadStatusLine, HTTPException, IncompleteRead, LineTooLong, RemoteDisconnected

_STATUS = re.compile(rb"HTTP/1\.([0-9])[ \t]+([1-9][0-9]{2})(?:[ \t\r\n]|$)")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*[;\r\n]")
_MAX_LINE = 64 * 1024
_MAX_FIELDS = 100
_MAX_INTERIM = 10  # answers that only tell that one is to come (RFC 9110, 15.2)
_PIECE = 16 * 1024  # of what holds lines; more than most heads
_SPACE = " \t\r\n"
_LISTS = frozenset("cache-control connection content-encoding content-length link transfer-encoding".split())


class Answer:
    """What comes back over a connection. ``fields`` are its headers by lower-case name, as latin-1.

    http.client would take as much time for a head as all else of a 304 does, take an end of file for the end of a
    head, and ignore what stands behind a line that is no header; here such a line alone is ignored. Of a field that
    comes several times the last counts, unless it is a list (RFC 9110, 5.3). ``length`` is what is left of the body,
    None where that is not known. ``ended``: there is nothing more to be read of it.
    """

    status: int
    fields: dict[str, str]

    def __init__(self, sock: socket.socket, method: str) -> None:
        self.length: int | None = None
        self.ended = self.will_close = False
        self._sock = sock
        self._of_head = method == "HEAD"
        self._chunked = False
        self._read = b""  # from the socket, and taken up to ``_at``
        self._at = 0

    def begin(self) -> None:
        """Read the head. Raises HTTPException where it is none, is not whole, or has no end."""
        for _ in range(_MAX_INTERIM + 1):
            version, self.status = self._status_line()
            self.fields = self._fields()
            if self.status >= 200 or self.status == 101:
                break
        else:
            raise HTTPException("too many headers before the answer")
        self._frame(version)

    @property
    def reusable(self) -> bool:
        """Whether it was read to its end, nothing came behind that, and its connection may be used again."""
        return self.ended and not self.will_close and self._at == len(self._read)

    def read_body(self, amount: int) -> bytes:
        """At most so many bytes of the body as they come, b"" at its end.

        Raises IncompleteRead where the end came too early, HTTPException where no body is framed like that.
        """
        if self._chunked and not self.ended and not self.length:
            self._begin_chunk()
        if self.ended:
            return b""
        piece = self._take(amount if self.length is None else min(amount, self.length))
        if self.length is None:
            self.ended = not piece
            return piece
        if not piece:
            raise IncompleteRead(b"", self.length)
        self.length -= len(piece)
        self.ended = not (self.length or self._chunked)
        return piece

    def _status_line(self) -> tuple[int, int]:
        """The minor version, and the status."""
        line = self._line()
        if not line:
            raise RemoteDisconnected("no answer")
        found = _STATUS.match(line)
        if found is None:
            raise BadStatusLine("")
        _require_whole(line)
        return int(found[1]), int(found[2])

    def _fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        last = ""
        for _ in range(_MAX_FIELDS + 1):
            line = self._line()
            if line in (b"\r\n", b"\n"):
                return fields
            _require_whole(line)
            text = line.decode("latin-1")
            if text[0] in " \t":  # goes on with the line before (RFC 9112, 5.2)
                if last:
                    fields[last] = f"{fields[last]} {text.strip(_SPACE)}"
                continue
            name, colon, value = text.partition(":")
            last = name.strip(_SPACE).lower() if colon else ""
            if last:
                value = value.strip(_SPACE)
                fields[last] = f"{fields[last]}, {value}" if last in _LISTS and last in fields else value
        raise HTTPException("too many headers")

    def _frame(self, version: int) -> None:
        """Find out where the body ends (RFC 9112, 6.3), and whether the connection stays (9.3)."""
        fields = self.fields
        kept = _tokens(fields.get("connection", ""))
        length = fields.get("content-length", "")
        self.will_close = self.status < 200 or "close" in kept or (version == 0 and "keep-alive" not in kept)
        if self.status < 200 or self.status in (204, 304) or self._of_head:
            self.ended = True
        elif "chunked" in (codings := _tokens(fields.get("transfer-encoding", ""))):
            if not {"chunked", "identity"}.issuperset(codings):
                raise HTTPException("a transfer coding that was not asked for")
            self._chunked = True
            self.will_close = self.will_close or bool(length)
        else:
            self.length = _length(length)
            self.ended = self.length == 0
            self.will_close = self.will_close or self.length is None

    def _begin_chunk(self) -> None:
        """Read the end of a chunk and the size of the next; of the last one the fields behind it (RFC 9112, 7.1)."""
        if self.length is not None and self._line().strip(b"\r\n"):
            raise HTTPException("a chunk that is longer than it says")
        line = self._line()
        _require_whole(line)
        size = _CHUNK_SIZE.match(line)
        if size is None:
            raise HTTPException("a chunk without a size")
        self.length = int(size[1], 16)
        if not self.length:
            for _ in range(_MAX_FIELDS + 1):
                line = self._line()
                if line in (b"\r\n", b"\n", b""):
                    break
                if len(line) > _MAX_LINE:
                    raise LineTooLong("header line")
            else:
                raise HTTPException("too many headers behind the body")
            self.ended = True

    def _line(self) -> bytes:
        """The next line with its end; without it, where there is no end soon."""
        while (end := self._read.find(b"\n", self._at)) < 0:
            if len(self._read) - self._at > _MAX_LINE or not (more := self._sock.recv(_PIECE)):
                end = len(self._read) - 1
                break
            self._read = self._read[self._at :] + more
            self._at = 0
        line = self._read[self._at : end + 1]
        self._at = end + 1
        return line

    def _take(self, amount: int) -> bytes:
        """At most so many bytes: of those that are here, else as they come."""
        if self._at == len(self._read):
            return self._sock.recv(amount)
        piece = self._read[self._at : self._at + amount]
        self._at += len(piece)
        return piece


def _require_whole(line: bytes) -> None:
    if len(line) > _MAX_LINE:
        raise LineTooLong("header line")
    if not line.endswith(b"\n"):
        raise IncompleteRead(b"")


def _tokens(value: str) -> list[str]:
    return [token.strip(_SPACE) for token in value.lower().split(",")] if value else []


def _length(value: str) -> int | None:
    """What Content-Length says; None where it says nothing. Raises HTTPException where it says several things."""
    if not value:
        return None
    lengths = {one.strip(_SPACE) for one in value.split(",")}
    if len(lengths) > 1:
        raise HTTPException("several lengths")
    only = lengths.pop()
    return int(only) if only.isascii() and only.isdigit() else None
