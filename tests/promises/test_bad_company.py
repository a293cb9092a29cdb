"""Each bad source beside twenty healthy ones, which come out exactly as without it."""

from __future__ import annotations

import gzip
import resource
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.promises.company import TIMEOUT, Company, assert_told, assert_unharmed, bad_ones, feed, ok, rss
from tests.support.web import Answer, WebServer


class Socket:
    """What a bad server writes by hand."""

    def __init__(self, handler: object) -> None:
        self._out = handler.wfile  # type: ignore[attr-defined]

    def write(self, data: bytes, pause: float = 0.0) -> bool:
        try:
            self._out.write(data)
            self._out.flush()
        except OSError:
            return False
        time.sleep(pause)
        return True


def raw(*parts: bytes) -> Answer:
    def answer(handler: object) -> None:
        socket = Socket(handler)
        for part in parts:
            if not socket.write(part):
                return

    return Answer(raw=answer)


def drip(head: bytes, drop: bytes) -> Answer:
    """A server that says a little now and then, for ever."""

    def answer(handler: object) -> None:
        socket = Socket(handler)
        socket.write(head)
        end = time.monotonic() + 8
        while time.monotonic() < end and socket.write(drop, pause=0.1):
            pass

    return Answer(raw=answer)


def bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"<!-- " + b" " * 1_000_000 + b" -->"
    return b"".join(packer.compress(block) for _ in range(200)) + packer.flush()


def gzipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def redirect(target: str) -> Answer:
    return Answer(302, bomb(), {"Location": target, "Content-Encoding": "gzip"})


LAUGHS = (
    b'<!DOCTYPE r [<!ENTITY a "ha">'
    + b"".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">'.encode() for n in range(9))
    + b"]><rss version='2.0'><channel><title>&j;</title><item><title>&j;</title></item></channel></rss>"
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/xml\r\n"

BAD: dict[str, Callable[[WebServer], Answer]] = {
    "it never finishes its headers": lambda web: drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "it drips its body": lambda web: drip(HEAD + b"Content-Length: 100000\r\n\r\n", b" "),
    "it says nothing": lambda web: drip(b"", b""),
    "it ends inside its headers": lambda web: raw(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "it ends before it begins": lambda web: raw(),
    "it is no HTTP": lambda web: raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "it sends a gzip bomb": lambda web: ok(bomb(), Content_Encoding="gzip"),
    "its gzip is cut off": lambda web: ok(gzipped(rss("x", 500))[:-200], Content_Encoding="gzip"),
    "its body is cut off": lambda web: raw(HEAD + b"Content-Length: 9999\r\n\r\n", rss("x")),
    "its body is longer than allowed": lambda web: ok(rss("x", head="<!--" + " " * 11_000_000 + "-->")),
    "it redirects for ever": lambda web: redirect("/bad"),
    "it redirects to a private address": lambda web: redirect("http://127.1:22/"),
    "it redirects to metadata": lambda web: redirect("http://169.254.169.254/latest/meta-data/"),
    "it redirects to a file": lambda web: redirect("file:///etc/passwd"),
    "it is empty": lambda web: ok(b""),
    "it is a web page": lambda web: ok(b"<!doctype html><html><title>x</title></html>"),
    "it is not XML": lambda web: ok(b"\x00\x01\x02 nothing at all"),
    "it is broken JSON": lambda web: ok(b'{"version": "https://jsonfeed.org/'),
    "it laughs a billion times": lambda web: ok(LAUGHS),
    "it nests without end": lambda web: ok(b"<rss><channel>" + b"<a>" * 200_000),
    "it has an error": lambda web: Answer(500, b"oops"),
    "it is gone": lambda web: Answer(410, b""),
    "it wants to be asked later": lambda web: Answer(429, b"", {"Retry-After": "120"}),
    "it sends headers without end": lambda web: raw(b"HTTP/1.1 200 OK\r\n", *[b"X-%d: y\r\n" % n for n in range(5000)]),
    "it speaks another encoding": lambda web: ok(rss("x"), Content_Encoding="br"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_source_harms_no_other(name: str, tmp_path: Path, web: WebServer) -> None:
    web.answers["/bad"] = BAD[name](web)
    bad = feed("bad", web.url("/bad"), f'allow_private = ["{web.address}"]')
    company = Company(tmp_path / "with", web, bad)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    begun = time.monotonic()
    report = company.run()
    took = time.monotonic() - begun

    assert_told(bad_ones(report)["bad"])
    assert_unharmed(company, report)
    assert took < TIMEOUT + 8
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 150_000
