from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from feedbot.http import HttpError
from feedbot.http.client import Client
from feedbot.model import Validators
from tests.http.asking import failure, get
from tests.support.web import Answer, WebServer, web_server


@pytest.fixture
def other() -> Iterator[WebServer]:
    with web_server() as server:
        yield server


@pytest.fixture
def client(web: WebServer, other: WebServer) -> Iterator[Client]:
    client = Client(user_agent="t", timeout=2, allow_private=(web.address, other.address))
    yield client
    client.close()


def to(location: str, status: int = 302) -> Answer:
    return Answer(status, b"moved", {"Location": location})


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_redirects_are_followed(web: WebServer, client: Client, status: int, method: str) -> None:
    web.answers["/a/"] = to("../b?c#d", status)
    web.answers["/b?c"] = Answer(200, b"" if method == "HEAD" else b"x")
    answer = get(client, web.url("/a/"), method=method)
    assert (answer.status, answer.url) == (200, web.url("/b?c"))
    assert [asked.method for asked in web.asked] == [method, method]


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_other_statuses_are_answers(web: WebServer, client: Client, status: int) -> None:
    web.answers["/"] = to("/b", status)
    assert get(client, web.url()).status == status


@pytest.mark.parametrize("more", [{"method": "POST", "body": b"1"}, {"follow_redirects": False}])
def test_a_redirect_is_the_answer_where_none_is_to_be_followed(
    web: WebServer, client: Client, more: dict[str, Any]
) -> None:
    web.answers["/"] = to("/b", 307)
    answer = get(client, web.url(), **more)
    assert (answer.status, answer.headers["location"], answer.body) == (307, "/b", b"moved")


@pytest.mark.parametrize(
    ("statuses", "moved"),
    [([301], "/1"), ([308, 301], "/2"), ([301, 302], "/1"), ([302, 301], ""), ([307], ""), ([301, 302, 301], "/1")],
)
def test_only_an_unbroken_run_of_permanent_redirects_moves_a_source(
    web: WebServer, client: Client, statuses: list[int], moved: str
) -> None:
    for number, status in enumerate(statuses):
        web.answers[f"/{number}"] = to(f"/{number + 1}", status)
    web.answers[f"/{len(statuses)}"] = Answer(200, b"x")
    assert get(client, web.url("/0")).moved_to == (moved and web.url(moved))


def test_ten_redirects_are_followed_and_no_more(web: WebServer, client: Client) -> None:
    for number in range(12):
        web.answers[f"/{number}"] = to(f"/{number + 1}")
    web.answers["/11"] = Answer(200, b"x")
    assert get(client, web.url("/1")).status == 200
    assert failure(client, web.url("/0")).message == f"{web.address}/0 redirects more than 10 times"


def test_a_circle_is_left_at_once(web: WebServer, client: Client) -> None:
    web.answers["/a"], web.answers["/b"] = to("/b"), to("/a#again")
    assert "in a circle" in failure(client, web.url("/a")).message
    assert len(web.asked) == 2


def test_a_redirect_needs_a_location(web: WebServer, client: Client) -> None:
    web.answers["/"] = Answer(302)
    assert "without saying where to" in failure(client, web.url()).message


def test_secrets_go_to_the_first_origin_only(web: WebServer, other: WebServer, client: Client) -> None:
    web.answers["/"] = to("/same")
    web.answers["/same"] = to(other.url("/x"))
    other.answers["/x"] = to(web.url("/back"))
    web.answers["/back"] = Answer(200, b"x")
    get(
        client,
        f"http://me:pw@{web.address}/",
        headers={"Accept": "a/b", "Cookie": "id=1"},
        secret_headers={"X-Api-Key": "k"},
        validators=Validators('"1"', "then"),
    )
    secret = {"x-api-key", "authorization", "cookie"}
    assert [secret & set(asked.headers) for asked in web.asked] == [secret] * 3
    assert not secret & set(other.asked[0].headers)
    assert other.asked[0].headers["accept"] == "a/b"
    assert other.asked[0].headers["if-none-match"] == '"1"'


def test_a_secret_takes_the_place_of_a_usual_header_for_its_origin_only(
    web: WebServer, other: WebServer, client: Client
) -> None:
    web.answers["/"] = to(other.url("/x"))
    get(client, web.url(), secret_headers={"user-agent": "secret name"})
    assert web.asked[0].headers["user-agent"] == "secret name"
    assert other.asked[0].headers["user-agent"] == "t"


def test_credentials_that_a_redirect_brings_are_not_used(web: WebServer, other: WebServer, client: Client) -> None:
    web.answers["/"] = to(f"http://me:pw@{other.address}/x", 301)
    other.answers["/x"] = Answer(200, b"x")
    assert get(client, web.url()).moved_to == other.url("/x")
    assert "authorization" not in other.asked[0].headers


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "017700000001",
                                  "127.0.0.1.", "localhost", "localhost.", "[::1]", "[::ffff:127.0.0.1]",
                                  "[::ffff:7f00:1]", "[::]", "0", "0.0.0.0", "127.0.0.2", "１２７.0.0.1",
                                  "me@127.0.0.1", "169.254.169.254", "[64:ff9b::7f00:1]"])  # fmt: skip
def test_a_redirect_leads_to_no_private_address(web: WebServer, other: WebServer, host: str) -> None:
    client = Client(user_agent="t", timeout=2, allow_private=(web.address,))
    port = other.address.split(":")[1]
    web.answers["/"] = to(f"http://{host}:{port}/".encode().decode("latin-1"))
    error = failure(client, web.url())
    # A resolver may not know the oddest spellings as addresses: then nobody is asked either.
    assert error.forbidden or "cannot be found" in error.message
    assert error.message.startswith(f"{web.address}/ redirects, but ")
    assert not other.asked


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://example.org/", "javascript:x", "http://[x"])
def test_a_redirect_leads_to_http_only(web: WebServer, client: Client, location: str) -> None:
    web.answers["/"] = to(location)
    assert failure(client, web.url()).forbidden


def test_a_location_may_hold_any_bytes(web: WebServer, client: Client) -> None:
    web.answers["/"] = to("/stra\u00c3\u009fe \u00e9?q=\u00fc")
    with pytest.raises(HttpError):
        get(client, web.url(), validators=Validators(), timeout=0)
    answer = get(client, web.url())
    assert web.asked[-1].path.isascii()
    assert answer.status == 404


def test_the_body_of_a_redirect_is_not_read(web: WebServer, client: Client) -> None:
    bomb = gzip.compress(b"0" * 30_000_000)
    written = threading.Event()

    def write(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Encoding: gzip\r\n\r\n")
        try:
            for _ in range(2000):
                handler.wfile.write(bomb)
            written.set()
        except OSError:
            pass

    web.answers["/"], web.answers["/x"] = Answer(raw=write), Answer(200, b"ok")
    assert get(client, web.url()).body == b"ok"
    assert not written.is_set()
