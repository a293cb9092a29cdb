"""What a page for people must be: whole, safe, and useful to whoever clicked a feed; and whose entries a feed has."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from feedbot.core.publication import Origin, Publication, Sibling
from feedbot.formats import overview
from feedbot.formats.atom import AtomFormat
from feedbot.formats.htmlpage import HtmlFormat
from feedbot.formats.rss import RssFormat
from feedbot.formats.validity import problems
from feedbot.interchange import opml
from feedbot.model import Author, Channel, Entry
from tests.formats import samples
from tests.formats.rules import check_atom, check_rss
from tests.formats.samples import FORMATS, channel, entry, podcast
from tests.support.examples import examples

whatever = examples(20, suppress_health_check=[HealthCheck.too_slow])
VOID = {"meta", "link", "br", "img", "hr", "wbr", "col", "source", "area"}


class Reader(HTMLParser):
    """Sees to it that elements are closed in order, and that none runs anything."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "iframe", "form", "object", "svg", "base")
        for name, value in attrs:
            assert not name.startswith("on")
            if name in ("href", "src", "srcset", "poster", "cite"):
                assert not (value or "").strip().lower().startswith(("javascript:", "data:"))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def check_page(data: bytes) -> str:
    reader = Reader()
    text = data.decode()
    reader.feed(text)
    assert reader.open == []
    assert problems(data) == []
    return text


def publication() -> Publication:
    return Publication(
        name="all", id="tag:example.org:all", title="All", link="https://example.org/", description="",
        path="all/tag/x", stylesheet="../../feed.css",
        siblings=(Sibling("atom", "all/tag/x.atom", "application/atom+xml"),),
        origins={"blog": Origin("A <b> blog", "https://blog.example/", "https://blog.example/feed")},
    )  # fmt: skip


@whatever
@given(samples.channels, st.lists(samples.entries, max_size=4))
def test_a_page_is_whole_and_runs_nothing_whatever_comes_in(feed: Channel, entries: list[Entry]) -> None:
    check_page(HtmlFormat().render(feed, entries))


@whatever
@given(samples.strings, samples.strings)
def test_the_page_and_the_list_of_all_feeds_are_whole_whatever_they_are_called(title: str, about: str) -> None:
    row = overview.Row(title, "all", 3, (("text/html", "all.html"), ("application/atom+xml", "all.atom")), about)
    check_page(overview.index([row], "https://example.org/", "feeds.opml"))
    check_page(overview.contents(title, "tag", "all/tag/index.html", [row]))
    listed = overview.sealed_list(opml.write(title, [opml.Outline(title, "https://example.org/all.atom")]))
    assert [one.url for one in opml.read(listed).subscriptions] == ["https://example.org/all.atom"]


@whatever
@given(samples.channels, st.lists(samples.entries, max_size=3, unique_by=lambda one: one.id))
def test_what_is_published_is_valid_by_the_rules_that_users_are_given(feed: Channel, entries: list[Entry]) -> None:
    for form in FORMATS:
        found = problems(form().render(feed, entries))
        assert [one for one in found if "of another" not in one] == []


def test_a_page_offers_the_other_formats_and_is_found_by_readers() -> None:
    text = check_page(HtmlFormat().render(publication(), [podcast()]))
    assert '<link rel="alternate" type="application/atom+xml" href="x.atom"' in text
    assert '<a class="button" href="x.atom">Atom</a>' in text
    assert '<audio controls preload="none" src="https://example.org/1.mp3">' in text


def test_an_entry_of_another_feed_names_it() -> None:
    atom = AtomFormat().render(publication(), [entry()])
    source = check_atom(atom).find("{*}entry/{*}source")
    assert source is not None
    assert [source.findtext("{*}id"), source.findtext("{*}title")] == ["https://blog.example/feed", "A <b> blog"]
    item = check_rss(RssFormat().render(publication(), [entry()])).find("item/source")
    assert item is not None
    assert (item.get("url"), item.text) == ("https://blog.example/feed", "A <b> blog")
    assert atom.splitlines()[1] == b'<?xml-stylesheet type="text/css" href="../../feed.css"?>'


def test_words_from_right_to_left_stay_where_they_are() -> None:
    page = (
        HtmlFormat()
        .render(channel(), [entry(title="שלום", tags=("\u202ereversed",), authors=(Author("Ann"),))])
        .decode()
    )
    assert '<article dir="auto">' in page
    assert "<bdi>Ann</bdi> · <bdi>\u202ereversed</bdi>" in page
