from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.http.client import Client, retry_at
from feedbot.model import Validators
from tests.http.asking import NOW, failure, get
from tests.support.web import Answer, Asked, WebServer


@pytest.fixture
def client(web: WebServer) -> Iterator[Client]:
    client = Client(user_agent="feedbot (+https://example.org/)", timeout=5, allow_private=(web.address,))
    yield client
    client.close()


def raw(*parts: bytes, then: Callable[[], object] = lambda: None) -> Answer:
    def write(handler: BaseHTTPRequestHandler) -> None:
        for part in parts:
            handler.wfile.write(part)
        then()

    return Answer(raw=write)


def test_an_answer_is_handed_over_whole(web: WebServer, client: Client) -> None:
    web.answers["/feed?a=b"] = Answer(200, b"<rss/>", {"Content-Type": "text/xml", "X-Two": "1"})
    answer = get(client, web.url("/feed?a=b#part"))
    assert (answer.status, answer.body, answer.url) == (200, b"<rss/>", web.url("/feed?a=b"))
    assert answer.headers["content-type"] == "text/xml"
    assert (answer.moved_to, answer.retry_at) == ("", None)


def test_it_says_who_asks_and_nothing_it_was_not_told_to_say(
    web: WebServer, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password secret\n")
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    monkeypatch.setenv("NETRC", str(netrc))
    web.answers["/"] = Answer(200, b"x", {"Set-Cookie": "seen=1; Path=/"})
    get(client, web.url())
    get(client, web.url(), headers={"accept": "application/rss+xml"})
    assert [set(asked.headers) for asked in web.asked] == [{"host", "user-agent", "accept", "accept-encoding"}] * 2
    assert web.asked[0].headers["user-agent"] == "feedbot (+https://example.org/)"
    assert web.asked[0].headers["accept-encoding"] == "gzip"
    assert web.asked[1].headers["accept"] == "application/rss+xml"


def test_gzip_is_decoded_and_an_empty_answer_is_an_empty_body(web: WebServer, client: Client) -> None:
    web.answers["/packed"] = Answer(200, gzip.compress(b"<rss/>"), {"Content-Encoding": "gzip"})
    web.answers["/empty"] = Answer(200, b"", {"Content-Encoding": "gzip"})
    web.answers["/gone"] = Answer(204)
    assert get(client, web.url("/packed")).body == b"<rss/>"
    assert get(client, web.url("/empty")).body == b""
    assert get(client, web.url("/gone")).status == 204


def test_a_connection_is_used_again_whatever_was_answered(web: WebServer, client: Client) -> None:
    ports = set()

    def note(handler: BaseHTTPRequestHandler) -> None:
        ports.add(handler.client_address[1])
        handler.close_connection = False
        status = {"/304": "304 Not Modified", "/404": "404 Not Found"}.get(handler.path, "200 OK")
        length = b"" if handler.path == "/304" else b"Content-Length: 2\r\n"
        body = b"" if handler.path == "/304" or handler.command == "HEAD" else b"ok"
        handler.wfile.write(f"HTTP/1.1 {status}\r\n".encode() + length + b"\r\n" + body)

    for path in ("/200", "/304", "/404"):
        web.answers[path] = Answer(raw=note)
        get(client, web.url(path))
        get(client, web.url(path), method="HEAD")
        get(client, web.url(path), method="POST", body=b"{}")
    assert len(web.asked) == 9
    assert len(ports) == 1


def test_many_threads_share_a_client(web: WebServer, client: Client) -> None:
    for number in range(16):
        web.serve(f"/{number}", f"body {number} " * 5000)
    wrong: list[object] = []

    def poll(number: int) -> None:
        for _ in range(20):
            body = get(client, web.url(f"/{number}")).body
            if body != f"body {number} ".encode() * 5000:
                wrong.append(body)

    threads = [threading.Thread(target=poll, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_validators_are_sent_back_as_they_came(web: WebServer, client: Client) -> None:
    etag = 'W/"odd, \xe9 \\" one"'
    web.answers["/"] = Answer(200, b"x", {"ETag": etag, "Last-Modified": "whenever"})
    first = get(client, web.url())
    assert first.validators == Validators(etag, "whenever")
    get(client, web.url(), validators=first.validators)
    assert web.asked[1].headers["if-none-match"] == etag
    assert web.asked[1].headers["if-modified-since"] == "whenever"


def test_a_304_keeps_the_validators_and_renews_those_it_brings(web: WebServer, client: Client) -> None:
    known = Validators('"old"', "Mon, 04 May 2026 10:00:00 GMT")
    web.answers["/same"] = Answer(304)
    web.answers["/renewed"] = Answer(304, headers={"ETag": '"new"'})
    web.answers["/error"] = Answer(500, b"", {"ETag": '"page"'})
    assert get(client, web.url("/same"), validators=known).validators == known
    assert get(client, web.url("/renewed"), validators=known).validators == Validators('"new"', known.last_modified)
    assert get(client, web.url("/error"), validators=known).validators == Validators()


@pytest.mark.parametrize("etag", ['"a\r\nX-Evil: 1"', '"\x00"', '"\u20ac"', '"\x7f"', "x" * 2000])
def test_validators_that_a_header_cannot_carry_are_not_sent(web: WebServer, client: Client, etag: str) -> None:
    web.answers["/"] = Answer(200, b"x")
    assert get(client, web.url(), validators=Validators(etag, etag)).status == 200
    assert not {"if-none-match", "if-modified-since", "x-evil"} & set(web.asked[0].headers)


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-A", "1\r\nX-Evil: 1"), ("X-A", "1\nb"), ("X-A\r\nX-Evil", "1"), ("X A", "1"), ("", "1"), ("X-A", "\u20ac")],
)
@pytest.mark.parametrize("kind", ["headers", "secret_headers"])
def test_no_header_can_be_smuggled_in(web: WebServer, client: Client, name: str, value: str, kind: str) -> None:
    error = failure(client, web.url(), **{kind: {name: value}})
    assert error.forbidden
    assert not web.asked


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "Connection", "Accept-Encoding"])
def test_headers_that_frame_the_message_are_not_for_callers(web: WebServer, client: Client, name: str) -> None:
    assert failure(client, web.url(), headers={name: "x"}).forbidden


def test_a_user_agent_that_is_no_header_is_an_http_error(web: WebServer) -> None:
    assert failure(Client(user_agent="a\nb", allow_private=(web.address,)), web.url()).forbidden


def test_credentials_of_the_address_are_sent_and_appear_nowhere(web: WebServer, client: Client) -> None:
    web.answers["/"] = Answer(200, b"x")
    answer = get(client, f"http://me:pass%3Aword@{web.address}/")
    assert web.asked[0].headers["authorization"] == "Basic bWU6cGFzczp3b3Jk"
    assert answer.url == web.url()
    get(client, f"http://me:pw@{web.address}/", secret_headers={"authorization": "Bearer t"})
    assert web.asked[1].headers["authorization"] == "Bearer t"


def test_a_post_carries_its_body_and_gets_what_the_receiver_says(web: WebServer, client: Client) -> None:
    web.answers["/hook"] = lambda asked: Answer(422, b"no: " + asked.body)
    answer = get(client, web.url("/hook"), method="POST", body=b"{}", headers={"Content-Type": "application/json"})
    assert (answer.status, answer.body) == (422, b"no: {}")
    assert web.asked[0].headers["content-length"] == "2"
    get(client, web.url("/hook"), method="POST")
    assert web.asked[1].headers["content-length"] == "0"


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503, b"e" * 300_000),
        Answer(503, b"e" * 300, {"Content-Encoding": "br"}),
        Answer(503, b"e" * 300, {"Content-Encoding": "gzip"}),
        Answer(503, gzip.compress(b"e" * 5_000_000), {"Content-Encoding": "gzip"}),
        raw(b"HTTP/1.1 503 No\r\nContent-Length: 500\r\n\r\neee"),
        raw(b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ],
)
def test_the_body_of_an_error_is_never_a_reason_to_fail(web: WebServer, client: Client, answer: Answer) -> None:
    web.answers["/"] = answer
    got = get(client, web.url())
    assert got.status == 503
    assert len(got.body) <= 65536


def test_a_webhook_that_said_yes_has_said_yes(web: WebServer, client: Client) -> None:
    web.answers["/"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf")
    assert get(client, web.url(), method="POST", body=b"{}").status == 200


def closing_server(web: WebServer, times: int, method: str) -> list[str]:
    """Answers the first request of a connection and hangs up on the second, without an answer, some times."""
    log: list[str] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        if log.count("hung up") < times and log:
            log.append("hung up")
            return
        log.append("answered")
        handler.close_connection = False
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    web.answers["/"] = Answer(raw=answer)
    return log


def test_a_kept_connection_that_the_server_closed_is_replaced_once(web: WebServer, client: Client) -> None:
    log = closing_server(web, 1, "GET")
    assert get(client, web.url()).body == b"ok"
    assert get(client, web.url()).body == b"ok"
    assert log == ["answered", "hung up", "answered"]


def test_it_is_not_replaced_twice(web: WebServer, client: Client) -> None:
    log = closing_server(web, 9, "GET")
    get(client, web.url())
    assert "closed the connection without an answer" in failure(client, web.url()).message
    assert log == ["answered", "hung up", "hung up"]


def test_a_post_is_not_repeated_on_its_own(web: WebServer, client: Client) -> None:
    log = closing_server(web, 1, "POST")
    get(client, web.url(), method="POST", body=b"1")
    failure(client, web.url(), method="POST", body=b"2")
    assert log == ["answered", "hung up"]


def test_a_connection_found_closed_is_replaced_for_a_post_too(web: WebServer, client: Client) -> None:
    closed = threading.Event()
    web.answers["/"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", then=closed.set)
    for _ in range(3):
        assert get(client, web.url(), method="POST", body=b"1").body == b"ok"
        assert closed.wait(1)
        threading.Event().wait(0.05)  # the end of file has to arrive


@pytest.mark.parametrize("spelling", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1",
                                      "localhost", "localhost.", "LOCALHOST", "[::ffff:127.0.0.1]", "0.0.0.0",
                                      "127.0.0.2"])  # fmt: skip
def test_no_spelling_of_loopback_is_asked_unless_listed(web: WebServer, spelling: str) -> None:
    port = web.address.split(":")[1]
    error = failure(Client(user_agent="t", timeout=2), f"http://{spelling}:{port}/")
    assert not web.asked
    if "cannot be found" in error.message:  # not every resolver takes the oddest for addresses
        assert spelling not in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "127.0.0.2")
        return
    assert error.forbidden
    assert "private address" in error.message
    assert "allow_private = [" in error.hint


def test_the_entry_that_an_error_proposes_helps(web: WebServer) -> None:
    client = Client(user_agent="t", timeout=2)
    for spelling in ("127.0.0.1", "127.1", "localhost", "[::ffff:127.0.0.1]"):
        url = web.url().replace("127.0.0.1", spelling)
        entry = failure(client, url).hint.split('"')[1]
        assert get(client, url, allow_private=(entry,)).status == 404


def test_a_kept_connection_is_checked_against_each_request(web: WebServer) -> None:
    client = Client(user_agent="t", timeout=2)
    web.serve("/", "x")
    assert get(client, web.url(), allow_private=(web.address,)).status == 200
    assert failure(client, web.url()).forbidden
    assert get(client, web.url(), allow_private=("127.0.0.0/8",)).status == 200
    assert len(web.asked) == 2


def test_one_private_answer_of_the_name_server_refuses_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(2, 1, 6, "", ("93.184.216.34", 80)), (2, 1, 6, "", ("127.0.0.1", 80))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answers)
    error = failure(Client(user_agent="t", timeout=1), "http://rebound.example/")
    assert error.forbidden
    assert error.message == "rebound.example:80 leads to 127.0.0.1, a private address"


def test_the_next_address_is_tried_where_one_refuses(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(web.address.split(":")[1])
    answers = [(10, 1, 6, "", ("::1", port, 0, 0)), (2, 1, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: answers)
    client = Client(user_agent="t", timeout=2, allow_private=(f"two.example:{port}",))
    web.serve("/", "x")
    assert get(client, f"http://two.example:{port}/").body == b"x"
    assert web.asked[0].headers["host"] == f"two.example:{port}"


def test_an_entry_that_is_none_is_said_to_be_so(web: WebServer) -> None:
    with pytest.raises(ValueError, match="URL"):
        Client(user_agent="t", allow_private=("http://127.0.0.1",))
    error = failure(Client(user_agent="t"), web.url(), allow_private=("127.1",))
    assert error.message.startswith("allow_private: '127.1' is no whole address")


def test_failures_are_told_without_query_and_credentials(web: WebServer, client: Client) -> None:
    web.answers["/feed?key=secret"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
    error = failure(client, f"http://me:secret@{web.address}/feed?key=secret")
    assert str(error).startswith(f"{web.address}/feed: the answer was cut off")
    assert "secret" not in str(error)
    web.answers["/services/secret"] = raw(b"")
    error = failure(client, web.url("/services/secret"), method="POST", body=b"1")
    assert error.message == f"{web.address} closed the connection without an answer"
    assert "secret" not in str(failure(client, "http://hooks.example/services/se cret", method="POST"))


def test_nothing_secret_is_logged(web: WebServer, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    web.answers["/x?key=secret"] = raw(b"HTTP/1.1 200 OK\r\nno colon\r\nX: y\r\n\r\nbody")
    assert get(client, web.url("/x?key=secret")).status == 200
    assert not caplog.records


def test_a_name_that_nobody_has_and_a_port_that_nobody_listens_on(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(user_agent="t", timeout=5, allow_private=("127.0.0.1",))
    error = failure(client, "http://blog.invalid/")
    assert error.message.startswith("blog.invalid cannot be found")
    assert not error.forbidden
    assert failure(client, "http://127.0.0.1:1/").message == "127.0.0.1:1 refused the connection"


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        (" 5 ", 5),
        ("99999999999999999999", 86400),
        ("90000", 86400),
        ("Mon, 04 May 2026 12:10:00 GMT", 600),
        ("Monday, 04-May-26 12:10:00 GMT", 600),
        ("Mon May  4 12:10:00 2026", 600),
        ("Mon, 04 May 2026 14:10:00 +0200", 600),
        ("Mon, 04 May 2020 12:10:00 GMT", 0),
        ("Mon, 04 May 2099 12:10:00 GMT", 86400),
    ],
)
def test_retry_after_is_read_in_either_form_and_kept_within_a_day(value: str, seconds: int) -> None:
    assert retry_at(value, NOW) == NOW + timedelta(seconds=seconds)


@given(st.text(max_size=60))
def test_any_retry_after_is_a_moment_within_a_day_or_none(value: str) -> None:
    moment = retry_at(value, NOW)
    assert moment is None or NOW <= moment <= NOW + timedelta(hours=24)


def test_retry_after_comes_with_the_answer(web: WebServer, client: Client) -> None:
    web.answers["/"] = Answer(429, b"slow down", {"Retry-After": "60"})
    assert get(client, web.url()).retry_at == NOW + timedelta(minutes=1)


def test_cookies_are_not_kept_between_requests(web: WebServer, client: Client) -> None:
    def answer(asked: Asked) -> Answer:
        return Answer(302 if asked.path == "/" else 200, b"", {"Set-Cookie": "a=b; Path=/", "Location": "/next"})

    web.answers["/"] = web.answers["/next"] = answer
    get(client, web.url())
    get(client, web.url())
    assert not any("cookie" in asked.headers or "referer" in asked.headers for asked in web.asked)
