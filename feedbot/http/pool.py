"""The requests adapter whose connections go to checked addresses and keep to a budget."""

from __future__ import annotations

import contextlib
import select
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection

from feedbot.http import HttpError
from feedbot.http.answer import Answer
from feedbot.http.guard import Allowance, IPAddress
from feedbot.http.proxy import credentials, is_direct, reach, require_consent, require_public, tunnel
from feedbot.http.target import Target
from feedbot.http.wire import Wire, WireSocket, WireTLSSocket, connect

# Codes of OpenSSL's X509_verify_cert_error_string.
_EXPIRED = (9, 10)
_UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
_WRONG_HOST = (62, 64)

_Place = tuple[str, str, int, bool, bool]
"""What a connection leads to: scheme, host, port, whether certificates are verified, and whether by a proxy."""


class Outgoing(PreparedRequest):
    """A request ready to be sent, with what bounds it; not prepared again by requests, which costs.

    Its method and headers are checked already: nothing in them may end a line.
    """

    def __init__(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes | None,
        wire: Wire,
        *,
        verify_tls: bool,
    ) -> None:
        self.method = method
        self.url = target.url
        self.headers = headers  # type: ignore[assignment]  # a plain mapping does, and costs less
        self.body = body
        self.target = target
        self.wire = wire
        self.verify_tls = verify_tls

    def message(self, proxy: Target | None) -> bytes:
        """The request as it goes over the wire (RFC 9112, 3), to ``proxy`` if there is one."""
        asked = self.target.path if proxy is None else self.target.url
        lines = [f"{self.method} {asked} HTTP/1.1\r\nHost: {self.target.authority}\r\n"]
        if proxy is not None:
            lines.append(credentials(proxy))
        lines += [f"{name}: {value}\r\n" for name, value in self.headers.items()]
        head = "".join((*lines, "\r\n")).encode("latin-1")
        assert self.body is None or isinstance(self.body, bytes)
        return head + self.body if self.body else head


class Answered(Response):
    """What requests wants an adapter to give back: ``raw`` is the answer, which its taker reads and lets go.

    It has no parts of its own, as these cost; cookies are not even looked for.
    """

    raw: Answer

    def __init__(self, raw: Answer, connection: _Connection, adapter: Adapter) -> None:
        self.raw = raw
        self._connection = connection
        self._adapter = adapter

    def let_go(self) -> None:
        """Keep the connection for the next request if its answer was read to the end; else close it."""
        if self.raw.reusable:
            self._adapter.keep(self._connection)
        else:
            self.close()

    def close(self) -> None:
        """Close the connection, whatever may still come over it."""
        self._connection.close()


class Adapter(BaseAdapter):
    """Sends requests from any thread over kept connections; all that use TLS share one context.

    It drives urllib3's connections itself: a pool for each host, parsing the URL again, and building headers and
    responses that nobody looks at would cost several times what the exchange does. Nothing of the environment has
    a say: no proxies, no netrc, no CA bundle.
    """

    def __init__(self, *, connections: int, ca_file: Path | None, proxy: Target | None = None) -> None:
        super().__init__()
        self._ca_file = ca_file
        self._proxy = proxy
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self._room = connections
        self._idle: dict[_Place, list[_Connection]] = {}  # the place that was used last stands at the end
        self._number = 0

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Answered:
        """Send, and read the head of the answer.

        Raises HttpError where no connection comes about or may be made, else OSError, HTTPException, or what
        urllib3 raises.
        """
        assert isinstance(request, Outgoing)
        target = request.target
        proxied = self._proxy is not None and not is_direct(target.host, target.port, request.wire.allowances)
        place = (*target.origin, request.verify_tls, proxied)
        connection = (None if request.wire.fresh else self._kept(place)) or self._connection(place)
        try:
            return Answered(connection.exchange(request), connection, self)
        except BaseException:
            connection.close()
            raise

    def keep(self, connection: _Connection) -> None:
        """Have a connection for the next request to the same place, and close that of the place least used of late."""
        dropped: _Connection | None = connection
        with self._lock:
            if self._room:
                shelf = self._idle.pop(connection.place, [])
                shelf.append(connection)
                self._idle[connection.place] = shelf
                self._number += 1
                dropped = self._taken(next(iter(self._idle)), 0) if self._number > self._room else None
        if dropped is not None:
            dropped.close()

    def close(self) -> None:
        """Close what is idle; what is in use is closed when it is let go."""
        with self._lock:
            self._room = 0
            idle = [connection for shelf in self._idle.values() for connection in shelf]
            self._idle.clear()
            self._number = 0
        for connection in idle:
            connection.close()

    def _kept(self, place: _Place) -> _Connection | None:
        """The connection to a place that was used last, where one still stands."""
        while True:
            with self._lock:
                if place not in self._idle:
                    return None
                connection = self._taken(place, -1)
            if connection.is_quiet():
                return connection
            connection.close()

    def _taken(self, place: _Place, index: int) -> _Connection:
        connection = self._idle[place].pop(index)
        self._number -= 1
        if not self._idle[place]:
            del self._idle[place]
        return connection

    def _connection(self, place: _Place) -> _Connection:
        scheme, host, port, verify, proxied = place
        if scheme == "https":
            connection: _Connection = _TLSConnection(host, port, ssl_context=self._context(verify))
        else:
            connection = _Connection(host, port)
        connection.place = place
        connection.through = self._proxy if proxied else None
        return connection

    def _context(self, verify: bool) -> ssl.SSLContext:
        """The context of all verified connections, or of all others: loading its CA bundle takes 14 ms."""
        with self._lock:
            if verify not in self._contexts:
                self._contexts[verify] = _context(self._ca_file) if verify else _unverified()
            return self._contexts[verify]


class _Connection(HTTPConnection):
    """A connection to an address that was checked for each request that is sent over it."""

    sock: Any
    place: _Place
    through: Target | None
    peer: IPAddress
    admitted_by: Sequence[Allowance]
    wire: Wire
    _came: Callable[[int], Sequence[Any]] | None = None

    def exchange(self, outgoing: Outgoing) -> Answer:
        """Send a request within its budget, and read the head of what comes back.

        Raises HttpError where its policy has not the address that is connected to.
        """
        self.wire = wire = outgoing.wire
        if self.through is not None:
            require_public(self.host, self.port, wire)
        if self.sock is None:
            self.connect()
        else:
            wire.reused = True
            if self.through is None and wire.allowances != self.admitted_by:
                wire.require_allowed(self.host, self.port, self.peer)
                self.admitted_by = wire.allowances
            self.sock.wire = wire
        # Who hangs up on a long body may have said why.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.sock.sendall(outgoing.message(self.spoken_to))
        answer = Answer(self.sock, str(outgoing.method))
        answer.begin()
        if self.spoken_to is not None:
            require_consent(answer.status, self.spoken_to)
        return answer

    def is_quiet(self) -> bool:
        """Whether it still stands, and nothing has come over it that nobody asked for."""
        if self.sock is None:
            return False
        if self._came is None:
            self._came = _watch(self.sock)
        return not self._came(0)

    @property
    def spoken_to(self) -> Target | None:
        """The proxy that reads the requests and passes them on, if there is one."""
        return self.through

    def _new_conn(self) -> WireSocket:
        if self.through is not None:
            return reach(self.through, self.wire)
        sock, self.peer = connect(self._dns_host, self.port, self.wire)
        self.admitted_by = self.wire.allowances
        return sock


class _TLSConnection(_Connection, HTTPSConnection):
    @property
    def spoken_to(self) -> None:
        """Nobody: a proxy passes on what it cannot read."""

    def is_quiet(self) -> bool:
        """As of any connection; what TLS has taken from the socket and not given out yet has come, too."""
        return super().is_quiet() and not self.sock.pending()

    def _new_conn(self) -> WireSocket:
        sock = super()._new_conn()
        if self.through is not None:
            try:
                tunnel(sock, self.through, self.host, self.port)
            except BaseException:
                sock.close()
                raise
        return sock

    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLError as error:
            raise _tls_error(self.host, error) from error
        self.sock.wire = self.wire


def _watch(sock: Any) -> Callable[[int], Sequence[Any]]:
    """What tells, within so many milliseconds, whether there is something to be read of a socket, or its end."""
    if not hasattr(select, "poll"):  # on Windows
        return lambda milliseconds: select.select([sock], [], [], milliseconds / 1000)[0]
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return poll.poll


def _context(ca_file: Path | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = WireTLSSocket
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    if ca_file is not None:
        try:
            context.load_verify_locations(ca_file)
        except (OSError, ValueError) as error:
            reason = "holds no certificates" if isinstance(error, ssl.SSLError) else "cannot be read"
            raise HttpError(f"the ca_file {ca_file} {reason}") from error
    return context


def _unverified() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sslsocket_class = WireTLSSocket
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _tls_error(host: str, error: ssl.SSLError) -> HttpError:
    if not isinstance(error, ssl.SSLCertVerificationError):
        if error.reason == "WRONG_VERSION_NUMBER":
            return HttpError(f"{host} does not speak TLS on this port", "is its address http:// instead?")
        reason = (error.reason or "the handshake failed").replace("_", " ").lower()
        return HttpError(f"no TLS connection to {host} comes about: {reason}")
    if error.verify_code in _EXPIRED:
        return HttpError(f"the TLS certificate of {host} has expired or is not valid yet", "tell its owner")
    if error.verify_code in _WRONG_HOST:
        return HttpError(f"the TLS certificate of {host} is made out to another name", "check the address")
    if error.verify_code in _UNKNOWN_ISSUER:
        hint = "set ca_file to its issuer's certificate, or verify_tls = false if it is yours"
        return HttpError(f"the TLS certificate of {host} is self-signed or by an unknown issuer", hint)
    return HttpError(f"the TLS certificate of {host} is not valid: {error.verify_message}")
