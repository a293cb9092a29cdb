"""A real HTTP proxy on loopback, for tests."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class Proxy(ThreadingHTTPServer):
    """A proxy that leads every name to one port of this machine; it wants ``credentials`` if there are some."""

    def __init__(self, port: int, credentials: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = port
        self.credentials = credentials
        self.asked: list[str] = []
        self.address = f"127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_GET(self) -> None:
        if self._is_welcome():
            origin = HTTPConnection("127.0.0.1", self.server.behind)
            path = "/" + self.path.split("/", 3)[3]
            origin.request("GET", path, headers={**self.headers, "Via": "1.1 proxy"})
            answer = origin.getresponse()
            body = answer.read()
            self.send_response(answer.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def do_CONNECT(self) -> None:
        if not self._is_welcome():
            return
        if self.path.startswith("nowhere.example"):
            self.send_error(502)
            return
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.behind)) as origin:
            pair = {self.connection: origin, origin: self.connection}
            while ready := select.select(list(pair), [], [], 5)[0]:
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        self.close_connection = True
                        return
                    pair[one].sendall(data)

    def _is_welcome(self) -> bool:
        self.server.asked.append(f"{self.command} {self.path}")
        if self.headers.get("Proxy-Authorization", "") == self.server.credentials:
            return True
        self.send_response(407)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return False

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def proxy_to(port: int, credentials: str = "") -> Iterator[Proxy]:
    proxy = Proxy(port, credentials)
    thread = Thread(target=proxy.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join(5)
