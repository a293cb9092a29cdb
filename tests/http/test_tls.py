from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
import trustme

from feedbot.http import HttpError, Request, Response
from feedbot.http.client import Client
from tests.support.web import QuietServer

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path == "/cut":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")
            self.close_connection = True
            return
        if self.path == "/more":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n")
            self.wfile.write(b"bodyHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")
            return
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.end_headers()
            return
        body = f"{self.headers['host']} {self.client_address[1]}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def tls_server(certificate: trustme.LeafCert | None) -> Iterator[int]:
    """The port of a server on loopback that speaks TLS, or plain HTTP without a certificate."""
    with closing(QuietServer(Handler, certificate=certificate)) as server:
        yield server.server_port


@pytest.fixture
def port(authority: trustme.CA) -> Iterator[int]:
    with tls_server(authority.issue_cert("localhost", "127.0.0.1")) as port:
        yield port


def get(client: Client, url: str, **more: Any) -> Response:
    return client.send(Request(url=url, allow_private=("127.0.0.1", "localhost"), **more), NOW)


def failure(client: Client, url: str, **more: Any) -> HttpError:
    with pytest.raises(HttpError) as caught:
        get(client, url, **more)
    return caught.value


def asking(**more: Any) -> Client:
    return Client(user_agent="t", timeout=5, **more)


def test_a_certificate_of_a_listed_authority_is_trusted_and_the_connection_kept(port: int, ca_file: Path) -> None:
    client = asking(ca_file=ca_file)
    first = get(client, f"https://localhost:{port}/")
    assert first.body.startswith(f"localhost:{port} ".encode())
    assert get(client, f"https://localhost:{port}/").body == first.body
    assert get(client, f"https://127.0.0.1:{port}/").status == 200


def test_what_tls_took_in_beyond_an_answer_is_not_taken_for_the_next(port: int, ca_file: Path) -> None:
    client = asking(ca_file=ca_file)
    assert get(client, f"https://localhost:{port}/more").body == b"body"
    assert get(client, f"https://localhost:{port}/").body.startswith(b"localhost")
    client.close()


def test_a_certificate_of_an_unknown_authority_is_refused(
    port: int, monkeypatch: pytest.MonkeyPatch, ca_file: Path
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(ca_file))
    error = failure(asking(), f"https://localhost:{port}/")
    assert error.message == "the TLS certificate of localhost is self-signed or by an unknown issuer"
    assert "ca_file" in error.hint
    assert "verify_tls" in error.hint


def test_verification_is_off_for_the_request_that_says_so_and_no_other(port: int) -> None:
    client = asking()
    assert get(client, f"https://localhost:{port}/", verify_tls=False).status == 200
    failure(client, f"https://localhost:{port}/")
    assert get(client, f"https://localhost:{port}/", verify_tls=False).status == 200


def test_a_certificate_for_another_name_is_refused(authority: trustme.CA, ca_file: Path) -> None:
    with tls_server(authority.issue_cert("blog.example.org")) as port:
        error = failure(asking(ca_file=ca_file), f"https://localhost:{port}/")
    assert error.message == "the TLS certificate of localhost is made out to another name"


def test_an_expired_certificate_is_refused(authority: trustme.CA, ca_file: Path) -> None:
    stale = authority.issue_cert("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    with tls_server(stale) as port:
        error = failure(asking(ca_file=ca_file), f"https://localhost:{port}/")
    assert error.message == "the TLS certificate of localhost has expired or is not valid yet"


def test_a_port_without_tls_is_said_to_be_so() -> None:
    with tls_server(None) as port:
        error = failure(asking(), f"https://localhost:{port}/")
    assert error.message == "localhost does not speak TLS on this port"


def test_a_redirect_never_leads_from_https_to_http(port: int, ca_file: Path) -> None:
    with tls_server(None) as plain:
        client = asking(ca_file=ca_file)
        error = failure(client, f"https://localhost:{port}/to/http://localhost:{plain}/")
        assert error.forbidden
        assert "from https to http" in error.message
        assert get(client, f"http://localhost:{plain}/to/https://localhost:{port}/").status == 200


def test_an_answer_cut_off_inside_tls_is_an_error(port: int, ca_file: Path) -> None:
    assert "cut off" in failure(asking(ca_file=ca_file), f"https://localhost:{port}/cut").message


def test_a_large_body_is_sent_through_tls(port: int, ca_file: Path) -> None:
    body = b"x" * 3_000_000
    assert get(asking(ca_file=ca_file), f"https://localhost:{port}/", method="POST", body=body).status == 200


@pytest.mark.parametrize(("content", "words"), [(None, "cannot be read"), ("no certificate", "holds no certificates")])
def test_a_ca_file_that_is_none_is_said_to_be_so(tmp_path: Path, port: int, content: str | None, words: str) -> None:
    path = tmp_path / "corporate.pem"
    if content is not None:
        path.write_text(content)
    error = failure(asking(ca_file=path), f"https://localhost:{port}/")
    assert error.message == f"the ca_file {path} {words}"


def test_all_connections_share_one_context(port: int, authority: trustme.CA, ca_file: Path) -> None:
    client = asking(ca_file=ca_file)
    loaded: list[object] = []
    load = ssl.SSLContext.load_verify_locations

    def counting(self: ssl.SSLContext, path: Path) -> None:
        loaded.append(path)
        load(self, path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl.SSLContext, "load_verify_locations", counting)
        with tls_server(authority.issue_cert("localhost")) as other:
            get(client, f"https://localhost:{port}/")
            get(client, f"https://127.0.0.1:{port}/")
            get(client, f"https://localhost:{other}/")
    assert len(loaded) == 2  # the usual bundle and ca_file, once each
