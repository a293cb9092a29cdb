"""Text from anywhere, made fit for where it goes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# What XML 1.0 does not allow as a character (production 2, "Char").
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_CONTROLS = bytes(code for code in range(32) if code not in (9, 10, 13))
_SHORT = 200  # of longer text it is told faster by dropping bytes
_SHORTEST_SECRET = 4  # a shorter one would black out half of every text, and hide nothing
_NOT_SLUG = re.compile(r"[^a-z0-9]+")


def storable(text: str) -> str:
    """Drop what neither XML 1.0, UTF-8 nor a database takes: control characters and lone surrogates."""
    if len(text) < _SHORT and text.isascii() and text.isprintable():
        return text
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return _NOT_XML.sub("", text)
    # Nearly all text is fine, and dropping bytes tells so far faster than a pattern.
    if len(data.translate(None, _CONTROLS)) == len(data) and "\ufffe" not in text and "\uffff" not in text:
        return text
    return _NOT_XML.sub("", text)


def one_line(text: str) -> str:
    """Storable text with each run of white space (line breaks of any kind too) as one space."""
    if text.isprintable() and "  " not in text:  # the only white space that is printable is the space
        return text.strip()
    return " ".join(storable(text).split())


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Text without any of the secrets that are long enough to be told from other text."""
    for secret in secrets:
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters, cut at a word where one is near, with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    if space > limit * 2 // 3:
        cut = cut[:space]
    return cut.rstrip(" ,.;:-") + "…"


def slug(text: str, fallback: str = "untitled") -> str:
    """A name safe in paths and addresses: a-z, 0-9 and hyphens, at most 80 characters."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _NOT_SLUG.sub("-", ascii_text).strip("-")[:80].rstrip("-") or fallback
