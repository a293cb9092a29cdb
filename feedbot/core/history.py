"""The last polls of a source, in a text that never grows beyond a bound."""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from struct import Struct
from struct import error as StructError  # noqa: N812 (it is an exception, whatever it is called)
from typing import NamedTuple

KEPT = 50
"""So many polls of each source are remembered."""

# When (seconds since 1970), what came of it, status of HTTP, milliseconds, bytes; new, updated, withdrawn entries.
_RECORD = Struct(">IBHIIHHH")
_MOST = [(1 << bits) - 1 for bits in (32, 8, 16, 32, 32, 16, 16, 16)]
LETTERS = len(b64encode(bytes(_RECORD.size)))
"""How long one poll is in the text. A record is a multiple of three bytes, so that texts can be joined and cut."""

_OUTCOMES = ("ok", "not-modified", "failed", "held")


class Past(NamedTuple):
    """One poll: when to the second, "ok", "not-modified", "failed" or "held", and what it took and brought.

    ``status`` is that of the HTTP answer, ``size`` the bytes of its body as it was read; 0 where there was none.
    """

    at: datetime
    outcome: str
    status: int = 0
    seconds: float = 0.0
    size: int = 0
    new: int = 0
    updated: int = 0
    withdrawn: int = 0


def packed(past: Past) -> str:
    """One poll as text of ``LETTERS`` letters; what is too large for its place counts as the largest that fits."""
    numbers = [
        int(past.at.timestamp()),
        _OUTCOMES.index(past.outcome),
        past.status,
        round(past.seconds * 1000),
        past.size,
        past.new,
        past.updated,
        past.withdrawn,
    ]
    try:
        record = _RECORD.pack(*numbers)
    except StructError:
        record = _RECORD.pack(*(min(max(number, 0), most) for number, most in zip(numbers, _MOST, strict=True)))
    return b64encode(record).decode()


def unpacked(text: str) -> list[Past]:
    """The polls in a text of joined records, newest first. What is cut off at its end is left out."""
    whole = len(text) // LETTERS * LETTERS
    records = _RECORD.iter_unpack(b64decode(text[:whole]))
    return [
        Past(
            at=datetime.fromtimestamp(at, UTC),
            outcome=_OUTCOMES[outcome],
            status=status,
            seconds=milliseconds / 1000,
            size=size,
            new=new,
            updated=updated,
            withdrawn=withdrawn,
        )
        for at, outcome, status, milliseconds, size, new, updated, withdrawn in records
    ][::-1]
