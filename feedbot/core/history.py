"""The last polls of a source, in a text that never grows beyond a bound."""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import UTC, datetime
from struct import Struct

KEPT = 50
"""So many polls of each source are remembered."""

# When (seconds since 1970), what came of it, status of HTTP, milliseconds, bytes; new, updated, withdrawn entries.
_RECORD = Struct(">IBHIIHHH")
LETTERS = len(b64encode(bytes(_RECORD.size)))
"""How long one poll is in the text. A record is a multiple of three bytes, so that texts can be joined and cut."""

_OUTCOMES = ("ok", "not-modified", "failed", "held")


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
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
    record = _RECORD.pack(
        min(max(int(past.at.timestamp()), 0), 0xFFFFFFFF),
        _OUTCOMES.index(past.outcome),
        _within(past.status, 16),
        _within(round(past.seconds * 1000), 32),
        _within(past.size, 32),
        _within(past.new, 16),
        _within(past.updated, 16),
        _within(past.withdrawn, 16),
    )
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


def _within(number: int, bits: int) -> int:
    return min(max(number, 0), (1 << bits) - 1)
