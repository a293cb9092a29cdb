from __future__ import annotations

import gzip
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from feedbot.http import HttpError
from feedbot.http.client import Client
from tests.http.asking import failure, get
from tests.support.examples import examples
from tests.support.web import Answer, WebServer, web_server

DEADLINE = 0.5


@pytest.fixture
def client(web: WebServer) -> Iterator[Client]:
    client = Client(
        user_agent="t", timeout=DEADLINE, max_bytes=100_000, max_decoded=1_000_000, allow_private=(web.address,)
    )
    yield client
    client.close()


def raw(*parts: bytes) -> Answer:
    def write(handler: BaseHTTPRequestHandler) -> None:
        for part in parts:
            handler.wfile.write(part)

    return Answer(raw=write)


def dripping(head: bytes, drop: bytes, pause: float = 0.05) -> Answer:
    """Sends ``head``, then a drop at a time until nobody listens."""

    def write(handler: BaseHTTPRequestHandler) -> None:
        try:
            handler.wfile.write(head)
            for _ in range(200):
                time.sleep(pause)
                handler.wfile.write(drop)
        except OSError:
            pass

    return Answer(raw=write)


@contextmanager
def in_time(deadline: float = DEADLINE) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert deadline * 0.9 < time.monotonic() - started < deadline + 1


@pytest.mark.parametrize(
    "answer",
    [
        dripping(b"", b""),
        dripping(b"H", b""),
        dripping(b"HTTP/1.1 200 OK\r\n", b"X"),
        dripping(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    ],
)
def test_no_slow_answer_escapes_the_deadline(web: WebServer, client: Client, answer: Answer) -> None:
    web.answers["/"] = answer
    with in_time():
        error = failure(client, web.url())
    assert error.message == f"{web.address}/ gave no complete answer within 0.5 s"


def test_redirects_share_one_deadline(web: WebServer, client: Client) -> None:
    def slow(number: int) -> Callable[[BaseHTTPRequestHandler], None]:
        def write(handler: BaseHTTPRequestHandler) -> None:
            time.sleep(0.2)
            handler.wfile.write(f"HTTP/1.1 302 Found\r\nLocation: /{number + 1}\r\n\r\n".encode())

        return write

    for number in range(9):
        web.answers[f"/{number}"] = Answer(raw=slow(number))
    with in_time():
        assert "no complete answer within 0.5 s" in failure(client, web.url("/0")).message


def test_the_time_limit_of_a_request_comes_before_that_of_the_client(web: WebServer, client: Client) -> None:
    web.answers["/"] = dripping(b"", b"")
    with in_time(0.2):
        assert "within 0.2 s" in failure(client, web.url(), timeout=0.2).message


def test_a_slow_error_page_does_not_hide_the_status(web: WebServer, client: Client) -> None:
    web.answers["/"] = dripping(b"HTTP/1.1 503 No\r\nRetry-After: 9\r\n\r\n", b"x")
    with in_time():
        assert get(client, web.url()).status == 503
    web.answers["/"] = dripping(b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwhy", b"")
    assert get(client, web.url(), timeout=0.2).body == b"why"


def test_a_name_server_that_hangs_does_not_escape_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: release.wait(5) and [])
    with in_time():
        error = failure(Client(user_agent="t", timeout=DEADLINE), "http://blog.example/")
    release.set()
    assert error.message == "blog.example/ gave no complete answer within 0.5 s"


@pytest.fixture
def mute() -> Iterator[int]:
    """A port that accepts into its backlog and never reads nor writes."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as server:
        yield server.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_never_speaks_does_not_escape_the_deadline(mute: int, scheme: str) -> None:
    client = Client(user_agent="t", timeout=DEADLINE, allow_private=("127.0.0.1",))
    with in_time():
        assert "no complete answer" in failure(client, f"{scheme}://127.0.0.1:{mute}/").message


def test_a_server_that_does_not_read_a_body_does_not_escape_the_deadline(mute: int) -> None:
    client = Client(user_agent="t", timeout=DEADLINE, allow_private=("127.0.0.1",))
    with in_time():
        error = failure(client, f"http://127.0.0.1:{mute}/", method="POST", body=b"x" * 50_000_000)
    assert error.message == f"127.0.0.1:{mute} gave no complete answer within 0.5 s"


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(web.address.split(":")[1])
    full = socket.create_server(("127.0.0.9", port), backlog=0)
    waiting = [socket.socket() for _ in range(3)]
    for sock in waiting:
        sock.setblocking(False)
        sock.connect_ex(("127.0.0.9", port))
    answers = [(2, 1, 6, "", ("127.0.0.9", port)), (2, 1, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answers)
    web.serve("/", "x")
    try:
        client = Client(user_agent="t", timeout=DEADLINE, allow_private=("127.0.0.0/8",))
        assert get(client, f"http://two.example:{port}/").body == b"x"
    finally:
        for sock in (full, *waiting):
            sock.close()


def too_many_headers(count: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % n for n in range(count)) + b"Content-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (raw(), "closed the connection without an answer"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"), "cut off"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Type: te"), "cut off"),
        (raw(b"HTTP/1.1 304 Not Modified\r\n"), "cut off"),
        (raw(b"HTTP/1.1 200"), "cut off"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), "cut off"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"), "cut off"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n"), "cut off"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n"), "not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\nab\r\n0\r\n\r\n"), "not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n"), "not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n"), "not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"x" * 999)[:-9]), "cut off"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n<rss/>"), "not the gzip it claims to be"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\nx"), "not asked for"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "not HTTP"),
        (raw(b"<html>old server</html>"), "not HTTP"),
        (raw(b"HTTP/1.1 abc OK\r\n\r\n"), "not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), "not HTTP"),
        (raw(too_many_headers(150)), "more headers than can be read"),
        (raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n"), "more headers than can be read"),
        (raw(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"), "cut off"),
        (raw(b"HTTP/1.1 102 Processing\r\n\r\n" * 20 + b"HTTP/1.1 200 OK\r\n\r\n"), "more headers than can be read"),
        (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"Content-Encoding: gzip\r\n" * 2 + b"\r\nx"), "not asked for (gzip, gzip)"),
        (raw(b"HTTP/1.1 101 Switching Protocols\r\n\r\n"), "not final"),
    ],
)  # fmt: skip
def test_a_broken_answer_is_an_error_in_words(web: WebServer, client: Client, answer: Answer, words: str) -> None:
    web.answers["/"] = answer
    error = failure(client, web.url("/"))
    assert words in error.message
    assert error.message.startswith(f"{web.address}/")


def test_bodies_of_any_framing_are_read_up_to_the_cap_and_no_further(web: WebServer, client: Client) -> None:
    fits, above = b"x" * 100_000, b"x" * 100_001
    for name, head, frame in (
        ("length", b"Content-Length: %d\r\n", lambda body: body),
        ("close", b"", lambda body: body),
        ("chunked", b"Transfer-Encoding: chunked\r\n", lambda body: b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)),
    ):
        for body in (fits, above):
            fields = head % len(body) if b"%" in head else head
            web.answers[f"/{name}{len(body)}"] = raw(b"HTTP/1.1 200 OK\r\n" + fields + b"\r\n" + frame(body))
        assert get(client, web.url(f"/{name}100000")).body == fits
        error = failure(client, web.url(f"/{name}100001"))
        assert error.message == f"{web.address}/{name}100001 sent more than 100KB"
        assert "max_bytes" in error.hint


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + b"x" * 2_000_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 300_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 300_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + b"y" * 2_000_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 50_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500_000,
    ],
)
def test_what_is_no_body_has_an_end_too(web: WebServer, endless: bytes) -> None:
    client = Client(user_agent="t", timeout=5, max_bytes=100_000, allow_private=(web.address,))
    web.answers["/"] = raw(endless)
    started = time.monotonic()
    failure(client, web.url())
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_bomb_costs_no_more_memory_than_the_cap(
    web: WebServer, client: Client, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(b"0" * 50_000_000)
    coding = "gzip" if pack is gzip.compress else "deflate"
    web.answers["/"] = Answer(200, packed, {"Content-Encoding": coding})
    tracemalloc.start()
    try:
        error = failure(client, web.url(), timeout=5)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "more than 1MB once decoded" in error.message
    assert peak < 6_000_000


@pytest.fixture(scope="module")
def hostile() -> Iterator[tuple[WebServer, Client]]:
    with web_server() as web:
        client = Client(user_agent="t", timeout=1, max_bytes=5000, max_decoded=5000, allow_private=(web.address,))
        yield web, client
        client.close()


FIELDS = st.sampled_from(
    [b"Content-Length: 3", b"Content-Length: -3", b"Content-Length: x", b"Transfer-Encoding: chunked", b"Location: /",
     b"Location: http://[", b"Content-Encoding: gzip", b"Content-Encoding: deflate", b"ETag: \xff\x00", b"no colon",
     b" folded", b": empty", b"Retry-After: -1", b"Retry-After: Mon", b"Set-Cookie: a=b", b"Connection: close"]
)  # fmt: skip


@examples(40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from([b"HTTP/1.1 200 OK", b"HTTP/1.1 302 Found", b"HTTP/1.0 200", b"HTTP/1.1 999 \xff", b"HTTP/2 200 OK",
                     b"HTTP/1.1 304 x", b"HTTP/1.1 500 x", b"ICY 200 OK", b""]),
    st.lists(FIELDS | st.binary(max_size=20), max_size=5),
    st.binary(max_size=50) | st.sampled_from([b"3\r\nabc\r\n0\r\n\r\n", b"abc", gzip.compress(b"abc")]),
    st.sampled_from(["GET", "HEAD", "POST"]),
)  # fmt: skip
def test_whatever_is_answered_is_a_response_or_an_http_error(
    hostile: tuple[WebServer, Client], status: bytes, fields: list[bytes], body: bytes, method: str
) -> None:
    web, client = hostile
    web.answers["/"] = raw(b"\r\n".join([status, *fields]) + b"\r\n\r\n" + body)
    try:
        answer = get(client, web.url(), method=method)
    except HttpError:
        return
    assert len(answer.body) <= 65536


def test_few_large_bodies_are_held_at_once(web: WebServer) -> None:
    web.answers["/"] = Answer(200, gzip.compress(b"0" * 9_000_000), {"Content-Encoding": "gzip"})
    client = Client(user_agent="t", timeout=1, allow_private=(web.address,))
    held = [get(client, web.url()) for _ in range(3)]
    assert "no complete answer" in failure(client, web.url()).message
    held.pop()
    assert len(get(client, web.url()).body) == 9_000_000
    web.answers["/"] = Answer(200, gzip.compress(b"0" * 60_000_000), {"Content-Encoding": "gzip"})
    for _ in range(4):  # what is refused holds no place
        assert "once decoded" in failure(client, web.url()).message
    client.close()
