"""Reads the plainest of YAML quickly: lines of keys with words, a quoted text or a short list.

Most front matter is nothing else. Whatever might be read in another way by YAML's own parser is left to it.
"""

from __future__ import annotations

import re

_WORDS = r"[A-Za-z0-9](?:[\w /.,()'!?+&;@%=*$-]|:(?=[\w/]))*(?<![ ])"
_LINE = re.compile(
    rf"""(?P<key>[A-Za-z][A-Za-z0-9_-]{{0,60}}):[ ](?:
    (?P<words>{_WORDS})
    |"(?P<quoted>[^"\\\n\t\x00-\x1f\x7f-\xa0\ud800-\udfff\u2028\u2029\ufeff\ufffe\uffff]*)"
    |\[(?P<list>[A-Za-z0-9][\w .+-]*(?:,[ ][A-Za-z0-9][\w .+-]*)*)?\])[ ]*""",
    re.VERBOSE,
)
_MORE_THAN_TEXT = frozenset({"true", "false", "null"})

Value = str | list[str]


def plain_pairs(text: str) -> list[tuple[str, Value]] | None:
    """Each key with its value, a line each; None where the text is not as plain as that."""
    pairs: list[tuple[str, Value]] = []
    for line in text.removesuffix("\n").split("\n"):
        match = _LINE.fullmatch(line)
        if match is None:
            return None
        words, quoted, listed = match.group("words", "quoted", "list")
        if quoted is not None:
            value: Value = quoted
        elif words is not None:
            value = words
        else:
            value = [item.strip(" ") for item in listed.split(",")] if listed else []
        texts = value if isinstance(value, list) else [value] if quoted is None else []
        if any(each.lower() in _MORE_THAN_TEXT for each in (match["key"], *texts)):
            return None
        pairs.append((match["key"], value))
    return pairs if len({key for key, _ in pairs}) == len(pairs) else None
