"""Channels and entries with speaking defaults, and strategies for entries that nobody would write."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from feedbot.formats.atom import AtomFormat
from feedbot.formats.jsonfeed import JsonFormat
from feedbot.formats.rss import RssFormat
from feedbot.model import Author, Channel, Enclosure, Entry

FORMATS = (AtomFormat, RssFormat, JsonFormat)


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 3, day, hour, 5, 9, tzinfo=UTC)


def channel(**fields: Any) -> Channel:
    defaults: dict[str, Any] = {
        "name": "all",
        "id": "https://example.org/feeds/all",
        "title": "Everything",
        "link": "https://example.org/",
        "description": "All there is",
        "language": "en",
        "urls": {form: f"https://example.org/feeds/all.{form}" for form in ("atom", "rss", "json")},
    }
    return Channel(**defaults | fields)


def entry(**fields: Any) -> Entry:
    defaults: dict[str, Any] = {
        "id": "https://example.org/hello",
        "source": "blog",
        "first_seen": at(9),
        "url": "https://example.org/hello",
        "title": "Hello",
        "content": "<p>Hello, world.</p>",
        "published": at(1),
    }
    return Entry(**defaults | fields)


def podcast(**fields: Any) -> Entry:
    return entry(
        enclosures=(
            Enclosure("https://example.org/1.mp3", "audio/mpeg", 1234),
            Enclosure("https://example.org/1.ogg", "audio/ogg"),
            Enclosure("https://example.org/notes"),
        ),
        **fields,
    )


NASTY = (
    "",
    " ",
    "]]>",
    "<![CDATA[x]]>",
    "a\x00b\x0bc\x1fd",
    "\ud83d alone",
    "\ufffe\uffff",
    "&amp; & &nbsp; &#x0;",
    "<script>alert(1)</script>",
    "<p>not closed",
    "line\r\nbreak\u2028\x85\ttab",
    "\U0001f600 é",
    "x" * 20_000,
)
ADDRESSES = (
    "https://example.org/a b",
    "https://example.org/'\"<>{}|\\^`",
    "https://example.org/?q=%zz&x=[1]#f#g",
    "https://example.org/\u00fcber/\u2028",
    "http://[::1",
    "http://",
    "javascript:alert(1)",
    "data:text/html,x",
    "magnet:?xt=urn:btih:abc",
    "/relative/path",
    "//host/path",
    "mailto:a@example.org",
)
_characters = st.characters(exclude_categories=())
strings = st.one_of(st.text(_characters, max_size=40), st.sampled_from(NASTY[:-1]), st.sampled_from(ADDRESSES))
moments = st.datetimes(timezones=st.just(UTC))
authors = st.builds(Author, strings, strings, strings)
enclosures = st.builds(Enclosure, strings, strings, st.one_of(st.none(), st.integers()))
extras = st.dictionaries(
    st.sampled_from(("comments", "duration", "episode", "explicit")),
    st.one_of(strings, st.integers(), st.none(), st.lists(strings, max_size=2)),
)
entries = st.builds(
    Entry,
    id=strings,
    source=st.just("blog"),
    first_seen=moments,
    url=strings,
    title=strings,
    authors=st.lists(authors, max_size=3).map(tuple),
    published=st.none() | moments,
    updated=st.none() | moments,
    tags=st.lists(strings, max_size=3).map(tuple),
    summary=strings,
    content=strings,
    language=strings | st.sampled_from(("de", "en_US", "zh-Hant-TW")),
    enclosures=st.lists(enclosures, max_size=3).map(tuple),
    image=strings,
    extra=extras,
)
channels = st.builds(
    Channel,
    name=strings,
    id=strings,
    title=strings,
    link=strings,
    description=strings,
    language=strings,
    urls=st.dictionaries(st.sampled_from(("atom", "rss", "json")), strings),
    updated=st.none() | moments,
)
