"""Text of others as a terminal may show it: inert, and as wide as it says."""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji need them


def inert(text: str) -> str:
    """Text without line breaks and whatever a terminal obeys: escapes, C0 and C1 controls, bidi overrides."""
    return safe(" ".join(text.split()))


def safe(line: str) -> str:
    """A line as it is, with its spaces, without whatever a terminal obeys."""
    if line.isprintable():  # nearly all are, and asking is far faster than looking at each character
        return line
    return "".join(c for c in line if c in _JOINERS or unicodedata.category(c) not in ("Cc", "Cf", "Cs"))


def width(text: str) -> int:
    """How many columns inert text takes: two for wide East Asian characters, none for combining ones."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def fit(text: str, columns: int) -> str:
    """Inert text cut to ``columns`` with an ellipsis where it is longer, and filled up with spaces."""
    if width(text) > columns:
        kept, taken = [], 1
        for character in text:
            taken += _columns(character)
            if taken > columns:
                break
            kept.append(character)
        text = "".join(kept).rstrip() + "…"
    return text + " " * (columns - width(text))


def counted(number: int, one: str, many: str) -> str:
    """A number with its noun: "1 entry", "2 entries"."""
    return f"{number} {one if number == 1 else many}"


def _columns(character: str) -> int:
    if unicodedata.combining(character) or character in _JOINERS:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
