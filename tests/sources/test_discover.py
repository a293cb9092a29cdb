"""Where the feeds of a page are looked for, and in which order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feedbot.sources.feed.discover import WELL_KNOWN, Candidate, candidates

PAGE = "https://blog.example/posts/"


def found(text: str, url: str = PAGE, **headers: str) -> list[str]:
    return [one.url for one in candidates(text, url, headers)]


def stated(text: str, url: str = PAGE, **headers: str) -> list[str]:
    return [one.url for one in candidates(text, url, headers) if one.stated]


def test_link_elements_come_in_their_order_with_comments_last() -> None:
    page = """<!doctype html><head>
      <LINK REL=alternate TYPE="application/rss+xml" TITLE="My blog » Comments" HREF=/comments/feed/>
      <link rel="alternate home" type='application/atom+xml; charset=utf-8' href='../atom.xml' title='My &amp; blog'>
      <link rel="alternate" type="application/feed+json" href="https://cdn.example/feed.json#x">
      <link rel="alternate" hreflang="de" href="/de/"><link rel="stylesheet" type="text/css" href="a.css">"""
    assert stated(page) == [
        "https://blog.example/atom.xml",
        "https://cdn.example/feed.json",
        "https://blog.example/comments/feed/",
    ]
    assert candidates(page, PAGE, {})[0] == Candidate("https://blog.example/atom.xml", "My & blog")


def test_addresses_are_read_against_the_base_of_the_page() -> None:
    page = '<base href="https://other.example/x/"><link rel=alternate type=application/rss+xml href=rss>'
    assert stated(page) == ["https://other.example/x/rss"]


def test_the_link_header_is_read() -> None:
    header = '</style.css>; rel=preload, <feed.xml>; rel="alternate"; type="application/rss+xml"; title="a, b"'
    assert stated("<html>", link=header) == ["https://blog.example/posts/feed.xml"]


def test_an_api_of_a_blog_is_no_feed_and_a_json_feed_is_one() -> None:
    page = """<link rel="alternate" type="application/json" href="/wp-json/wp/v2/posts/1">
              <link rel="alternate" type="application/json" href="/feed.json">"""
    assert stated(page) == ["https://blog.example/feed.json"]


def test_links_that_look_like_feeds_come_next_and_well_known_paths_last() -> None:
    page = '<a href="/about">feed me</a><a href="/blog/rss">RSS</a><a href="feed://x.example/atom.xml">Atom</a>'
    assert found(page)[:2] == ["https://blog.example/blog/rss", "http://x.example/atom.xml"]
    assert found(page)[2:] == [
        *(f"https://blog.example/posts/{path}" for path in WELL_KNOWN),
        *(f"https://blog.example/{path}" for path in WELL_KNOWN),
    ]


def test_what_a_browser_would_not_open_is_left_out() -> None:
    page = "".join(
        f'<link rel=alternate type=application/rss+xml href="{href}">'
        for href in ("javascript:alert(1)", "data:text/xml,x", "file:///etc/passwd", "http://[", PAGE, "")
    )
    assert stated(page) == []


@given(st.text(max_size=300), st.text(max_size=100), st.text(max_size=40))
def test_nothing_that_a_page_says_makes_it_fail(text: str, header: str, path: str) -> None:
    for one in candidates(text, f"https://blog.example/{path}", {"link": header}):
        assert one.url.startswith(("http://", "https://"))


def test_half_a_character_is_passed_over() -> None:
    assert stated('<link rel=alternate type=application/rss+xml href="/\ud800rss">') == ["https://blog.example/rss"]


def test_a_hostile_page_takes_no_time() -> None:
    for page in ("<a " * 300_000, '<a href="' * 100_000, "<div>" * 200_000, "<!--" * 200_000):
        candidates(page, PAGE, {"link": "<" * 20_000})
