"""Each bad source beside twenty healthy ones, which come out exactly as without it."""

from __future__ import annotations

import gzip
import io
import resource
import time
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedbot.app import App, RunOptions
from feedbot.engine.report import RunReport, SourceStatus
from feedbot.settings import load
from tests.support.web import Answer, Asked, WebServer

HEALTHY = 20
TIMEOUT = 1.0


def rss(name: str, entries: int = 2, head: str = "") -> bytes:
    items = "".join(
        f"<item><guid isPermaLink='false'>{name}-{n}</guid><title>{name} {n}</title></item>" for n in range(entries)
    )
    return f"<rss version='2.0'><channel><title>{name}</title>{head}{items}</channel></rss>".encode()


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


def ok(body: bytes, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(200, body, {"Content-Type": "application/xml", **named})


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


def configure(folder: Path, web: WebServer, bad: bool) -> None:
    config = (
        f'[feedbot]\nstate = "feedbot.db"\noutput = "public"\ntimeout = "{TIMEOUT:g}s"\nper_host = 32\n'
        f'allow_private = ["{web.address}"]\n[feeds.all]\nsources = ["good-*"]\n'
    )
    for number in range(HEALTHY):
        web.serve(f"/good-{number}", rss(f"good-{number}"))
        config += f'[sources.good-{number}]\ntype = "feed"\nurl = "{web.url(f"/good-{number}")}"\nbackfill = "all"\n'
    if bad:
        config += f'[sources.bad]\ntype = "feed"\nurl = "{web.url("/bad")}"\n'
    (folder / "feedbot.toml").write_text(config)


def run(folder: Path) -> RunReport:
    app = App(load(folder / "feedbot.toml", {}), out=io.StringIO(), clock=lambda: datetime(2026, 11, 21, tzinfo=UTC))
    return app.run(RunOptions())


def outcome(report: RunReport) -> dict[str, tuple[SourceStatus, list[str]]]:
    return {name: (source.status, source.new) for name, source in report.sources.items() if name != "bad"}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_source_harms_no_other(name: str, tmp_path: Path, web: WebServer) -> None:
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    configure(tmp_path / "without", web, bad=False)
    expected = run(tmp_path / "without")
    answer = BAD[name](web)
    web.answers["/bad"] = answer
    configure(tmp_path / "with", web, bad=True)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    begun = time.monotonic()
    report = run(tmp_path / "with")
    took = time.monotonic() - begun

    bad = report.sources["bad"]
    assert bad.status is SourceStatus.FAILED, bad
    assert bad.error
    assert "Traceback" not in bad.error
    assert "unexpected" not in bad.error, bad.error
    assert outcome(report) == outcome(expected)
    assert all(status is SourceStatus.OK and len(new) == 2 for status, new in outcome(report).values())
    published = [(tmp_path / kind / "public" / "all.atom").read_bytes() for kind in ("with", "without")]
    assert published[0] == published[1]
    assert took < TIMEOUT + 8
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 150_000


def test_what_a_cut_off_answer_promised_is_read_at_the_next_poll(tmp_path: Path, web: WebServer) -> None:
    (tmp_path / "feedbot.toml").write_text(
        f'[feedbot]\nstate = "s.db"\nallow_private = ["{web.address}"]\n'
        f'[sources.bad]\ntype = "feed"\nurl = "{web.url("/bad")}"\ninterval = "0s"\n'
    )
    whole = rss("x", 9)
    web.answers["/bad"] = ok(whole[: len(whole) * 2 // 3], ETag='"1"')
    first = run(tmp_path).sources["bad"]
    seen: list[Asked] = []

    def second(asked: Asked) -> Answer:
        seen.append(asked)
        return ok(whole, ETag='"1"')

    web.answers["/bad"] = second
    report = run(tmp_path).sources["bad"]
    assert "if-none-match" not in seen[0].headers
    assert sorted(first.new + report.new) == [f"x-{n}" for n in range(9)]
