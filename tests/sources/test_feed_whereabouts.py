"""Feeds that are elsewhere: moved, or behind a web page; and answers that hold only what is new."""

from __future__ import annotations

import pytest

from feedbot.errors import SourceError
from feedbot.model import Memory
from tests.sources.feeds import ids, over_http, poll, rss
from tests.support.web import Answer, Asked, WebServer

ITEM = "<title>One</title><link>https://a.example/1</link>"
PAGE = '<!doctype html><html><head><link rel="alternate" type="application/rss+xml" href="{}"></head></html>'


def paths(web: WebServer) -> list[str]:
    return [asked.path for asked in web.asked]


def test_the_feed_of_a_web_page_is_found_remembered_and_said(web: WebServer) -> None:
    web.serve("/blog/", PAGE.format("../feeds/all.xml"), content_type="text/html")
    web.serve("/feeds/all.xml", rss(ITEM))
    source = over_http(web.url("/blog/"), web.address)

    first = poll(source)
    assert ids(first.items) == ["https://a.example/1"]
    assert first.notes == (f"this is a web page; its feed is at {web.url('/feeds/all.xml')}",)

    second = poll(source, first.memory)
    assert second.not_modified
    assert paths(web) == ["/blog/", "/feeds/all.xml", "/feeds/all.xml"]


def test_a_feed_at_a_usual_place_is_found_where_the_page_names_none(web: WebServer) -> None:
    web.serve("/", "<!doctype html><html><p>hello</html>", content_type="text/html")
    web.serve("/atom.xml", rss(ITEM))
    assert ids(poll(over_http(web.url("/"), web.address)).items) == ["https://a.example/1"]


def test_the_link_header_names_a_feed_too(web: WebServer) -> None:
    link = '</all.rss>; rel="alternate"; type="application/rss+xml"'
    web.serve("/", "<!doctype html><html></html>", content_type="text/html", Link=link)
    web.serve("/all.rss", rss(ITEM))
    assert ids(poll(over_http(web.url("/"), web.address)).items) == ["https://a.example/1"]


def test_a_remembered_feed_that_went_away_is_looked_for_again(web: WebServer) -> None:
    web.serve("/", PAGE.format("/one.xml"), content_type="text/html")
    web.serve("/one.xml", rss(ITEM))
    source = over_http(web.url("/"), web.address)
    first = poll(source)
    del web.answers["/one.xml"]
    web.serve("/", PAGE.format("/two.xml"), content_type="text/html")
    web.serve("/two.xml", rss(ITEM, "<title>Two</title><link>https://a.example/2</link>"))

    assert "https://a.example/2" in ids(poll(source, first.memory).items)


@pytest.mark.parametrize(
    ("status", "asked"),
    [(429, ["/feeds/all.xml"]), (503, ["/feeds/all.xml"]), (500, ["/feeds/all.xml", "/blog/", "/feeds/all.xml"])],
)
def test_a_remembered_feed_that_has_a_bad_time_is_not_looked_for_elsewhere(
    web: WebServer, status: int, asked: list[str]
) -> None:
    web.serve("/blog/", PAGE.format("/feeds/all.xml"), content_type="text/html")
    web.serve("/feeds/all.xml", rss(ITEM))
    web.serve("/feed", rss("<title>Comments</title><link>https://a.example/c</link>"))
    source = over_http(web.url("/blog/"), web.address)
    memory = poll(source).memory
    before = len(web.asked)
    web.answers["/feeds/all.xml"] = Answer(status)
    with pytest.raises(SourceError, match=str(status)):
        poll(source, memory)
    assert paths(web)[before:] == asked


def test_a_permanent_redirect_is_followed_at_once_from_its_third_sighting_on(web: WebServer) -> None:
    web.answers["/old"] = Answer(301, headers={"Location": "/new"})
    web.serve("/new", rss(ITEM))
    source = over_http(web.url("/old"), web.address)
    memory = Memory()
    for _ in range(5):
        memory = poll(source, memory).memory

    assert paths(web) == ["/old", "/new"] * 3 + ["/new"] * 2
    assert memory.extra["at"] == web.url("/new")


def test_a_redirect_that_is_taken_back_is_forgotten(web: WebServer) -> None:
    web.answers["/old"] = Answer(308, headers={"Location": "/new"})
    web.serve("/new", rss(ITEM))
    source = over_http(web.url("/old"), web.address)
    memory = poll(source, poll(source).memory).memory
    web.serve("/old", rss(ITEM, "<title>Back</title><link>https://a.example/b</link>"))
    assert "moved_to" not in poll(source, memory).memory.extra


def test_secrets_do_not_follow_a_feed_to_another_origin(web: WebServer) -> None:
    from tests.support.web import web_server

    with web_server() as other:
        other.serve("/new", rss(ITEM))
        web.answers["/old"] = Answer(301, headers={"Location": other.url("/new")})
        source = over_http(
            web.url("/old"), web.address, allow_private=(other.address,), headers={"X-Api-Key": "s3cret"}
        )
        memory = Memory()
        for _ in range(5):
            memory = poll(source, memory).memory
        assert {asked.headers.get("x-api-key") for asked in web.asked} == {"s3cret"}
        assert {asked.headers.get("x-api-key") for asked in other.asked} == {None}


def test_an_answer_with_only_what_is_new_is_understood(web: WebServer) -> None:
    def answer(asked: Asked) -> Answer:
        if asked.headers.get("if-none-match") == '"1"' and asked.headers.get("a-im") == "feed":
            two = "<title>Two</title><link>https://a.example/2</link>"
            return Answer(226, rss(two).encode(), {"ETag": '"2"', "IM": "feed"})
        return Answer(200, rss(ITEM).encode(), {"ETag": '"1"'})

    web.answers["/feed"] = answer
    source = over_http(web.url("/feed"), web.address)
    first = poll(source)
    second = poll(source, first.memory)

    assert ids(second.items) == ["https://a.example/2"]
    assert second.memory.validators.etag == '"2"'
    assert web.asked[0].headers.get("a-im") is None


def test_what_the_feed_asks_for_is_passed_on(web: WebServer) -> None:
    web.serve("/feed", rss(ITEM, head="<ttl>240</ttl>"), Cache_Control="max-age=60")
    source = over_http(web.url("/feed"), web.address)
    first = poll(source)
    second = poll(source, first.memory)
    assert first.fresh_until is not None
    assert second.not_modified
    assert second.fresh_until == first.fresh_until


def test_a_page_without_any_feed_is_an_error_within_bounds(web: WebServer) -> None:
    web.serve("/", "<!doctype html><html>" + "<a href=/rss>x</a>" * 500 + "</html>", content_type="text/html")
    with pytest.raises(SourceError, match="web page"):
        poll(over_http(web.url("/"), web.address))
    assert len(web.asked) <= 10
