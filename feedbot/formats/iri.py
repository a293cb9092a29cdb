"""Addresses and names as IRIs (RFC 3987), which is what Atom wants of ids and every format of links."""

from __future__ import annotations

import re
from urllib.parse import quote

_NEVER = '\\s"<>\\\\^`{|}\x00-\x20\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ue000-\uf8ff\ufff0-\uffff'
"""What no IRI has anywhere, as a class of a pattern: 2.2, and the marks of direction of 4.1."""

_CHARACTER = f"(?:[^{_NEVER}%#\\[\\]]|%[0-9A-Fa-f]{{2}})"
_LITERAL = rf"//(?:{_CHARACTER}*@)?\[[0-9A-Fa-f:.]+\]"  # the only place of brackets: an address of IPv6
_IRI = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:(?!$)(?:{_LITERAL})?{_CHARACTER}*(?:#{_CHARACTER}*)?")
_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?://[^/?#]*)?")
_MISPLACED = re.compile(rf"[{_NEVER}#\[\]]|%(?![0-9A-Fa-f]{{2}})")
_URN = "urn:feedbot:"


def is_iri(text: str) -> bool:
    """Whether a text is an absolute IRI, as far as the syntax that all schemes share tells."""
    return _IRI.fullmatch(text) is not None


def as_id(text: str) -> str:
    """An id as Atom can have it (RFC 4287, 4.2.6): an IRI as it is, else a URN that quotes it; never two the same."""
    return text if is_iri(text) else _URN + quote(text, safe="").replace("~", "%7E")  # RFC 2141, 2.2


def mended(address: str) -> str:
    """An absolute address with what IRIs do not have quoted, as browsers do; "" where that makes no IRI of it."""
    start = _HOST.match(address)
    if start is None:
        return ""
    rest, mark, fragment = address[start.end() :].partition("#")
    whole = start[0] + _quoted(rest) + mark + _quoted(fragment)
    return whole if is_iri(whole) else ""


def _quoted(text: str) -> str:
    return _MISPLACED.sub(lambda found: quote(found[0]), text)
