"""Addresses in ASCII, for what knows no IRIs: HTTP, RSS and JSON Feed."""

from __future__ import annotations

import re
from urllib.parse import quote

_HOST = re.compile(r"([a-z][a-z0-9+.-]*://(?:[^/?#@]*@)?)([^/?#@:]+)", re.I | re.A)
_FOREIGN = re.compile(r"[^\x00-\x7f]+")


def as_uri(address: str) -> str:
    """An IRI as the URI that leads to the same place (RFC 3987, 3.1); what is none keeps what is wrong with it."""
    if address.isascii():
        return address
    host = _HOST.match(address)
    if host is not None:
        address = host[1] + _ascii_host(host[2]) + address[host.end() :]
    return _FOREIGN.sub(lambda found: quote(found[0], errors="replace"), address)


def _ascii_host(host: str) -> str:
    """A host as the DNS knows it; one that cannot be there is left as it is."""
    if host.isascii() or len(host) > 253:  # none is longer, and idna is slow on what is
        return host
    import idna  # here: few hosts need it

    try:
        return idna.encode(host, uts46=True).decode()
    except UnicodeError:
        return host
