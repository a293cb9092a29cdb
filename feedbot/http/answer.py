"""The answer of a server: its head read strictly and at little cost, its body as http.client frames it."""

from __future__ import annotations

import re
import socket
from http.client import BadStatusLine, HTTPException, HTTPResponse, IncompleteRead, LineTooLong, RemoteDisconnected

_STATUS = re.compile(rb"HTTP/1\.([0-9])[ \t]+([1-9][0-9]{2})(?:[ \t\r\n]|$)")
_MAX_LINE = 64 * 1024
_MAX_FIELDS = 100
_MAX_INTERIM = 10  # answers that only tell that one is to come (RFC 9110, 15.2)
_SPACE = " \t\r\n"
_LISTS = frozenset("cache-control connection content-encoding content-length link transfer-encoding".split())


class Answer(HTTPResponse):
    """What comes back over a connection (RFC 9112). ``fields`` are its headers by lower-case name, as latin-1.

    The email parser, with which http.client reads headers, costs as much as all else of a 304, takes an end of
    file for the end of the head, and ignores what stands behind a line that is no header; here such a line alone
    is ignored. Of a field that comes several times the last counts, unless it is a list (RFC 9110, 5.3).
    """

    def __init__(self, sock: socket.socket, method: str) -> None:
        super().__init__(sock, method=method)
        self._of_head = method == "HEAD"

    def begin(self) -> None:
        """Read the head. Raises HTTPException where it is none, is not whole, or has no end."""
        for _ in range(_MAX_INTERIM + 1):
            self.version, status = self._read_status_line()
            self.fields = self._read_fields()
            if status >= 200 or status == 101:
                break
        else:
            raise HTTPException("too many headers before the answer")
        self.code = self.status = status
        self._frame()

    @property
    def reusable(self) -> bool:
        """Whether it was read to its end and its connection may be used again."""
        return self.isclosed() and not self.will_close

    def read_body(self, amount: int) -> bytes:
        """At most so many bytes of the body, b"" at its end. Raises IncompleteRead where the end came too early."""
        piece = self.read(amount)
        if not piece and self.length:
            self.will_close = True
            raise IncompleteRead(b"", self.length)
        return piece

    def _read_status_line(self) -> tuple[int, int]:
        line = self.fp.readline(_MAX_LINE + 1)
        if not line:
            raise RemoteDisconnected("no answer")
        found = _STATUS.match(line)
        if found is None:
            raise BadStatusLine("")
        _require_whole(line)
        return 10 + (found[1] != b"0"), int(found[2])

    def _read_fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        last = ""
        for _ in range(_MAX_FIELDS + 1):
            line = self.fp.readline(_MAX_LINE + 1)
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

    def _frame(self) -> None:
        """Find out where the body ends (RFC 9112, 6.3), and whether the connection stays (9.3)."""
        fields = self.fields
        coding, length = fields.get("transfer-encoding", ""), fields.get("content-length", "")
        kept = _tokens(fields.get("connection", ""))
        self.will_close = "close" in kept or (self.version == 10 and "keep-alive" not in kept)
        self.chunked, self.chunk_left, self.length = False, None, None
        if self.status < 200:
            self.will_close = True
        if self.status < 200 or self.status in (204, 304) or self._of_head:
            self.length = 0
            self.close()
        elif "chunked" in (codings := _tokens(coding)):
            if not {"chunked", "identity"}.issuperset(codings):
                raise HTTPException("a transfer coding that was not asked for")
            self.chunked = True
            self.will_close = self.will_close or bool(length)
        else:
            self.length = _length(length)
            self.will_close = self.will_close or self.length is None


def _require_whole(line: bytes) -> None:
    if not line.endswith(b"\n"):
        raise LineTooLong("header line") if len(line) > _MAX_LINE else IncompleteRead(b"")


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
