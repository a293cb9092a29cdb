"""What is asked conditionally, how politely, and when not (P9, P15)."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from feedbot import __version__
from feedbot.engine.report import SourceStatus
from tests.promises.company import Company, asked_of, assert_unharmed, feed, ok, raw, rss
from tests.support.web import Answer, Asked, WebServer, web_server

WHOLE = rss("x", 9)
DATE = "Sat, 21 Nov 2026 09:00:00 GMT"


def cut(body: bytes) -> Answer:
    return raw(b'HTTP/1.1 200 OK\r\nETag: "bad"\r\nContent-Length: 99999\r\n\r\n' + body)


UNREAD: dict[str, Answer] = {
    "its body is cut off": cut(WHOLE),
    "its gzip is cut off": ok(gzip.compress(WHOLE)[:-20], Content_Encoding="gzip", ETag='"bad"'),
    "its gzip is none": ok(b"<rss/>", Content_Encoding="gzip", ETag='"bad"'),
    "it is too long": ok(b"<rss><!--" + b" " * 11_000_000 + b"-->", ETag='"bad"'),
    "it is cut off and says nothing of it": ok(WHOLE[: len(WHOLE) * 2 // 3], ETag='"bad"'),
    "it is no feed": ok(b"nothing at all", ETag='"bad"'),
    "it is broken JSON": ok(b'{"version": "https://jsonfeed.org/', ETag='"bad"'),
    "it is a web page": ok(b"<!doctype html><html><title>x</title></html>", ETag='"bad"'),
    "it is empty": ok(b"", ETag='"bad"'),
    "it is an error": Answer(500, WHOLE, {"ETag": '"bad"'}),
    "it is an error that looks like a feed": Answer(404, WHOLE, {"ETag": '"bad"'}),
}


def listed(web: WebServer, name: str, more: str = "") -> str:
    return feed(name, web.url(f"/{name}"), f'interval = "30m"\nallow_private = ["{web.address}"]\n{more}')


@pytest.fixture
def company(tmp_path: Path, web: WebServer) -> Company:
    return Company(tmp_path / "with", web, listed(web, "bad"))


@pytest.mark.parametrize("name", UNREAD)
def test_validators_of_what_was_not_read_to_its_end_are_not_kept(name: str, company: Company) -> None:
    company.web.answers["/bad"] = UNREAD[name]
    first = company.run()
    assert_unharmed(company, first)
    before = len(asked_of(company.web, "/bad"))
    company.web.answers["/bad"] = ok(WHOLE, ETag='"good"')
    second = company.run(days=1)

    assert "if-none-match" not in asked_of(company.web, "/bad")[before].headers
    found = first.sources["bad"].new + second.sources["bad"].new
    assert sorted(found) == [f"x-{n}" for n in range(9)]


def test_validators_are_opaque_kept_over_failures_and_renewed_by_each_answer(company: Company) -> None:
    odd = 'W/"\xe9 \\" ,odd"'
    answers: list[Answer] = [
        ok(WHOLE, ETag=odd, Last_Modified="whenever it was"),
        Answer(500, b"", {"ETag": '"page"'}),
        cut(WHOLE),
        Answer(304, headers={"ETag": '"renewed"'}),
        Answer(304),
        ok(rss("x", 10), Last_Modified=DATE),
        Answer(304),
    ]
    asked: list[tuple[str | None, str | None]] = []

    def answer(request: Asked) -> Answer:
        asked.append((request.headers.get("if-none-match"), request.headers.get("if-modified-since")))
        return answers[len(asked) - 1]

    company.web.answers["/bad"] = answer
    for number in range(len(answers)):
        company.run(force=True, hours=1)
        assert len(asked) == number + 1

    first = (odd, "whenever it was")
    assert asked == [(None, None), first, first, first, ('"renewed"', first[1]), ('"renewed"', first[1]), (None, DATE)]


@pytest.mark.parametrize(
    ("answer", "early", "late"),
    [
        (ok(WHOLE), 20, 28),
        (ok(WHOLE, Cache_Control="max-age=7200"), 110, 121),
        (ok(WHOLE, Cache_Control="max-age=60"), 20, 28),
        (ok(WHOLE, Expires="Sat, 21 Nov 2026 15:00:00 GMT", Date="Sat, 21 Nov 2026 12:00:00 GMT"), 170, 181),
        (ok(rss("x", 2, "<ttl>180</ttl>")), 170, 181),
        (ok(WHOLE, Cache_Control="max-age=99999999"), 23 * 60, 24 * 60 + 1),
        (Answer(429, b"", {"Retry-After": "7200"}), 110, 121),
        (Answer(503, b"", {"Retry-After": "Sat, 21 Nov 2026 15:00:00 GMT"}), 170, 181),
        (Answer(429, b"", {"Retry-After": "999999999"}), 23 * 60, 24 * 60 + 1),
    ],
)
def test_what_a_server_asks_for_is_a_lower_bound_and_a_day_the_most(
    company: Company, answer: Answer, early: int, late: int
) -> None:
    company.web.answers["/bad"] = answer
    company.run()
    assert company.run(minutes=early).sources["bad"].status is SourceStatus.SKIPPED
    assert len(asked_of(company.web, "/bad")) == 1
    assert company.run(minutes=late - early).sources["bad"].status is not SourceStatus.SKIPPED
    assert len(asked_of(company.web, "/bad")) == 2


def test_it_says_who_asks_and_carries_nothing_from_one_poll_to_the_next(company: Company) -> None:
    company.settings = 'user_agent = "feedbot (+https://example.org/contact)"'
    with web_server() as other:
        cookie = {"Set-Cookie": "id=1; Path=/", "Location": other.url("/x")}
        company.web.answers["/bad"] = Answer(302, b"", cookie)
        other.answers["/x"] = ok(WHOLE, Set_Cookie="id=2; Path=/")
        company.bad = listed(company.web, "bad").replace('"]', f'", "{other.address}"]')
        for _ in range(3):
            assert not company.run(force=True).sources["bad"].error
        asked = [*asked_of(company.web, "/bad"), *other.asked]
    assert len(asked) == 6
    for request in asked:
        assert request.headers["user-agent"] == "feedbot (+https://example.org/contact)"
        assert not {"cookie", "referer", "authorization", "from"} & set(request.headers)


@pytest.mark.parametrize(
    ("base_url", "contact"),
    [
        ("https://feeds.example/planet", "+https://feeds.example/planet/"),
        ("", "feed reader; see user_agent in its configuration"),
        ("https://bücher.example/", "+https://xn--bcher-kva.example/"),
    ],
)
def test_where_nobody_chose_its_name_it_tells_whom_to_turn_to_as_far_as_it_knows(
    company: Company, base_url: str, contact: str
) -> None:
    company.settings = f'base_url = "{base_url}"'
    company.run()
    (asked,) = asked_of(company.web, "/bad")
    assert asked.headers["user-agent"] == f"feedbot/{__version__} ({contact})"


@pytest.mark.parametrize(("status", "sightings"), [(301, 3), (308, 3), (302, 99), (307, 99)])
def test_a_move_is_remembered_after_three_sightings_over_restarts(
    company: Company, status: int, sightings: int
) -> None:
    company.web.answers["/bad"] = Answer(status, headers={"Location": "/new"})
    company.web.serve("/new", WHOLE)
    for _ in range(5):
        company.run(force=True)
    assert len(asked_of(company.web, "/bad")) == min(sightings, 5)
    assert ["if-none-match" in asked.headers for asked in asked_of(company.web, "/new")] == [False] + [True] * 4
    assert company.run(force=True).sources["bad"].status is SourceStatus.NOT_MODIFIED
