"""Feeds that are made to be slow, large or strange."""

from __future__ import annotations

import gc
import sys
import time

import pytest

from feedbot.errors import SourceError
from feedbot.sources.feed import discover, webpage, xmlfeed
from feedbot.sources.feed.survey import survey
from tests.sources.feeds import NOW, read, rss

CHAIN = "".join(f'<!ENTITY {name} "{f"&{inner};" * 10}">' for inner, name in zip("abcdefgh", "bcdefghi", strict=True))
LAUGHS = f'<!DOCTYPE x [<!ENTITY a "ha">{CHAIN}]>'


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (rss("".join(f"<category>c{n}</category>" for n in range(50_000))), "categories"),
        (rss(f"<keywords>{'a,' * 50_000}</keywords>"), "categories"),
        (rss(head=f"<keywords>{'&#x61;&#44;' * 50_000}</keywords>"), "categories"),
        (rss("<a " + " ".join(f"a{n}=''" for n in range(100_000)) + "/>"), "attributes"),
        (rss("<a>" * 100_000 + "</a>" * 100_000), "deep"),
        (rss("<author>" + "a" * 300_000 + "</author>"), "letters"),
        (rss("<author>" + "&#97;" * 100_000 + "</author>"), "letters"),
        (rss("& <author><b>" + "a<!-- -->" * 100_000 + "</b></author>"), "letters"),
        (f"<?xml version='1.0'?>{'<!-- -->' * 10_000}{rss(before='')}", "first element"),
        (f'<!DOCTYPE x [<!ENTITY a "{"a" * 5_000}">]>{rss("<author>&a;</author>", before="")}', "entities"),
        ("[" * 1_000_000, "deeply"),
        ('{"items": [' + "1" * 5_000 + "]}", "too large"),
    ],
)
def test_what_would_take_minutes_is_refused_at_once(body: str, says: str) -> None:
    start = time.monotonic()

    with pytest.raises(SourceError, match=says):
        read(body)

    assert time.monotonic() - start < 3


@pytest.mark.parametrize(
    "body",
    [
        "<a <!-- &x &" * 90_000,
        rss("<a <!-- &x &" * 50_000),
        LAUGHS + rss("<title>&i;</title>", before=""),
        '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + rss("<guid>&a;</guid>", before=""),
        rss("<title>" + "&lt;b&gt;" * 100_000 + "</title>"),
    ],
)
def test_odd_documents_take_no_time(body: str) -> None:
    start = time.monotonic()

    try:
        items = read(body)
    except SourceError:
        items = ()

    assert time.monotonic() - start < 5
    assert "root:" not in "".join(item.id for item in items)


@pytest.mark.parametrize("tag", ["<link ", "<feed ", "<!-- ", "<link rel=alternate type=application/rss+xml href=x>"])
def test_a_page_is_looked_over_at_once(tag: str) -> None:
    page = "<html>" + tag * 200_000
    start = time.monotonic()

    assert webpage.is_web_page(page)
    assert len(discover.candidates(page, "https://a.example/", {})) < 100

    assert time.monotonic() - start < 3


def test_a_thousand_names_in_one_author_are_no_attack() -> None:
    names = ", ".join(f"Ann Author{n}" for n in range(3_000))

    (item,) = read(rss(f"<guid>x</guid><author>{names}</author>"))

    assert item.authors


def test_reading_ends_when_its_time_is_up() -> None:
    start = time.monotonic()

    with pytest.raises(SourceError, match=r"takes more than 0\.5 s"):
        xmlfeed.read(rss("& <b>" * 200_000), "https://a.example/feed", NOW, seconds=0.5)

    assert time.monotonic() - start < 2


@pytest.mark.parametrize("body", [rss("<guid>x</guid>"), rss("<guid>x"), "<rss><a></b>"])
def test_a_document_does_not_stay_in_memory_until_somebody_tidies_up(body: str) -> None:
    data = body.encode()
    gc.disable()
    try:
        before = sys.getrefcount(data)
        survey(data)
        assert sys.getrefcount(data) == before
    finally:
        gc.enable()
