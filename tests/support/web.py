"""A real HTTP server on loopback that answers as it is told and remembers what it was asked."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme


@dataclass(frozen=True)
class Asked:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """A response to give. ``raw``: write to the socket by hand instead (headers and all)."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    raw: Callable[[BaseHTTPRequestHandler], object] | None = None


class QuietServer(ThreadingHTTPServer):
    """Serves until it is closed, a thread for each connection, and keeps to itself what goes wrong with them.

    ``listen``: as for WebServer. With a certificate it speaks TLS.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        handler: type[BaseHTTPRequestHandler],
        listen: str = "127.0.0.1",
        certificate: trustme.LeafCert | None = None,
    ) -> None:
        super().__init__((listen, 0), handler)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            certificate.configure_cert(context)
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def handle_error(self, request: object, client_address: object) -> None:
        pass

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(5)


class WebServer:
    """``answers`` maps a path to an Answer, or to a function of the request that gives one. ``listen``: "0.0.0.0" has
    it stand for many hosts of this machine, 127.x.y.z."""

    def __init__(self, listen: str = "127.0.0.1") -> None:
        self.answers: dict[str, Answer | Callable[[Asked], Answer]] = {}
        self.asked: list[Asked] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, self.rfile.read(length))
                server.asked.append(asked)
                answer = server.answers.get(self.path, Answer(404, b"not here"))
                if callable(answer):
                    answer = answer(asked)
                if answer.raw is not None:
                    self.close_connection = True
                    answer.raw(self)
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.status not in (204, 304):
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if answer.status not in (204, 304):
                    self.wfile.write(answer.body)

            do_POST = do_HEAD = do_PUT = do_PATCH = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = QuietServer(Handler, listen)

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def address(self) -> str:
        """host:port, as ``allow_private`` takes it."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.address}{path}"

    def serve(self, path: str, body: bytes | str, content_type: str = "application/xml", **headers: str) -> str:
        """Answer ``path`` with a body and an ETag of it (304 to who has it); returns the address."""
        data = body.encode() if isinstance(body, str) else body
        etag = f'"{hash(data) & 0xFFFFFFFF:x}"'

        def answer(asked: Asked) -> Answer:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            if asked.headers.get("if-none-match") == etag:
                return Answer(304, headers={"ETag": etag})
            return Answer(200, data, {"Content-Type": content_type, "ETag": etag, **named})

        self.answers[path] = answer
        return self.url(path)

    def close(self) -> None:
        self._server.close()


@contextmanager
def web_server(listen: str = "127.0.0.1") -> Iterator[WebServer]:
    server = WebServer(listen)
    try:
        yield server
    finally:
        server.close()
