from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.http.answer import Answer
from feedbot.http.client import Client
from tests.http.asking import failure, get

TOKENS = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=12).filter(
    lambda name: name not in ("connection", "content-length", "transfer-encoding", "cache-control", "link")
)
VALUES = st.text([chr(n) for n in (*range(0x20, 0x7F), *range(0xA0, 0x100))], max_size=30).map(lambda v: v.strip(" "))


def answered(head: bytes, body: bytes = b"", method: str = "GET") -> Answer:
    """What is read of these bytes, which end there."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(head + b"\r\n\r\n" + body)
        theirs.shutdown(socket.SHUT_WR)
        answer = Answer(ours, method)
        answer.begin()
        return answer


@contextmanager
def talking(*answers: bytes) -> Iterator[tuple[int, list[int]]]:
    """A server that gives these answers one after another over kept connections; its port, and who asked each."""
    server = socket.create_server(("127.0.0.1", 0))
    left, asked = list(answers), list[int]()

    def serve(peer: socket.socket, number: int) -> None:
        with peer:
            while left and peer.recv(65536):
                asked.append(number)
                peer.sendall(left.pop(0))

    def accept() -> None:
        for number in range(len(answers)):
            try:
                peer, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(peer, number), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server.getsockname()[1], asked
    finally:
        server.close()


def test_a_line_that_is_no_header_hides_none_of_those_behind_it() -> None:
    answer = answered(b"HTTP/1.1 200 OK\r\nno header\r\n: nameless\r\nETag : x\r\nContent-Length: 4", b"abcd")
    assert answer.fields == {"etag": "x", "content-length": "4"}
    assert answer.length == 4


def test_what_comes_before_the_answer_is_passed_over() -> None:
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
    answer = answered(early + b"HTTP/1.1 200 OK\r\nContent-Length: 4", b"abcd")
    assert (answer.status, answer.fields, answer.read_body(9)) == (200, {"content-length": "4"}, b"abcd")


def test_a_folded_header_is_one() -> None:
    answer = answered(b"HTTP/1.1 200 OK\r\n of nobody\r\nX-A: one\r\n\t two\r\n  three\r\nX-B:")
    assert answer.fields == {"x-a": "one two three", "x-b": ""}


def test_the_last_of_a_repeated_header_counts_and_lists_are_joined() -> None:
    head = b"HTTP/1.1 200 OK\r\nDate: a\r\nCache-Control: no-cache\r\nDATE: b\r\ncache-control: private"
    assert answered(head).fields == {"date": "b", "cache-control": "no-cache, private"}


@given(st.dictionaries(TOKENS, VALUES, max_size=20))
def test_headers_are_read_as_they_were_sent(fields: dict[str, str]) -> None:
    lines = "".join(f"\r\n{name.title()}: {value}" for name, value in fields.items())
    assert answered(b"HTTP/1.1 200 OK" + lines.encode("latin-1")).fields == {
        name: value.strip(" \t") for name, value in fields.items()
    }


@pytest.mark.parametrize(
    ("head", "method"),
    [
        (b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked", "GET"),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9", "GET"),
        (b"HTTP/1.1 204 No Content", "POST"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9", "HEAD"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "HEAD"),
        (b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 9", "HEAD"),
    ],
)
def test_what_has_no_body_is_at_its_end_at_once(head: bytes, method: str) -> None:
    answer = answered(head, method=method)
    assert answer.reusable
    assert answer.read_body(10) == b""


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 304 Not Modified\r\nConnection: x, Close",
        b"HTTP/1.0 304 Not Modified",
        b"HTTP/1.1 101 Switching Protocols",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\nContent-Length: nine",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked",
    ],
)
def test_a_connection_is_not_kept_where_it_may_not_be(head: bytes) -> None:
    assert answered(head).will_close


@pytest.mark.parametrize("lengths", [b"1\r\nContent-Length: 2", b"1, 2", b"-1, 1", b"9" * 5000])
def test_lengths_that_are_none_are_refused(lengths: bytes) -> None:
    with pytest.raises((HTTPException, ValueError)):
        answered(b"HTTP/1.1 200 OK\r\nContent-Length: " + lengths)


def test_a_length_that_is_said_twice_is_one() -> None:
    assert answered(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3").length == 3


@given(st.lists(st.binary(min_size=1, max_size=20)), st.sampled_from([1, 3, 64]), st.booleans())
def test_a_body_in_chunks_is_read_as_it_was_sent(pieces: list[bytes], amount: int, trailers: bool) -> None:
    chunks = b"".join(b"%x;name=value\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    last = b"0\r\nX-Sum: 1\r\n\r\n" if trailers else b"0\r\n\r\n"
    answer = answered(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", chunks + last)
    assert b"".join(iter(lambda: answer.read_body(amount), b"")) == b"".join(pieces)
    assert answer.reusable


def test_a_field_behind_the_body_has_an_end_soon() -> None:
    endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"
    with talking(endless) as (port, _):
        client = Client(user_agent="t", timeout=2, allow_private=("127.0.0.1",))
        assert "more headers than can be read" in failure(client, f"http://127.0.0.1:{port}/").message


def test_a_connection_over_which_more_came_than_was_framed_is_not_kept() -> None:
    answer = answered(b"HTTP/1.1 200 OK\r\nContent-Length: 2", b"okHTTP/1.1 200 OK\r\n")
    assert answer.read_body(9) == b"ok"
    assert answer.ended
    assert not answer.reusable


def test_what_a_server_sends_beyond_an_answer_is_not_taken_for_the_next() -> None:
    late = b"HTTP/1.1 304 Not Modified\r\n\r\nan unwanted body"
    fine = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with talking(late, fine, fine) as (port, _):
        client = Client(user_agent="t", timeout=2, allow_private=("127.0.0.1",))
        assert get(client, f"http://127.0.0.1:{port}/").status == 304
        assert get(client, f"http://127.0.0.1:{port}/").body == b"ok"
        client.close()


def test_idle_connections_are_bounded_and_those_used_of_late_are_kept() -> None:
    fine = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with talking(fine, fine, fine) as (one, at_one), talking(fine, fine, fine) as (other, at_other):
        client = Client(user_agent="t", timeout=2, allow_private=("127.0.0.1",), connections=1)
        for port in (one, one, other, other, one):
            assert get(client, f"http://127.0.0.1:{port}/").body == b"ok"
        client.close()
    assert (at_one, at_other) == ([0, 0, 1], [0, 0])


def test_a_closed_client_keeps_no_connection() -> None:
    fine = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with talking(fine, fine) as (port, asked):
        client = Client(user_agent="t", timeout=2, allow_private=("127.0.0.1",))
        client.close()
        for _ in range(2):
            assert get(client, f"http://127.0.0.1:{port}/").body == b"ok"
    assert asked == [0, 1]
