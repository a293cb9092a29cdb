"""Addresses that are as nearly all are, told by one pattern: taking any apart is ten times as slow."""

from __future__ import annotations

import re

_USUAL = re.compile(
    r"https?://([a-zA-Z0-9.-]+)(:\d+)?(/[\w.~%+@!$&'()*,=:/-]*)?(\?[\w.~%+@!$&'()*,=:/?-]+)?(#[\w.~%=/-]+)?", re.A
)


def is_usual(address: str) -> bool:
    """Whether an address is absolute, of the web, and such that joining it with a base leaves it as it is."""
    return _USUAL.fullmatch(address) is not None


def usual_host(address: str) -> str | None:
    """The host of a usual address in lower case; None where the address is none."""
    match = _USUAL.fullmatch(address)
    return match and match[1].lower()


def usual_page(address: str) -> tuple[str, str] | None:
    """Host (in lower case) and path of a usual address without port, query and fragment; None for any other."""
    match = _USUAL.fullmatch(address)
    if match is None or match[2] or match[4] or match[5]:
        return None
    return match[1].lower(), match[3] or ""
