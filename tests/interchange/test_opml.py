"""OPML as readers write it, and worse; and OPML as feedbot writes it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.interchange import opml
from feedbot.interchange.listing import ListingError
from feedbot.interchange.opml import Outline


def document(body: str, head: str = '<?xml version="1.0"?>') -> bytes:
    return f"{head}<opml version='1.0'><head><title>x</title></head><body>\n{body}\n</body></opml>".encode()


def test_nested_outlines_and_categories_are_tags() -> None:
    listing = opml.read(
        document(
            """<outline text="Python"><outline title="Core">
                 <outline type="rss" text="A" title="A blog" xmlUrl="https://a.example/feed" category="/news/fast,own"/>
               </outline></outline>
               <outline TEXT="B" xmlurl="feed:https://b.example/rss"/>"""
        )
    )
    a, b = listing.subscriptions
    assert (a.url, a.title, a.settings) == (
        "https://a.example/feed",
        "A blog",
        {"tags": ["Python", "Core", "news", "fast", "own"]},
    )
    assert (b.url, b.title, b.settings) == ("https://b.example/rss", "B", {})
    assert listing.omitted == ()


def test_what_is_no_feed_is_told_with_its_line() -> None:
    listing = opml.read(
        document(
            '<outline type="rss" text="No address"/>\n<outline text="Empty folder"/>\n'
            '<outline type="rss" text="Mail" xmlUrl="mailto:x@example.org"/>\n<outline text="Blank" xmlUrl="  " />'
        )
    )
    assert listing.subscriptions == ()
    assert [one.where for one in listing.omitted] == ["line 2", "line 3", "line 4", "line 5"]
    assert "xmlUrl" in listing.omitted[0].reason
    assert "mailto:x@example.org is not on the web" in listing.omitted[2].reason


def test_bare_ampersands_and_names_of_html_are_understood() -> None:
    listing = opml.read(document('<outline text="R&D &eacute;&nbsp;&copy &amp;" xmlUrl="https://a.example/?a=1&b=2"/>'))
    (one,) = listing.subscriptions
    assert one.url == "https://a.example/?a=1&b=2"
    assert one.title == "R&D é &copy &"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings_are_understood(encoding: str) -> None:
    name = encoding.removesuffix("-sig")
    text = document('<outline text="Ümläut" xmlUrl="https://a.example/"/>', f'<?xml version="1.0" encoding="{name}"?>')
    (one,) = opml.read(text.decode().encode(encoding)).subscriptions
    assert one.title == "Ümläut"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not well-formed"),
        (b"<opml><body><outline", "line 1: this is not well-formed"),
        (b"<html></html>", "no OPML"),
        (b"https://a.example/\nhttps://b.example/\n", "not well-formed"),
        (document("", '<!DOCTYPE opml [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>'), "defines an entity (a)"),
        (document("", '<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]>'), "defines an entity (x)"),
        (document("<outline text='x'>" * 200 + "</outline>" * 200), "nested deeper"),
        (b"\x00\xff\xfe garbage", "not well-formed"),
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(data: bytes, words: str) -> None:
    with pytest.raises(ListingError) as refusal:
        opml.read(data)
    assert words in refusal.value.message


def test_a_list_without_end_is_refused() -> None:
    with pytest.raises(ListingError, match="more than 20000 feeds"):
        opml.read(document('<outline xmlUrl="https://a.example/"/>' * 20_001))


texts = st.text(max_size=20)


@given(st.lists(st.tuples(texts, texts, st.lists(texts, max_size=3))))
def test_what_is_written_is_read_again(feeds: list[tuple[str, str, list[str]]]) -> None:
    outlines = [
        Outline(title, f"https://a.example/{n}", site, tuple(tags)) for n, (title, site, tags) in enumerate(feeds)
    ]
    written = opml.write("list & more", outlines)
    listing = opml.read(written)
    assert [one.url for one in listing.subscriptions] == [outline.url for outline in outlines]
    assert opml.write("list & more", outlines) == written


def test_opml_2_is_written_with_tags_as_category() -> None:
    written = opml.write(
        "t", [Outline("A <b>", "https://a.example/?a&b", "https://a.example/", ("x", "y, z"))]
    ).decode()
    assert '<opml version="2.0">' in written
    assert (
        '<outline type="rss" text="A &lt;b&gt;" title="A &lt;b&gt;" xmlUrl="https://a.example/?a&amp;b" '
        'htmlUrl="https://a.example/" category="x,y z"/>'
    ) in written
