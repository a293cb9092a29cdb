"""The HTTP server: what feed readers, browsers and strangers get of the output folder."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from feedbot.web.application import application
from feedbot.web.folder import Folder, Site
from feedbot.web.server import Server

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
TYPES = {"atom": "application/atom+xml", "rss": "application/rss+xml", "json": "application/feed+json"}


def atom(*names: str) -> str:
    entries = "".join(f"<entry><id>{name}</id><title>{name * 300}</title></entry>\n" for name in names)
    return f'<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom"><title>T</title>{entries}</feed>'


@dataclass
class Got:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Served:
    """A folder behind a running server."""

    folder: Path
    server: Server
    app: Folder

    def get(self, path: str, method: str = "GET", **headers: str) -> Got:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, headers=named)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return Got(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    @property
    def port(self) -> int:
        return int(self.server.address.rstrip("/").rpartition(":")[2])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    folder = tmp_path / "public"
    (folder / "media").mkdir(parents=True)
    (folder / "feeds").mkdir()
    (folder / "all.atom").write_text(atom("a", "b"))
    (folder / "all.html").write_text("<!doctype html><title>all</title>")
    (folder / "index.html").write_text("<!doctype html><title>index</title>")
    (folder / "feeds" / "default").write_text(atom("a", "b"))
    (folder / "secret.atom").write_text(atom("s"))
    (folder / "media" / "0123.png").write_bytes(b"\x89PNG" + bytes(1000))
    (tmp_path / "feedbot.db").write_text("state")
    site = Site(
        folder=folder,
        types=TYPES,
        aliases={"feeds/default": "all.atom", "feeds/old": "secret.atom"},
        tokens={"secret": "opensesame"},
        hubs={"all": "https://hub.example/"},
        base_url="https://example.org/feeds/",
    )
    app = Folder(site)
    server = Server(application(app, dict), "127.0.0.1", 0)
    with server.running():
        yield Served(folder, server, app)


def test_a_reader_gets_the_feed_with_all_that_it_needs_to_ask_again(served: Served) -> None:
    got = served.get("/all.atom", Accept="application/atom+xml")

    assert (got.status, got.body.decode()) == (200, atom("a", "b"))
    assert got.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert got.headers["etag"].startswith('"')
    assert got.headers["last-modified"].endswith("GMT")
    assert got.headers["cache-control"] == "public, max-age=60"
    assert {"Accept", "Accept-Encoding"} <= {name.strip() for name in got.headers["vary"].split(",")}
    assert got.headers["access-control-allow-origin"] == "*"
    assert '<https://hub.example/>; rel="hub"' in got.headers["link"]
    assert '<https://example.org/feeds/all.atom>; rel="self"' in got.headers["link"]


def test_who_has_it_gets_304_by_etag_or_date_until_it_changes(served: Served) -> None:
    first = served.get("/all.atom").headers

    for had in (
        {"If_None_Match": first["etag"]},
        {"If_None_Match": f'"x", W/{first["etag"]}'},
        {"If_Modified_Since": first["last-modified"]},
    ):
        again = served.get("/all.atom", **had)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["etag"] == first["etag"]
    (served.folder / "all.atom").write_text(atom("c", "a", "b"))
    assert served.get("/all.atom", If_None_Match=first["etag"]).status == 200


@pytest.mark.parametrize("date", ["yesterday", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Thu, 01 Jan 1970"])
def test_a_date_that_says_nothing_is_passed_over(served: Served, date: str) -> None:
    assert served.get("/all.atom", If_Modified_Since=date).status == 200


def test_who_sends_a_head_without_end_is_let_go_of(served: Served) -> None:
    for begun, more in ((b"GET /", b"a"), (b"GET / HTTP/1.1\r\nX: ", b"a"), (b"GET / HTTP/1.1\r\n", b"X: y\r\n")):
        with socket.create_connection(("127.0.0.1", served.port), 10) as greedy, pytest.raises(ConnectionError):
            greedy.sendall(begun + more * 10_000_000)
    assert served.get("/all.atom", A="x" * 30_000).status == 200


@pytest.mark.parametrize(("size", "requests"), [(2_000_000, 1), (50_000, 200)])
def test_who_asks_and_takes_nothing_is_let_go_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, requests: int
) -> None:
    for name in ("_IDLE", "_SLOWEST"):
        monkeypatch.setattr(f"feedbot.web.server.{name}", 0.2)
    (tmp_path / "big.txt").write_text("x" * size)
    server = Server(application(Folder(Site(folder=tmp_path, types=TYPES)), dict), "127.0.0.1", 0)
    with server.running(), socket.socket() as idle:
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        idle.connect(("127.0.0.1", int(server.address.rstrip("/").rpartition(":")[2])))
        idle.sendall(b"GET /big.txt HTTP/1.1\r\nHost: x\r\n\r\n" * requests)
        deadline = time.monotonic() + 5
        for wanted in (1, 0):
            while server.connections != wanted:
                assert time.monotonic() < deadline
                time.sleep(0.01)


def test_compressed_it_is_the_same_feed_under_another_etag(served: Served) -> None:
    packed = served.get("/all.atom", Accept_Encoding="br, gzip")
    plain = served.get("/all.atom", Accept_Encoding="gzip;q=0")

    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["etag"] != plain.headers["etag"]
    assert served.get("/all.atom", Accept_Encoding="gzip", If_None_Match=packed.headers["etag"]).status == 304


def test_head_tells_what_get_would(served: Served) -> None:
    got, head = served.get("/all.atom"), served.get("/all.atom", "HEAD")

    assert head.body == b""
    unlike = {"date"}
    assert {k: v for k, v in head.headers.items() if k not in unlike} == {
        k: v for k, v in got.headers.items() if k not in unlike
    }


def test_a_browser_gets_the_page_of_a_feed_and_readers_never(served: Served) -> None:
    page = served.get("/all.atom", Accept=BROWSER)

    assert b"<!doctype html>" in page.body
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-location"] == "all.html"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for accept in ("", "*/*", "application/rss+xml, application/atom+xml;q=0.9, */*;q=0.1", "text/html;q=0.2, */*"):
        assert served.get("/all.atom", Accept=accept).headers["content-type"].startswith("application/atom+xml")


def test_a_browser_sees_a_feed_without_a_page_as_xml(served: Served) -> None:
    got = served.get("/feeds/default", Accept=BROWSER)
    assert got.headers["content-type"] == "application/xml; charset=utf-8"


def test_an_alias_answers_as_its_feed_does(served: Served) -> None:
    feed, alias = served.get("/all.atom"), served.get("/feeds/default")
    assert (alias.body, {**alias.headers, "date": ""}) == (feed.body, {**feed.headers, "date": ""})
    assert served.get("/feeds/old").status == 401
    assert served.get("/feeds/old?token=opensesame").status == 200


def test_a_folder_is_found_without_its_slash_whatever_is_before_it(served: Served) -> None:
    (served.folder / "secret" / "year").mkdir(parents=True)
    (served.folder / "secret" / "year" / "index.html").write_text("2024")
    got = served.get("/secret/year?token=opensesame")
    assert (got.status, got.headers["location"]) == (308, "year/?token=opensesame")


def test_headers_in_several_lines_are_one_list(served: Served) -> None:
    etag = served.get("/all.atom").headers["etag"]
    with socket.create_connection(("127.0.0.1", served.port), 10) as client:
        lines = f'If-None-Match: {etag}\r\nIf-None-Match: "x"\r\nConnection: close\r\n\r\n'
        client.sendall(f"GET /all.atom HTTP/1.1\r\nHost: x\r\n{lines}".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 304")


def test_who_asks_for_what_it_lacks_gets_the_new_entries_alone(served: Served) -> None:
    had = served.get("/all.atom", A_IM="feed").headers["etag"]
    (served.folder / "all.atom").write_text(atom("c", "a", "b"))

    got = served.get("/all.atom", A_IM="feed", If_None_Match=had)

    assert got.status == 226
    assert got.headers["im"] == "feed"
    assert b"<id>c</id>" in got.body
    assert b"<id>a</id>" not in got.body
    assert served.get("/all.atom", A_IM="feed", If_None_Match=got.headers["etag"]).status == 304
    assert served.get("/all.atom", A_IM="feed", If_None_Match='"unknown"').status == 200
    assert served.get("/all.atom", If_None_Match=had).status == 200
    assert served.get("/all.atom", A_IM="vcdiff, feed;q=0", If_None_Match=had).status == 200


def test_a_json_feed_is_cut_to_what_is_lacking_too(served: Served) -> None:
    path = served.folder / "all.json"
    path.write_text(json.dumps({"version": "1.1", "items": [{"id": "a"}]}))
    had = served.get("/all.json", Accept_Encoding="gzip").headers["etag"]
    path.write_text(json.dumps({"version": "1.1", "items": [{"id": "b"}, {"id": "a"}]}))

    got = served.get("/all.json", A_IM="feed", If_None_Match=had)

    assert got.status == 226
    assert json.loads(got.body)["items"] == [{"id": "b"}]


@pytest.mark.parametrize("name", ["all.atom", "all.json"])
@pytest.mark.parametrize("damage", ["", "<feed><entry", "[1]", '{"items": 1}'])
def test_a_damaged_file_is_served_as_it_is_until_it_is_made_anew(served: Served, name: str, damage: str) -> None:
    whole = atom("a") if name == "all.atom" else json.dumps({"items": [{"id": "a"}]})
    had = ""
    for text in (whole, damage, whole, damage):
        (served.folder / name).write_text(text)
        got = served.get(f"/{name}", A_IM="feed", If_None_Match=had)
        assert got.status in (200, 226)
        assert text == whole or got.body.decode() == damage
        had = got.headers["etag"]


def test_a_feed_with_a_token_is_for_who_brings_it(served: Served) -> None:
    assert served.get("/secret.atom").status == 401
    assert served.get("/secret.atom?token=wrong").status == 401
    for path in ("/SECRET.atom", "/\u017fecret.atom", "/Feeds/OLD"):  # the same files where the file system says so
        assert served.get(quote(path)).status == 401
    assert served.get("/secret/tag/nothing.atom").status == 401, "which parts there are is nobody's business"
    for got in (
        served.get("/secret.atom?token=opensesame"),
        served.get("/secret.atom", Authorization="Bearer opensesame"),
    ):
        assert got.status == 200
        assert got.headers["cache-control"].startswith("private")
        assert "access-control-allow-origin" not in got.headers


def test_media_never_change_under_their_name(served: Served) -> None:
    got = served.get("/media/0123.png")
    assert got.headers["content-type"] == "image/png"
    assert "immutable" in got.headers["cache-control"]


@pytest.mark.parametrize(
    "path",
    ["/../feedbot.db", "/%2e%2e/feedbot.db", "/..%2ffeedbot.db", "/.hidden", "//etc/passwd", "/media/../../feedbot.db",
     "/all.atom/", "/nothing", "/media", "/media/", "/%00", "/feeds//default", "/link"],
)  # fmt: skip
def test_nothing_but_the_files_of_the_folder_is_there(served: Served, path: str) -> None:
    (served.folder / ".hidden").write_text("x")
    (served.folder / "link").symlink_to(served.folder.parent / "feedbot.db")
    assert served.get(path).status == 404


def test_only_reading_is_possible(served: Served) -> None:
    assert served.get("/all.atom", "POST").status == 405
    assert served.get("/all.atom", "DELETE").status == 405
    preflight = served.get("/all.atom", "OPTIONS")
    assert preflight.status == 204
    assert "A-IM" in preflight.headers["access-control-allow-headers"]


def test_the_root_is_the_index(served: Served) -> None:
    assert b"index" in served.get("/").body


def test_it_says_how_it_is(served: Served) -> None:
    assert served.get("/healthz").body == b"ok\n"
    assert served.get("/readyz").status == 200


def test_slow_clients_keep_nobody_waiting(served: Served) -> None:
    with ExitStack() as stack:
        for number in range(500):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", served.port), 10))
            slow.sendall(b"GET /all.atom HTTP/1.1\r\nHost: x\r\n" if number % 2 else b"G")
        begun = time.monotonic()
        assert served.get("/healthz").status == 200
        assert served.get("/all.atom").status == 200
        assert time.monotonic() - begun < 1


@pytest.mark.parametrize("how", [{}, {"Accept_Encoding": "gzip"}, {"Accept": BROWSER}, {"Accept": "*/*"}])
def test_who_asks_as_another_did_is_answered_alike_until_the_file_changes(served: Served, how: dict[str, str]) -> None:
    first, second = served.get("/all.atom", **how), served.get("/all.atom", **how)
    assert (first.status, first.body) == (second.status, second.body)
    assert {**first.headers, "date": ""} == {**second.headers, "date": ""}
    unchanged = [served.get("/all.atom", If_None_Match=first.headers["etag"], **how) for _ in range(2)]
    assert [one.status for one in unchanged] == [304, 304]
    assert unchanged[0].headers["etag"] == unchanged[1].headers["etag"] == first.headers["etag"]
    for name in ("all.atom", "all.html"):
        (served.folder / name).write_text(atom("c"))
    assert served.get("/all.atom", **how).headers["etag"] != first.headers["etag"]
    assert served.get("/all.atom", If_None_Match=first.headers["etag"], **how).status == 200
    (served.folder / "all.atom").unlink()
    (served.folder / "all.html").unlink()
    assert served.get("/all.atom", **how).status == 404


def test_a_large_feed_is_compressed_once_and_not_for_each_who_asks(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    compress = gzip.compress

    def counting(data: bytes, *how: int, **when: int) -> bytes:
        made.append(len(data))
        return compress(data, *how, **when)

    monkeypatch.setattr(gzip, "compress", counting)
    (served.folder / "all.atom").write_bytes(bytes(9_000_000))
    for had in ("", '"x"', "*"):
        served.get("/all.atom", Accept_Encoding="gzip", If_None_Match=had)
    assert made == [9_000_000]


def test_a_feed_that_gets_a_token_is_closed_to_those_who_had_it(served: Served) -> None:
    had = served.get("/all.atom").headers["etag"]
    served.app.replace(replace(served.app.site, tokens={"all": "opensesame"}))
    assert served.get("/all.atom").status == 401
    assert served.get("/all.atom", If_None_Match=had).status == 401


def test_a_page_that_comes_later_is_shown_to_browsers(served: Served) -> None:
    (served.folder / "all.html").unlink()
    for _ in range(2):
        assert served.get("/all.atom", Accept=BROWSER).headers["content-type"].startswith("application/xml")
    (served.folder / "all.html").write_text("<!doctype html>")
    assert served.get("/all.atom", Accept=BROWSER).headers["content-type"].startswith("text/html")
