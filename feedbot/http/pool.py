"""The requests adapter whose connections go to checked addresses and keep to a budget."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from queue import LifoQueue
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.timeout import Timeout

from feedbot.http import HttpError
from feedbot.http.guard import Allowance, IPAddress
from feedbot.http.target import Target
from feedbot.http.wire import Wire, WireSocket, WireTLSSocket, connect

# Codes of OpenSSL's X509_verify_cert_error_string.
_EXPIRED = (9, 10)
_UNKNOWN_ISSUER = (2, 18, 19, 20, 21)
_WRONG_HOST = (62, 64)


class Outgoing(PreparedRequest):
    """A request ready to be sent, with what bounds it; not prepared again by requests, which costs."""

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
        super().__init__()
        self.method = method
        self.url = target.url
        self.headers = dict(headers)  # type: ignore[assignment]  # a plain one does, and costs less
        self.body = body
        self.target = target
        self.wire = wire
        self.verify_tls = verify_tls


class Adapter(HTTPAdapter):
    """Sends requests from any thread over kept connections; all that use TLS share one context.

    Nothing of the environment has a say: no proxies, no netrc, no CA bundle. Cookies are not even read.
    """

    def __init__(self, *, connections: int, ca_file: Path | None) -> None:
        self._ca_file = ca_file
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        super().__init__(pool_connections=connections, pool_maxsize=connections)

    def exchange(self, outgoing: Outgoing) -> Any:
        """Send, and read the head of the answer; the urllib3 response is the caller's to read and close.

        Raises HttpError where no connection comes about or may be made, else what requests raises.
        """
        budget: Any = _Budget(outgoing.wire)
        return self.send(outgoing, stream=True, timeout=budget).raw

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
        super().init_poolmanager(connections, maxsize, block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def get_connection_with_tls_context(self, request: PreparedRequest, *_: Any, **__: Any) -> Any:
        assert isinstance(request, Outgoing)
        target = request.target
        host = f"[{target.host}]" if ":" in target.host else target.host
        tls = {"ssl_context": self._context(request.verify_tls)} if target.scheme == "https" else None
        return self.poolmanager.connection_from_host(host, target.port, target.scheme, tls)

    def request_url(self, request: PreparedRequest, *_: Any) -> str:
        assert isinstance(request, Outgoing)
        return request.target.path

    def cert_verify(self, *_: Any) -> None:
        """Nothing to set on the pool: the shared context knows how to verify."""

    def build_response(self, req: PreparedRequest, resp: Any) -> Response:  # noqa: ARG002
        """Nothing is read of it here; requests would look for cookies too."""
        return _Wrapping(resp)

    def _context(self, verify: bool) -> ssl.SSLContext:
        """The context of all verified connections, or of all others: loading its CA bundle takes 14 ms."""
        with self._lock:
            if verify not in self._contexts:
                self._contexts[verify] = _context(self._ca_file) if verify else _unverified()
            return self._contexts[verify]


class _Wrapping(Response):
    """What requests wants to give back: around urllib3's response, and without parts of its own, which cost."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw


class _Budget(Timeout):
    """Carries the wire through urllib3 to the connection; the sockets themselves do the timing."""

    def __init__(self, wire: Wire) -> None:
        super().__init__(connect=None, read=None)
        self.wire = wire

    def clone(self) -> _Budget:
        return _Budget(self.wire)


class _Head(http.client.HTTPResponse):
    """The head of an answer, which must be whole: http.client takes an end of file for an empty line."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        assert isinstance(sock, WireSocket | WireTLSSocket)
        self._wire = sock.wire
        super().__init__(sock, *args, **kwargs)

    def begin(self) -> None:
        super().begin()
        if self._wire.ended:
            raise http.client.IncompleteRead(b"")
        # urllib3 would log these together with the whole URL.
        self.msg.defects.clear()
        self.msg.set_payload("")


class _Connection(HTTPConnection):
    """A connection to an address that was checked for each request that is sent over it."""

    response_class = _Head
    sock: Any
    wire: Wire
    peer: IPAddress
    admitted_by: Sequence[Allowance]

    def begin(self, wire: Wire) -> None:
        """Take the budget of the next request. Raises HttpError where its policy has not this address."""
        self.wire = wire
        if wire.fresh:
            self.close()
        if self.sock is not None:
            wire.reused = True
            if wire.allowances != self.admitted_by:
                wire.require_allowed(self.host, self.port, self.peer)
                self.admitted_by = wire.allowances
            self.sock.wire = wire

    def _new_conn(self) -> socket.socket:
        sock, self.peer = connect(self._dns_host, self.port, self.wire)
        self.admitted_by = self.wire.allowances
        return sock


class _TLSConnection(_Connection, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except ssl.SSLError as error:
            raise _tls_error(self.host, error) from error
        self.sock.wire = self.wire


class _Shelf(LifoQueue[Any]):
    """The idle connections of a host, without the blanks that urllib3 fills them up with for who wants to block."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        if item is not None:
            super().put(item, block, timeout)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection
    QueueCls = _Shelf

    def _make_request(self, conn: Any, *args: Any, **kwargs: Any) -> Any:
        conn.begin(kwargs["timeout"].wire)
        return super()._make_request(conn, *args, **kwargs)


class _TLSPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TLSConnection

    def _validate_conn(self, conn: Any) -> None:
        """Connect; without urllib3's warning where TLS is not verified: feedbot gives one of its own."""
        if conn.is_closed:
            conn.connect()


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
