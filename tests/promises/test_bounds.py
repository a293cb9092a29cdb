"""What one source can cost at most, in entries and in time, and what many that hang cost the rest (P12, P13)."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from feedbot.engine.report import SourceStatus
from tests.promises.company import TIMEOUT, Company, assert_told, assert_unharmed, bad_ones, feed, ok, rss
from tests.support.cli import feedbot
from tests.support.web import Answer, WebServer


def item(inside: str, name: str = "x") -> bytes:
    return (
        f"<rss version='2.0'><channel><title>x</title><item><guid isPermaLink='false'>{name}</guid>"
        f"<title>x</title>{inside}</item></channel></rss>"
    ).encode()


def stored(company: Company) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = feedbot("entry", "list", "bad", "--json", cwd=company.folder).json["entries"]
    return listed


LARGE: dict[str, tuple[bytes, Callable[[list[dict[str, Any]]], bool]]] = {
    "more entries than are read": (rss("x", 6000), lambda entries: len(entries) == 5000),
    "an entry of two megabytes": (
        item(f"<description>{'word ' * 400_000}</description>"),
        lambda entries: len(entries) == 1 and len(json.dumps(entries[0])) < 1_200_000,
    ),
    "hundreds of categories": (
        item("".join(f"<category>c{number}</category>" for number in range(500))),
        lambda entries: len(entries) == 1 and len(entries[0]["tags"]) == 64,
    ),
    "hundreds of enclosures": (
        item("".join(f"<enclosure url='https://a.example/{n}' length='1' type='audio/ogg'/>" for n in range(40))),
        lambda entries: len(entries) == 1 and len(entries[0]["enclosures"]) == 16,
    ),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_source_with_too_much_is_cut_down_and_harms_no_other(name: str, tmp_path: Path, web: WebServer) -> None:
    body, fits = LARGE[name]
    web.answers["/bad"] = ok(body)
    company = Company(
        tmp_path / "with", web, feed("bad", web.url("/bad"), f'timeout = "30s"\nallow_private = ["{web.address}"]')
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    report = company.run()
    assert report.sources["bad"].status is not SourceStatus.FAILED, report.sources["bad"]
    assert_unharmed(company, report)
    assert fits(stored(company))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 150_000


SLOW: dict[str, bytes] = {
    "a crowd of half tags": b"<rss><channel><item><title>" + b"<a <!-- &#x &" * 90_000,
    "a crowd of categories": item("<category>x</category>" * 50_000),
    "a crowd of attributes": item("<a " + " ".join(f"a{n}='1'" for n in range(100_000)) + "/>"),
    "a crowd of brackets": item("<description><![CDATA[" + "<" * 2_000_000 + "]]></description>"),
    "a depth of markup": item("<description><![CDATA[" + "<div>" * 200_000 + "]]></description>"),
    "a word without end": item("<title>" + "a" * 4_000_000 + "&"),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_source_made_to_be_slow_takes_its_time_and_no_more(name: str, tmp_path: Path, web: WebServer) -> None:
    web.answers["/bad"] = ok(SLOW[name])
    company = Company(tmp_path / "with", web, feed("bad", web.url("/bad"), f'allow_private = ["{web.address}"]'))
    before = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.monotonic()
    report = company.run()
    took = time.monotonic() - begun
    after = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = sum(now.ru_utime - then.ru_utime for then, now in zip(before, after, strict=True))
    assert_unharmed(company, report)
    bad = report.sources["bad"]
    if bad.error:
        assert_told(bad)
    assert bad.seconds < TIMEOUT + 1.5
    assert took < TIMEOUT + 8
    assert spent < TIMEOUT + 5


def hang(until: Event) -> Answer:
    def answer(_: BaseHTTPRequestHandler) -> None:
        until.wait(30)

    return Answer(raw=answer)


def test_a_third_of_all_sources_hanging_holds_up_the_rest_within_bounds(tmp_path: Path, web: WebServer) -> None:
    number, concurrency, patience, over = 300, 32, 1, Event()
    tables = ""
    for n in range(number):
        if n % 3 == 0:
            web.answers[f"/{n}"] = hang(over)
        else:
            web.serve(f"/{n}", rss(f"f{n}"))
        tables += feed(f"f{n}", web.url(f"/{n}"))
    (tmp_path / "feedbot.toml").write_text(
        f'[feedbot]\nstate = "s.db"\ntimeout = "{patience}s"\nper_host = {concurrency}\nconcurrency = {concurrency}\n'
        f'allow_private = ["{web.address}"]\n{tables}'
    )
    begun = time.monotonic()
    try:
        ran = feedbot("run", "--json", cwd=tmp_path, timeout=110)
    finally:
        over.set()
    took = time.monotonic() - begun
    sources = ran.json["sources"]
    assert [n for n in range(number) if sources[f"f{n}"]["status"] == "ok"] == [n for n in range(number) if n % 3]
    assert all("gave no complete answer within" in sources[f"f{n}"]["error"] for n in range(0, number, 3))
    assert took < 100 * patience / concurrency * 1.2 + 60


def test_healthy_sources_beside_a_third_that_hangs_come_out_as_without_it(tmp_path: Path, web: WebServer) -> None:
    over = Event()
    web.answers.update({f"/bad-{number}": hang(over) for number in range(10)})
    more = f'allow_private = ["{web.address}"]'
    bad = "".join(feed(f"bad-{number}", web.url(f"/bad-{number}"), more) for number in range(10))
    company = Company(tmp_path / "with", web, bad, settings="concurrency = 8")
    begun = time.monotonic()
    try:
        report = company.run()
    finally:
        over.set()
    took = time.monotonic() - begun
    assert_unharmed(company, report)
    for source in bad_ones(report).values():
        assert_told(source)
        assert source.seconds < TIMEOUT + 1
    assert took < 10 * TIMEOUT / 8 * 1.2 + 6


def test_a_timeout_of_one_source_is_its_own(tmp_path: Path, web: WebServer) -> None:
    over = Event()
    web.answers["/bad"] = hang(over)
    more = f'timeout = "2s"\nallow_private = ["{web.address}"]'
    company = Company(tmp_path / "with", web, feed("bad", web.url("/bad"), more))
    try:
        report = company.run()
    finally:
        over.set()
    assert_unharmed(company, report)
    assert 1.8 < bad_ones(report)["bad"].seconds < 3
