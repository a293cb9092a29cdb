"""Which addresses may be asked: the public ones, and what somebody listed.

Pure functions over addresses. What they judge is the address that is going to be connected to, never the
text of a URL, so that no spelling of loopback and no answer of a name server gets around them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from msgspec import Struct

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

# Where clouds tell a machine its credentials: refused even inside a network that is listed.
_METADATA: tuple[IPNetwork, ...] = (
    IPv4Network("169.254.0.0/16"),
    IPv4Network("100.100.100.200/32"),
    IPv6Network("fe80::/10"),
    IPv6Network("fd00:ec2::254/128"),
    IPv6Network("fd20:ce::254/128"),
)
# Not for everybody by IANA's registries, but global to the ipaddress module of some Python that runs feedbot.
_NOT_PUBLIC: tuple[IPNetwork, ...] = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("2001::/23"),
    IPv6Network("3fff::/20"),
)
_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")
_NAME = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")


class Verdict(Enum):
    """What the policy says of an address."""

    PUBLIC = "public"
    LISTED = "listed"
    PRIVATE = "private"
    METADATA = "metadata"


REFUSALS = frozenset({Verdict.PRIVATE, Verdict.METADATA})


class Allowance(Struct, frozen=True):
    """An entry of ``allow_private``: a host by name or a network, on one port or (None) on all."""

    name: str = ""
    network: IPNetwork | None = None
    port: int | None = None

    @property
    def exact(self) -> bool:
        """Whether it names one address only."""
        return self.network is not None and self.network.num_addresses == 1

    def covers(self, forms: Sequence[IPAddress], port: int) -> bool:
        """Whether it is a network that holds one of the forms of an address, on that port."""
        network = self.network
        return network is not None and self.port in (None, port) and any(form in network for form in forms)

    def names(self, host: str, port: int) -> bool:
        """Whether it is that host's name, on that port."""
        return self.name != "" and self.name == host.lower().rstrip(".") and self.port in (None, port)


@lru_cache(maxsize=1024)
def parse_allowance(text: str) -> Allowance:
    """Read ``host:port``, ``host``, ``address``, ``address:port``, ``[v6]:port`` or a CIDR.

    Raises ValueError with a sentence that says what is wrong.
    """
    entry = text.strip()
    if "://" in entry:
        raise ValueError(f"{text!r} is a URL; write host:port without http:// and path")
    if "/" in entry:
        return Allowance(network=_network(entry))
    host, port = _split_port(entry)
    try:
        return Allowance(network=ip_network(_forms(ip_address(host))[0]), port=port)
    except ValueError:
        pass
    name = host.lower().rstrip(".")
    if re.fullmatch(r"[0-9.]+|0x[0-9a-f.x]+", name):
        raise ValueError(f"{text!r} is no whole address; write all four numbers, such as 127.0.0.1")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{text!r} is no address; write host:port, an address or a network such as 10.0.0.0/8")
    return Allowance(name=name, port=port)


def judge(address: IPAddress, host: str, port: int, allowances: Sequence[Allowance]) -> Verdict:
    """What the policy says of connecting to ``address``, which ``host`` led to."""
    forms = _forms(address)
    if any(form in network for form in forms for network in _METADATA):
        literal = any(entry.exact and entry.covers(forms, port) for entry in allowances)
        return Verdict.LISTED if literal else Verdict.METADATA
    if any(entry.covers(forms, port) or entry.names(host, port) for entry in allowances):
        return Verdict.LISTED
    return Verdict.PUBLIC if all(_public(form) for form in forms) else Verdict.PRIVATE


def authority(host: str, port: int) -> str:
    """``host:port``, with brackets where the host is an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _forms(address: IPAddress) -> tuple[IPAddress, ...]:
    """The address, then the IPv4 address that a relay or the kernel would make of it, if any."""
    if isinstance(address, IPv4Address):
        return (address,)
    if address.scope_id is not None:
        address = IPv6Address(int(address))
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address, address.sixtofour)
    if address.teredo is not None:
        return (address, address.teredo[1])
    if address in _NAT64 or address in _NAT64_LOCAL or address in _COMPATIBLE:
        return (address, IPv4Address(int(address) & 0xFFFFFFFF))
    return (address,)


def _public(address: IPAddress) -> bool:
    if any(address in network for network in _NOT_PUBLIC) or address.is_multicast:
        return False
    if isinstance(address, IPv6Address):
        return address in _NAT64 or (address in _UNICAST and address.is_global)
    return address.is_global


def _network(entry: str) -> IPNetwork:
    try:
        return ip_network(entry)
    except ValueError:
        pass
    try:
        meant = ip_network(entry, strict=False)
    except ValueError:
        raise ValueError(f"{entry!r} is no network; write one such as 10.0.0.0/8") from None
    raise ValueError(f"{entry!r} has bits set behind its prefix; did you mean {str(meant)!r}?")


def _split_port(entry: str) -> tuple[str, int | None]:
    bracketed = re.fullmatch(r"\[([^\[\]]*)\](?::(.*))?", entry)
    if bracketed:
        host, port = bracketed[1], bracketed[2]
        if ":" not in host:
            raise ValueError(f"{entry!r} has no IPv6 address between its brackets")
    elif entry.count(":") == 1:
        host, port = entry.split(":")
    else:
        return entry, None
    if port is None:
        return host, None
    if not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError(f"{entry!r} has no port between 1 and 65535 behind its colon")
    return host, int(port)
