"""Marks a text file as made by feedbot, so that one somebody made or edited by hand is told from it.

The last line is a comment with a digest of all before it: it tells without any state, on any machine.
"""

from __future__ import annotations

import re
from hashlib import blake2b

_SEAL = re.compile(rb"(?s)(?P<text>.*)\n(?:<!--|/\*) Made by feedbot \((?P<digest>[0-9a-f]{16})\)[^\n]*\n")


def sealed(text: str, *, css: bool = False) -> bytes:
    """The text with its seal, as a comment of HTML and XML, or of CSS."""
    body = text.rstrip("\n").encode()
    opening, closing = ("/*", "*/") if css else ("<!--", "-->")
    line = f"\n{opening} Made by feedbot ({_digest(body)}); it is left alone once you edit it {closing}\n"
    return body + line.encode()


def is_sealed(data: bytes) -> bool:
    """Whether feedbot made these bytes and nobody has edited them."""
    match = _SEAL.fullmatch(data)
    return match is not None and match["digest"].decode() == _digest(match["text"])


def _digest(body: bytes) -> str:
    return blake2b(body, digest_size=8).hexdigest()
