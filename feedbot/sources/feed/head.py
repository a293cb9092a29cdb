"""What a feed says before its first entry, and what its answer says in Link headers (RFC 8288)."""

from __future__ import annotations

import re
from collections.abc import Iterator

_LONGEST_HEAD = 50_000
_LONGEST_HEADER = 20_000
_FIRST_ENTRY = re.compile(r"<(?:\w+:)?(?:item|entry)[\s>/]")
_LINK = re.compile(r"<([^<>]{1,2000})>((?:\s*;\s*[\w*-]{1,40}\s*=\s*(?:\"[^\"]{0,500}\"|[^\",;\s]{0,500}))*)")
_PARAMETER = re.compile(r"([\w*-]+)\s*=\s*(?:\"([^\"]*)\"|([^\",;\s]*))")


def head_of(text: str) -> str:
    """The part of an XML feed that stands before its entries, as far as it is of a usual length."""
    first = _FIRST_ENTRY.search(text, 0, _LONGEST_HEAD)
    return text[: first.start() if first else _LONGEST_HEAD]


def links(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """The addresses in a Link header, each with its parameters by their names in lower case."""
    for address, parameters in _LINK.findall(header[:_LONGEST_HEADER]):
        yield address, {name.lower(): quoted or bare for name, quoted, bare in _PARAMETER.findall(parameters)}
