"""Asking through an HTTP proxy: what it is told, what goes past it, and how its refusals read."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import trustme

from feedbot.http import HttpError
from feedbot.http.client import Client
from tests.http.asking import failure, get
from tests.http.test_tls import tls_server
from tests.support.proxy import Proxy, proxy_to
from tests.support.web import Answer, WebServer


def behind(proxy: Proxy, **more: object) -> Client:
    return Client(user_agent="t", timeout=5, proxy=f"http://{proxy.address}", **more)  # type: ignore[arg-type]


def test_a_name_that_only_the_proxy_knows_is_asked_through_it(web: WebServer) -> None:
    web.answers["/feed?a=b"] = Answer(200, b"<rss/>")
    with proxy_to(web.port) as proxy:
        client = behind(proxy)
        answers = [get(client, "http://blog.example:8080/feed?a=b") for _ in range(2)]

    assert [answer.body for answer in answers] == [b"<rss/>"] * 2
    assert proxy.asked == ["GET http://blog.example:8080/feed?a=b"] * 2
    assert web.asked[0].headers["host"] == "blog.example:8080"


def test_tls_reaches_through_the_proxy_to_the_server_itself(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with tls_server(authority.issue_cert("blog.example")) as port, proxy_to(port) as proxy:
        client = behind(proxy, ca_file=tmp_path / "ca.pem")
        assert get(client, "https://blog.example/").status == 200
        assert get(client, "https://blog.example/other").status == 200
        wrong = failure(client, "https://other.example/")

    assert proxy.asked == ["CONNECT blog.example:443", "CONNECT other.example:443"]  # once for both of the first
    assert wrong.message == "the TLS certificate of other.example is made out to another name"


def test_credentials_of_the_proxy_go_to_it_alone(web: WebServer) -> None:
    web.answers["/"] = Answer(200, b"x")
    with proxy_to(web.port, credentials="Basic bWU6cHc=") as proxy:
        client = Client(user_agent="t", timeout=5, proxy=f"http://me:pw@{proxy.address}")
        assert get(client, "http://blog.example/").status == 200
        unwelcome = [failure(behind(proxy), f"{scheme}://blog.example/") for scheme in ("http", "https")]

    assert {error.message for error in unwelcome} == {f"the proxy {proxy.address} wants other credentials (407)"}
    assert all("pw" not in f"{error}" for error in unwelcome)


def test_what_is_listed_as_private_is_asked_directly(web: WebServer) -> None:
    web.answers["/"] = Answer(200, b"near")
    with proxy_to(web.port) as proxy:
        assert get(behind(proxy, allow_private=(web.address,)), web.url("/")).body == b"near"

    assert proxy.asked == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:{}/", "https://[::1]:{}/", "http://localhost:{}/", "http://10.1.2.3/"]
)
def test_a_private_address_is_refused_before_the_proxy_is_asked(url: str, web: WebServer) -> None:
    with proxy_to(web.port) as proxy:
        error = failure(behind(proxy), url.format(web.port))

    assert error.forbidden
    assert proxy.asked == []


def test_what_the_proxy_cannot_do_is_said_in_words(web: WebServer) -> None:
    with proxy_to(web.port) as proxy:
        refused = failure(behind(proxy), "https://nowhere.example/")
        address = proxy.address
    gone = failure(Client(user_agent="t", timeout=5, proxy=f"http://{address}"), "http://blog.example/")

    assert refused.message == f"the proxy {address} does not connect to nowhere.example:443 (502)"
    assert gone.message == f"the proxy {address} refused the connection"


def test_a_tunnel_that_breaks_down_at_once_is_an_error_in_words() -> None:
    abort = struct.pack("ii", 1, 0)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    with peer:
                        peer.recv(4096)
                        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, abort)

        threading.Thread(target=hang_up, daemon=True).start()
        client = Client(user_agent="t", timeout=5, proxy=f"http://127.0.0.1:{server.getsockname()[1]}")
        errors = [failure(client, "https://blog.example/").message for _ in range(10)]
        server.shutdown(socket.SHUT_RDWR)

    assert all("blog.example" in error or "the proxy" in error for error in errors)


@pytest.mark.parametrize("url", ["https://p.example", "http://p.example/path", "p.example:3128", "socks5://p.example"])
def test_what_is_no_address_of_a_proxy_is_refused(url: str) -> None:
    with pytest.raises(HttpError):
        Client(user_agent="t", proxy=url)
