"""Decodes bodies step by step, within a cap (``Content-Encoding`` of RFC 9110, 8.4)."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from io import BytesIO

from feedbot.core.text import one_line

_STEP = 256 * 1024
_LARGE = 8_000_000  # bytes, which few bodies have
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_MEMBERS = 2000  # a member for every 64 kB is common; thousands of empty ones cost only time
_CODINGS = {"": "identity", "identity": "identity", "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}


class BodyError(Exception):
    """A body that cannot be used; its text says why, in words that follow the name of what sent it."""


class Decoder:
    """Takes a body in pieces as they come from the wire, gives it decoded; never holds more than ``limit``.

    gzip (RFC 1952) with any number of members, deflate as zlib (RFC 1950) or raw (RFC 1951), identity. ``large`` is
    called once, when the body turns out to be.
    """

    def __init__(self, coding: str, limit: int, large: Callable[[], None] = lambda: None) -> None:
        """Raises BodyError where ``coding`` is unknown or a list of several."""
        known = _CODINGS.get(coding.strip().lower())
        if known is None:
            raise BodyError(f"sent an encoding that was not asked for ({one_line(coding)[:40]})")
        self._coding = known
        self._limit = limit
        self._out = BytesIO()
        self._stream: zlib._Decompress | None = None
        self._members = 0
        self._pending = b""
        self._padding = False
        self._large: Callable[[], None] | None = large

    def feed(self, data: bytes) -> None:
        """Raises BodyError above the limit, and where the data is not in its encoding."""
        if self._coding == "identity":
            self._put(data)
            return
        try:
            self._inflate(self._pending + data)
        except zlib.error:
            raise BodyError(f"sent a body that is not the {self._coding} it claims to be") from None

    def result(self) -> bytes:
        """The whole body. Raises BodyError where the compressed stream did not reach its end."""
        if self._stream is not None or (self._pending and not self._members):
            raise BodyError(f"sent an answer that was cut off (its {self._coding} has no end)")
        return self.so_far()

    def so_far(self) -> bytes:
        """What was decoded until now, whether or not it is whole."""
        return self._out.getvalue()

    def _put(self, data: bytes) -> None:
        size = self._out.tell()
        room = self._limit - size
        if self._large is not None and size > _LARGE:
            self._large()
            self._large = None
        self._out.write(data[:room])
        if len(data) > room:
            raise BodyError(f"sent a body of more than {format_size(self._limit)} once decoded")

    def _inflate(self, data: bytes) -> None:
        self._pending = b""
        more = False  # zlib may hold back output although it has taken all input
        while (data or more) and not self._padding:
            if self._stream is None:
                if len(data) < 2:
                    self._pending = data
                    return
                self._stream = self._open(data)
                continue
            piece = self._stream.decompress(data, _STEP)
            self._put(piece)
            if self._stream.eof:
                data, more = self._stream.unused_data, False
                self._stream = None
            else:
                data, more = self._stream.unconsumed_tail, len(piece) == _STEP

    def _open(self, data: bytes) -> zlib._Decompress | None:
        """The stream that begins here; None where only padding follows what has ended."""
        if self._members and not (self._coding == "gzip" and data.startswith(_GZIP_MAGIC)):
            self._padding = True
            return None
        self._members += 1
        if self._members > _MAX_MEMBERS:
            raise BodyError(f"sent gzip in more than {_MAX_MEMBERS} parts")
        if self._coding == "gzip":
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        is_zlib = data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)


def format_size(size: int) -> str:
    """A number of bytes as ``max_bytes`` takes it: "10MB", "64KB", "1234B"."""
    for unit, factor in (("MB", 1_000_000), ("KB", 1_000)):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"
