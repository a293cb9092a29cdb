"""Sockets that keep to a budget: each read and write ends by the deadline of the whole exchange.

A time-out of the socket module bounds one read, so that a server which sends a byte a second is never
late for it. Here every read and write gets the time that is left of the exchange, and takes from the
bytes that are left.
"""

from __future__ import annotations

import errno
import queue
import socket
import ssl
import threading
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address
from time import monotonic
from typing import Any

from feedbot.http import HttpError
from feedbot.http.guard import REFUSALS, Allowance, IPAddress, Verdict, authority, judge, parse_allowance

# One address that does not answer must not use up the time of those behind it.
_CONNECT_SHARE = 5.0
_MAX_ADDRESSES = 8
_MOMENT = 0.01  # seconds by which a time-out may miss the deadline

Address = tuple[socket.AddressFamily, tuple[Any, ...]]


class Wire:
    """What an exchange may still cost: time until ``deadline`` (monotonic seconds) and ``room`` in bytes.

    It also remembers how the exchange went: ``received`` bytes, whether it took too much (``overdrawn``), and
    whether the connection was ``reused``, which ``fresh`` forbids.
    """

    __slots__ = ("allowances", "deadline", "fresh", "overdrawn", "received", "reused", "room")

    def __init__(self, deadline: float, room: int, allowances: Sequence[Allowance], *, fresh: bool = False) -> None:
        self.deadline = deadline
        self.room = room
        self.allowances = allowances
        self.fresh = fresh
        self.received = 0
        self.overdrawn = self.reused = False

    @property
    def late(self) -> bool:
        """Whether the deadline has come (a time-out may fire a moment early)."""
        return monotonic() > self.deadline - _MOMENT - 0.005

    def left(self) -> float:
        """Seconds until the deadline. Raises TimeoutError behind it."""
        seconds = self.deadline - monotonic()
        if seconds <= 0:
            raise TimeoutError("the deadline of the exchange has come")
        return seconds

    def bound(self, sock: socket.socket) -> None:
        """Have what is done next with a socket end by the deadline. Raises TimeoutError behind it."""
        left = self.left()
        given = sock.gettimeout()
        # Each setting asks the system for something, and within an exchange hardly any time goes.
        if given is None or abs(given - left) > _MOMENT:
            sock.settimeout(left)

    def took(self, data: bytes) -> bytes:
        """Note bytes that came in. Raises OSError where there is no room for them."""
        self.received += len(data)
        if self.received > self.room:
            self.overdrawn = True
            raise OSError("more than the exchange has room for")
        return data

    def require_allowed(self, host: str, port: int, address: IPAddress) -> None:
        """Raises HttpError, forbidden, where the policy does not admit the address."""
        verdict = judge(address, host, port, self.allowances)
        if verdict in REFUSALS:
            raise _refusal(verdict, host, port, address)


class WireSocket(socket.socket):
    """A TCP socket that keeps to the wire it is given."""

    wire: Wire

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        self.wire.bound(self)
        return self.wire.took(super().recv(bufsize, flags))

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.wire.bound(self)
        super().sendall(data, flags)


class WireTLSSocket(ssl.SSLSocket):
    """The same inside TLS; its handshake is bounded by the time-out of the socket it is made from."""

    wire: Wire

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        if not hasattr(self, "wire"):  # ssl itself looks for bytes where the peer hung up before the handshake
            raise OSError(errno.ENOTCONN, "the connection is gone")
        self.wire.bound(self)
        return self.wire.took(super().recv(buflen, flags))

    def send(self, data: Any, flags: int = 0) -> int:
        self.wire.bound(self)
        return super().send(data, flags)


def connect(host: str, port: int, wire: Wire) -> tuple[WireSocket, IPAddress]:
    """Connect to an address of ``host`` that the policy admits; says which. Raises HttpError."""
    place = authority(host, port)
    why = "cannot be reached"
    addresses = _admitted(host, port, wire)
    for behind, (family, address) in zip(range(len(addresses) - 1, -1, -1), addresses, strict=True):
        sock = WireSocket(family, socket.SOCK_STREAM)
        sock.wire = wire
        try:
            left = wire.left()
            sock.settimeout(min(_CONNECT_SHARE, left / 2) if behind else left)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.settimeout(wire.left())
            return sock, _parsed(address[0])
        except OSError as error:
            sock.close()
            why = _why(error)  # in words: an error that its own frame holds would stay, with all that led here
    wire.left()
    raise HttpError(f"{place} {why}")


def admitted(host: str, port: int, allow_private: Sequence[str], seconds: float) -> list[str]:
    """The addresses of a host that the policy admits, in the order to try them, for what does not speak HTTP.

    Raises HttpError where there is none, or where the name server does not answer in time.
    """
    wire = Wire(monotonic() + seconds, 0, [parse_allowance(text) for text in allow_private])
    try:
        return [address[0] for _, address in _admitted(host, port, wire)]
    except TimeoutError as error:
        raise HttpError(f"{host} cannot be found: no name server answered in time", "check the network") from error


def _admitted(host: str, port: int, wire: Wire) -> list[Address]:
    """The addresses to try, families by turns (RFC 8305, 4).

    One answer that is neither public nor listed refuses them all, but for those that are listed: whoever
    lists 127.0.0.1 has not to know that localhost is ::1 as well.
    """
    answers = _resolve(host, port, wire)
    verdicts = [judge(_parsed(address[0]), host, port, wire.allowances) for _, address in answers]
    listed = [answer for answer, verdict in zip(answers, verdicts, strict=True) if verdict is Verdict.LISTED]
    refused = [pair for pair in zip(answers, verdicts, strict=True) if pair[1] in REFUSALS]
    if refused and not listed:
        (_, address), verdict = refused[0]
        raise _refusal(verdict, host, port, ip_address(address[0]))
    kept = listed if refused else answers
    turn: dict[int, int] = {}
    turns = []
    for family, address in kept:
        turn[family] = turn.get(family, 0) + 1
        turns.append((turn[family], (family, address)))
    return [answer for _, answer in sorted(turns, key=lambda pair: pair[0])][:_MAX_ADDRESSES]


def _resolve(host: str, port: int, wire: Wire) -> list[Address]:
    try:
        literal = _parsed(host)
    except ValueError:
        return _look_up(host, port, wire)
    family = socket.AF_INET if literal.version == 4 else socket.AF_INET6
    return [(family, (host, port))]


@lru_cache(maxsize=256)  # each is looked at several times on the way to a connection
def _parsed(address: str) -> IPAddress:
    return ip_address(address)


def _look_up(host: str, port: int, wire: Wire) -> list[Address]:
    """Ask the resolver in a thread of its own: it keeps to no deadline and cannot be interrupted."""
    answer: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            answer.put(error)
        except UnicodeError:
            answer.put(socket.gaierror(socket.EAI_NONAME, "not a host name"))
        else:
            inet = (socket.AF_INET, socket.AF_INET6)
            answer.put([(family, address) for family, _, _, _, address in found if family in inet])

    threading.Thread(target=ask, name=f"look up {host}", daemon=True).start()
    try:
        found = answer.get(timeout=wire.left())
    except queue.Empty:
        raise TimeoutError(f"no answer about {host} in time") from None
    if isinstance(found, OSError):
        if found.errno == socket.EAI_AGAIN:
            raise HttpError(f"{host} cannot be found: no name server answered", "check the network") from found
        raise HttpError(f"{host} cannot be found", "check the spelling") from found
    if not found:
        raise HttpError(f"{host} cannot be found", "it has no address")
    return found


def _refusal(verdict: Verdict, host: str, port: int, address: IPAddress) -> HttpError:
    place = authority(host, port)
    kind = "a private address" if verdict is Verdict.PRIVATE else "an address of machine metadata"
    message = f"{place} is {kind}" if host == str(address) else f"{place} leads to {address}, {kind}"
    try:
        by_host = parse_allowance(place).names(host, port)
    except ValueError:  # an odd spelling of an address
        by_host = False
    entry = place if by_host and verdict is Verdict.PRIVATE else authority(str(address).split("%")[0], port)
    hint = f'add allow_private = ["{entry}"] to this source or sink if you mean it'
    return HttpError(message, hint, forbidden=True)


def _why(problem: OSError) -> str:
    if isinstance(problem, ConnectionRefusedError):
        return "refused the connection"
    if isinstance(problem, TimeoutError):
        return "does not answer"
    return f"cannot be reached ({problem.strerror})" if problem.strerror else "cannot be reached"
