"""An HTTP proxy between feedbot and the servers that it asks (RFC 9110, 9.3.6; RFC 9112, 3.2.2).

Where one is used nobody here sees the addresses that names lead to, so that it is for the proxy to keep to a policy.
Addresses in numbers are judged as ever, and what is listed as allowed though private is asked without the proxy.
"""

from __future__ import annotations

from collections.abc import Sequence
from http.client import HTTPException
from ipaddress import IPv4Address, ip_address

from feedbot.http import HttpError
from feedbot.http.answer import Answer
from feedbot.http.guard import Allowance, IPAddress, authority, parse_allowance
from feedbot.http.target import Target, parse_target
from feedbot.http.wire import Wire, WireSocket, connect

_LOOPBACK = IPv4Address("127.0.0.1")
_HINT = 'see "proxy" in [feedbot]'


def parse_proxy(url: str) -> Target:
    """Read the address of a proxy, which may carry user and password. Raises HttpError where it is none."""
    target = parse_target(url, secret_path=True)
    if target.scheme != "http" or target.path != "/":
        raise HttpError("a proxy is named by an address such as http://proxy.example.org:3128")
    return target


def is_direct(host: str, port: int, allowances: Sequence[Allowance]) -> bool:
    """Whether a host is asked without the proxy: whoever lists it as private knows it to be near."""
    address = literal(host)
    forms = () if address is None else (address,)
    return any(entry.names(host, port) or entry.covers(forms, port) for entry in allowances)


def require_public(host: str, port: int, wire: Wire) -> None:
    """Raises HttpError, forbidden, where the text of a host alone tells that it may not be asked."""
    address = literal(host)
    if address is not None:
        wire.require_allowed(host, port, address)


def reach(proxy: Target, wire: Wire) -> WireSocket:
    """Connect to the proxy. Raises HttpError where it cannot be reached."""
    try:
        own = Wire(wire.deadline, wire.room, (parse_allowance(authority(proxy.host, proxy.port)),))
        sock, _ = connect(proxy.host, proxy.port, own)
    except HttpError as error:
        raise HttpError(f"the proxy {error.message}", _HINT) from error
    sock.wire = wire
    return sock


def tunnel(sock: WireSocket, proxy: Target, host: str, port: int) -> None:
    """Have the proxy connect to a host, so that what goes over the socket from now on goes there. Raises HttpError."""
    place = authority(host, port)
    sock.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n{credentials(proxy)}\r\n".encode("latin-1"))
    answer = Answer(sock, "CONNECT")
    try:
        answer.begin()
    except (HTTPException, ConnectionError) as error:
        raise HttpError(f"the proxy {proxy.place} closed the connection instead of answering", _HINT) from error
    require_consent(answer.status, proxy)
    if not 200 <= answer.status < 300:
        raise HttpError(f"the proxy {proxy.place} does not connect to {place} ({answer.status})", _HINT)


def credentials(proxy: Target) -> str:
    """The line of a request that carries the credentials for the proxy, with its end; "" where there are none."""
    return f"Proxy-Authorization: {proxy.credentials}\r\n" if proxy.credentials else ""


def require_consent(status: int, proxy: Target) -> None:
    """Raises HttpError where a status is the proxy's own refusal."""
    if status == 407:
        raise HttpError(f"the proxy {proxy.place} wants other credentials (407)", _HINT)


def literal(host: str) -> IPAddress | None:
    """The address that a host is by its text alone."""
    if host == "localhost" or host.endswith(".localhost"):
        return _LOOPBACK
    try:
        return ip_address(host)
    except ValueError:
        return None
