"""Where feedbot goes, and where neither a name server nor a redirect leads it (P16, P17)."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import trustme

from feedbot.engine.report import SourceStatus
from tests.promises.company import Company, assert_told, assert_unharmed, bad_ones, feed, ok, rss
from tests.support.cli import feedbot
from tests.support.web import Answer, WebServer, web_server

# Each leads to this machine, to its network or to a cloud's metadata, where a resolver or the kernel knows it at all.
PRIVATE = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
    "localhost", "LOCALHOST.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::]", "0", "0.0.0.0", "127.0.0.2", "127.255.255.254",
    "１２７.0.0.1", "127。0。0。1", "10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "[fd00::1]", "[fe80::1]",
    "169.254.169.254", "[::ffff:169.254.169.254]", "2852039166", "100.100.100.200", "[fd00:ec2::254]", "224.0.0.1",
    "255.255.255.255",
)  # fmt: skip


@pytest.fixture
def other() -> Iterator[WebServer]:
    with web_server() as server:
        server.serve("/", rss("secret"))
        yield server


def assert_refused(company: Company, number: int, *, hint: bool = True) -> None:
    report = company.run()
    assert_unharmed(company, report)
    bad = bad_ones(report)
    assert len(bad) == number
    for source in bad.values():
        assert_told(source)
        # No resolver knows all of the odd spellings: then nobody is asked either.
        refused = "private address" in str(source.error) or "machine metadata" in str(source.error)
        assert refused or "cannot be found" in str(source.error), source
        assert "allow_private" in source.hint or not refused or not hint


def test_no_spelling_of_a_private_address_is_asked(tmp_path: Path, web: WebServer, other: WebServer) -> None:
    port = other.address.split(":")[1]
    urls = [f"http://{host}:{port}/" for host in PRIVATE] + [f"http://me@{other.address}/", f"http://x:y@127.1:{port}/"]
    company = Company(tmp_path / "with", web, "".join(feed(f"b{n}", url) for n, url in enumerate(urls)))
    assert_refused(company, len(urls))
    assert not other.asked


def test_no_redirect_leads_to_a_private_address(tmp_path: Path, web: WebServer, other: WebServer) -> None:
    port = other.address.split(":")[1]
    tables = ""
    for number, host in enumerate(PRIVATE):
        location = f"http://{host}:{port}/".encode().decode("latin-1")
        web.answers[f"/b{number}"] = Answer((301, 302, 307, 308)[number % 4], headers={"Location": location})
        tables += feed(f"b{number}", web.url(f"/b{number}"), f'allow_private = ["{web.address}"]')
    company = Company(tmp_path / "with", web, tables)
    assert_refused(company, len(PRIVATE))
    assert not other.asked


def test_a_web_page_names_no_private_feed(tmp_path: Path, web: WebServer, other: WebServer) -> None:
    link = f'<link rel="alternate" type="application/rss+xml" href="{other.url()}">'
    web.serve("/bad", f"<!doctype html><html><head>{link}</head></html>", content_type="text/html")
    company = Company(tmp_path / "with", web, feed("bad", web.url("/bad"), f'allow_private = ["{web.address}"]'))
    report = company.run()
    assert_unharmed(company, report)
    assert_told(report.sources["bad"])
    assert not other.asked


@pytest.mark.parametrize(
    ("allowed", "asked"),
    [
        ("127.0.0.1:{port}", True), ("127.0.0.1", True), ("127.0.0.0/8", True), ("0.0.0.0/0", True),
        ("[::ffff:127.0.0.1]:{port}", True), ("127.0.0.1:1", False), ("127.0.0.2", False), ("10.0.0.0/8", False),
        ("localhost:{port}", False), ("::1", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("everywhere", [False, True])
def test_what_is_listed_is_asked_by_whom_it_is_listed_for(
    tmp_path: Path, web: WebServer, other: WebServer, allowed: str, asked: bool, everywhere: bool
) -> None:
    line = f'allow_private = ["{allowed.format(port=other.address.split(":")[1])}"]\n'
    bad = feed("listed", other.url(), "" if everywhere else line) + feed("unlisted", other.url())
    (tmp_path / "feedbot.toml").write_text(f'[feedbot]\nstate = "s.db"\n{line if everywhere else ""}{bad}')
    sources = feedbot("run", "--json", cwd=tmp_path).json["sources"]
    assert (sources["listed"]["status"] == "ok") is asked
    assert (sources["unlisted"]["status"] == "ok") is (asked and everywhere)
    assert bool(other.asked) is asked


Answers = Callable[[str], list[str]]


@contextmanager
def resolver(answers: Answers) -> Iterator[list[str]]:
    """A name server of our own; tells what it was asked for."""
    asked: list[str] = []

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [(families[":" in one], socket.SOCK_STREAM, 6, "", (one, port)) for one in answers(host)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.getaddrinfo", look_up)
        yield asked


@pytest.mark.parametrize(
    "answers",
    [
        ["127.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"], ["::ffff:127.0.0.1"],
        ["2606:4700::1", "::1"], ["10.0.0.1"], ["169.254.169.254"], ["93.184.216.34", "fd00:ec2::254"], ["0.0.0.0"],
    ],
)  # fmt: skip
def test_one_private_answer_about_a_name_is_one_too_many(
    tmp_path: Path, web: WebServer, other: WebServer, answers: list[str]
) -> None:
    port = other.address.split(":")[1]
    company = Company(tmp_path / "with", web, feed("bad", f"http://rebound.example:{port}/"))
    with resolver(lambda _: answers):
        assert_refused(company, 1)
    assert not other.asked


def test_a_name_server_that_changes_its_mind_is_asked_once_a_connection(
    tmp_path: Path, web: WebServer, other: WebServer
) -> None:
    port = other.address.split(":")[1]
    allowed = f'allow_private = ["127.0.0.1:{port}"]'
    company = Company(tmp_path / "with", web, feed("bad", f"http://rebound.example:{port}/", allowed))
    turns = iter(["127.0.0.1", "127.0.0.2", "127.0.0.1"])
    with resolver(lambda _: [next(turns)]) as asked:
        first, second, third = (company.run("bad", force=True).sources["bad"] for _ in range(3))
    assert asked == ["rebound.example"] * 3
    assert (first.status, third.status) == (SourceStatus.OK, SourceStatus.NOT_MODIFIED)
    assert "leads to 127.0.0.2, a private address" in str(second.error)
    assert len(other.asked) == 2


class TLSServer:
    """Speaks TLS on a port of loopback; ``answer`` is all that it says."""

    def __init__(self, certificate: trustme.LeafCert, answer: bytes) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        Thread(target=self._serve, args=(context, answer), daemon=True).start()

    def _serve(self, context: ssl.SSLContext, answer: bytes) -> None:
        while True:
            try:
                plain, _ = self._socket.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(8192)
                    secure.sendall(answer)
            except OSError:
                continue

    def close(self) -> None:
        self._socket.close()


@contextmanager
def tls(certificate: trustme.LeafCert, answer: bytes) -> Iterator[int]:
    server = TLSServer(certificate, answer)
    try:
        yield server.port
    finally:
        server.close()


def plain(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def certificates(authority: trustme.CA) -> dict[str, trustme.LeafCert]:
    past = datetime.now(UTC) - timedelta(days=1)
    return {
        "is self-signed or by an unknown issuer": trustme.CA().issue_cert("127.0.0.1"),
        "is made out to another name": authority.issue_cert("blog.example.org"),
        "has expired or is not valid yet": authority.issue_cert("127.0.0.1", not_after=past),
    }


def test_no_certificate_that_does_not_verify_is_taken(tmp_path: Path, web: WebServer, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for number, (words, certificate) in enumerate(certificates(authority).items()):
        with tls(certificate, plain(rss("x"))) as port:
            bad = feed("bad", f"https://127.0.0.1:{port}/", 'allow_private = ["127.0.0.1"]')
            company = Company(tmp_path / str(number), web, bad, f'ca_file = "{tmp_path / "ca.pem"}"')
            report = company.run()
        assert_told(report.sources["bad"])
        assert words in str(report.sources["bad"].error)
        assert_unharmed(company, report)


def test_https_never_leads_to_http(tmp_path: Path, web: WebServer, authority: trustme.CA) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    web.answers["/x"] = ok(rss("x"))
    location = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: %b\r\n\r\n" % web.url("/x").encode()
    with tls(authority.issue_cert("127.0.0.1"), location) as port:
        bad = feed("bad", f"https://127.0.0.1:{port}/", 'allow_private = ["127.0.0.1"]')
        company = Company(tmp_path / "with", web, bad, f'ca_file = "{tmp_path / "ca.pem"}"')
        report = company.run()
    assert_unharmed(company, report)
    assert "redirects from https to http" in str(report.sources["bad"].error)
    assert not [asked for asked in web.asked if asked.path == "/x"]


def test_switching_verification_off_holds_for_one_source_and_is_warned_of_at_every_run(
    tmp_path: Path, authority: trustme.CA
) -> None:
    with tls(authority.issue_cert("other.example"), plain(rss("x"))) as port:
        more = 'interval = "0s"\nallow_private = ["127.0.0.1"]\n'
        url = f"https://127.0.0.1:{port}/"
        tables = feed("careless", url, f"{more}verify_tls = false") + feed("careful", url, more)
        (tmp_path / "feedbot.toml").write_text(f'[feedbot]\nstate = "s.db"\n{tables}')
        for _ in range(3):
            ran = feedbot("run", "--json", "--force", cwd=tmp_path)
            assert ran.json["sources"]["careless"]["status"] in ("ok", "not-modified")
            assert ran.json["sources"]["careful"]["status"] == "failed"
            warnings = [line for line in ran.err.splitlines() if "does not verify TLS certificates" in line]
            assert len(warnings) == 1
            assert "careless" in warnings[0]
