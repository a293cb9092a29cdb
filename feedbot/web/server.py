"""Runs the HTTP application on a socket, within bounds that slow and greedy clients cannot stretch."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import resource
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from feedbot.errors import UsageError

_MOST = 4000
"""Connections at a time."""
_PATIENCE = 15.0
"""Seconds that a request may take to come in, the first one from the opening of its connection."""
_IDLE = 20
"""Seconds for which a connection is kept for the next request, or for a client to take anything of the last answer."""
_SLOWEST = 60.0
"""Seconds that a client may leave us sitting on more than fits into the buffers of its connection."""
_LONGEST_HEAD = 64 * 1024
"""Bytes that a request may bring before its body, which the parser would keep without end."""
_GRACE = 5

log = logging.getLogger(__name__)


class Server:
    """An HTTP server of one application. Raises UsageError where it cannot listen."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        self._socket = _listen(host, port)
        config = uvicorn.Config(
            app,
            http=_Patient,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            timeout_keep_alive=_IDLE,
            timeout_graceful_shutdown=_GRACE,
        )
        self._server = uvicorn.Server(config)
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
        bound = self._socket.getsockname()
        shown = f"[{bound[0]}]" if ":" in bound[0] else bound[0]
        self.ended = threading.Event()
        self.address = f"http://{shown}:{bound[1]}/"

    def run(self) -> None:
        """Serve until ``stop`` is called, in this thread."""
        _raise_file_limit()
        try:
            asyncio.run(self._server.serve(sockets=[self._socket]))
        finally:
            self._socket.close()
            self.ended.set()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._server.server_state.connections)

    def stop(self) -> None:
        """End: no new request is taken, and those in flight have a few seconds."""
        self._server.should_exit = True

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Serve in a thread of its own as long as the block lasts."""
        thread = threading.Thread(target=self.run, name="web", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join(_GRACE + 2)


class _Patient(HttpToolsProtocol):
    """A connection that must bring its requests in time, not too large, and finds no place among too many."""

    _undecided = 0  # bytes since the last head or piece of a body was whole
    _unsent = 0  # bytes of answers that the client had not taken when it was looked at last

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > _MOST:
            transport.abort()
            return
        self._patience = self.loop.call_later(_PATIENCE, self._too_slow)

    def data_received(self, data: bytes) -> None:
        self._undecided += len(data)
        super().data_received(data)
        if self._undecided > _LONGEST_HEAD and self.transport is not None:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        self._undecided = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._undecided = 0
        super().on_body(body)

    def on_message_begin(self) -> None:
        self._patience.cancel()
        self._patience = self.loop.call_later(_PATIENCE, self._too_slow)
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._patience.cancel()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in ("_patience", "_impatience"):
            if hasattr(self, timer):
                getattr(self, timer).cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._impatience = self.loop.call_later(_SLOWEST, self._too_slow)

    def resume_writing(self) -> None:
        self._impatience.cancel()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close what is idle. That alone would wait for ever for a client that takes nothing of its answer."""
        unsent = self.transport.get_write_buffer_size()
        if not unsent:
            super().timeout_keep_alive_handler()
        elif unsent == self._unsent:
            self._too_slow()
        else:
            self._unsent = unsent
            self.timeout_keep_alive_task = self.loop.call_later(_IDLE, self.timeout_keep_alive_handler)

    def _too_slow(self) -> None:
        if self.transport is not None:
            self.transport.abort()


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address that is listened on."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    try:
        info = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.socket(info[0], socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(info[4])
        listener.listen(512)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot listen on {host}:{port}: {reason}", "choose another --host or --port") from error
    return listener


def _raise_file_limit() -> None:
    """Let as many files be open as the system lets this process: a connection each."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
