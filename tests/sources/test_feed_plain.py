"""Plain RSS and Atom are read without feedparser, and come out as it gives them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import feedparser.api
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from feedbot.errors import SourceError
from feedbot.sources.feed import elements, parse, plain, values, vocabulary
from feedbot.sources.feed.decode import decode, readable_xml
from feedbot.sources.feed.parsed import Parsed
from feedbot.sources.feed.survey import survey
from tests.conftest import CORPUS, PROJECT
from tests.sources.feeds import NOW, atom, rss
from tests.support.examples import examples

URL = "https://a.example/feed"
DATA = Path(__file__).resolve().parents[1] / "data" / "feeds"
XML = sorted([*(CORPUS / "feeds").glob("*.xml"), *DATA.glob("*.rss"), *DATA.glob("*.atom")])
SPACES = {
    "a": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "georss": "http://www.georss.org/georss",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "slash": "http://purl.org/rss/1.0/modules/slash/",
    "thr": "http://purl.org/syndication/thread/1.0",
    "x": "urn:x",
}
DECLARED = "".join(f" xmlns:{prefix}='{uri}'" for prefix, uri in SPACES.items())


def both_ways(data: bytes) -> tuple[Parsed | None, Parsed | None]:
    """What is read without feedparser (None where it is left to it), and with it."""
    own = plain.read(data)
    theirs = parse.made_of(parse.by_feedparser(data), URL, NOW)
    return (parse.made_of(own, URL, NOW) if own else None), theirs


def is_plain(text: str) -> bool:
    return plain.read(text.encode()) is not None


@pytest.mark.parametrize("feed", XML, ids=lambda path: path.name)
def test_real_feeds_come_out_as_feedparser_gives_them(feed: Path) -> None:
    try:
        found = survey(readable_xml(decode(feed.read_bytes()))[0].encode())
    except SourceError:
        return
    own, theirs = both_ways(found.part)

    assert own is None or own == theirs


def test_what_most_feeds_are_like_needs_no_feedparser() -> None:
    podcast = (
        "<title>T</title><link>https://a.example/1</link><guid isPermaLink='false'>1</guid>"
        "<pubDate>Tue, 03 Mar 2026 10:00:00 GMT</pubDate><dc:creator>Ann</dc:creator><category>c</category>"
        "<description><![CDATA[<p>x</p>]]></description><content:encoded>&lt;p&gt;x&lt;/p&gt;</content:encoded>"
        "<enclosure url='https://a.example/1.mp3' type='audio/mpeg' length='5'/><itunes:duration>10</itunes:duration>"
        "<itunes:image href='https://a.example/1.png'/><slash:comments>3</slash:comments><x:y><x:z/></x:y>"
    )
    head = "<link>https://a.example/</link><a:link rel='self' href='https://a.example/feed'/><language>en</language>"
    post = (
        "<id>a:1</id><title type='html'>T</title><link href='https://a.example/1'/><updated>2026-03-03T10:00:00Z</updated>"
        "<author><name>Ann</name><uri>https://a.example/</uri></author><category term='c'/>"
        "<content type='html' xml:base='https://a.example/1' xml:lang='en'>&lt;p&gt;x&lt;/p&gt;</content>"
    )

    assert is_plain(rss(podcast, head=head, before="").replace("<rss", f"<rss{DECLARED}"))
    assert is_plain(atom(post, head="<id>a:0</id><updated>2026-03-03T10:00:00Z</updated>"))


@pytest.mark.parametrize(
    "text",
    [
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'/>",
        "<feed xmlns='http://purl.org/atom/ns#' version='0.3'><entry/></feed>",
        "<!DOCTYPE rss [<!ENTITY a 'b'>]>" + rss("<title>&a;</title>", before=""),
        rss("<description>a <b>b</b></description>", before=""),
        rss("<guid>1</guid>&nbsp;", before=""),
        rss("<pubDate>sometime</pubDate>", before=""),
        rss("<item/>", before=""),
        rss("<x:y xmlns:x='urn:x'><title>T</title></x:y>", before=""),
        rss("<media:title xmlns:media='urn:another'>T</media:title>", before=""),
        rss("<dc:title xmlns:dc='http://search.yahoo.com/mrss/'>T</dc:title>", before=""),
        rss("<author>Ann ann@a.example</author><author>Ben</author>", before=""),
        rss("<link x:href='y' xmlns:x='urn:x'/>", before=""),
        atom("<content type='image/png'>iVBORw0=</content>"),
        atom("<content mode='base64'>aGVsbG8=</content>"),
        atom("<content xml:base='feed://a.example/'>x</content>"),
        "<svg/>",
    ],
)
def test_what_may_mean_something_else_is_left_to_feedparser(text: str) -> None:
    assert not is_plain(text)


def test_feedparser_is_not_even_loaded_for_a_plain_feed() -> None:
    program = (
        "import sys; from tests.sources.feeds import *\n"
        "assert one(rss('<guid>1</guid><title>a</title>')).id == '1'\n"
        "assert 'feedparser' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program], check=True, cwd=PROJECT)


def test_all_that_feedparser_has_a_way_of_its_own_for_is_known_here() -> None:
    """A newer feedparser with more such elements or namespaces fails this, and then they are to be looked at."""
    strict = feedparser.api.StrictFeedParser
    ways = [name.split("_", 2)[2].lower() for name in dir(strict) if name.startswith(("_start_", "_end_"))]

    assert {name for name in ways if not name.startswith(OF_NO_INTEREST)} <= elements.MEANINGFUL
    for uri, prefix in strict.namespaces.items():
        own = vocabulary.NAMESPACES.get(uri.lower())
        if own is None and uri.lower() not in vocabulary.LEFT_ALONE:
            assert prefix not in {"", *vocabulary.NAMESPACES.values()}
        assert own in (None, prefix)


OF_NO_INTEREST = (
    "admin_", "cc_", "creativecommons_", "geo", "gml_", "psc_", "where", "dcterms_valid",
    "media_credit", "media_license", "media_player", "media_rating", "media_restriction",
)  # fmt: skip

# Documents of all that may stand in one

TEXTS = st.sampled_from([
    "", "  ", "T", " two\n lines ", "&lt;p&gt;x &amp;amp; y&lt;/p&gt;", "<![CDATA[<b>c</b> & d]]>",
    "a<!-- c -->b<?pi x?>c",
    "AT&amp;amp;T", "&amp;nbsp;x", "\u00c3\u00a4", "Gr\u00fc\u00dfe \u201cq\u201d", "a\u0093b\u0094\u0081",
    "&#160;x&#160;", "&lt;zz&gt;x&lt;/zz&gt;", "&lt;script&gt;1&lt;/script&gt; &amp;copy;", "a, b,, c",
    "yes", "clean", "5", "\U0001f600",
])  # fmt: skip
ADDRESSES = st.sampled_from([
    "", "https://a.example/1", "/rel", "?p=1", "a b", "HTTPS://A.example/x", "http:///x", "https://a.example/a;b?#",
    "javascript:alert(1)", "urn:x:1", "//b.example/x", "http://[", "https://a.example/?a=1&amp;amp;b=2&amp;copy;", "#f",
    "https://\u00fc.example/\u00e4", "  https://a.example/ws ", "../up", "tag:a.example,2026:1", "https://a.example",
    "mailto:a@a.example",
])  # fmt: skip
DATES = st.sampled_from([
    "", "2026-01-02", "Tue, 03 Mar 2026 10:00:00 GMT", "2026-03-03T10:00:00+02:00", "1970-01-01", "3 Mar 26 10:00",
    "soon",
])  # fmt: skip
PEOPLE = st.sampled_from([
    "", "Ann", "ann@a.example (Ann)", "Ann &lt;ann@a.example&gt;", "(Ann)", "ann@a.example", "x @ y",
    "\u00c3\u00a4 Ann",
])  # fmt: skip
BASES = st.sampled_from([
    *[""] * 50, " xml:base='https://b.example/x/'", " xml:base='sub/'", " xml:base='/?'", " base='http://c.example'",
    " xml:base='https://d.example/?' xml:lang='en'", " xml:lang='de_AT'", " xml:lang=''", " lang='fr'", " x:o='1'",
])  # fmt: skip
TYPES = st.sampled_from([
    *[""] * 20, *[" type='html'", " type='text'", " type='text/html'", " type='text/plain'"] * 3,
    " type='xhtml'", " type='text/x'", " type='TEXT/HTML'",
])  # fmt: skip
RELATIONS = st.sampled_from(["self", "alternate", "ENCLOSURE", "related", "", "hub"])
KINDS = st.sampled_from(["text/html", "audio/mpeg", "HTML", "application/json", "image/png", "VIDEO/mp4", "image"])


def element(names: str, inside: st.SearchStrategy[str], *given: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Elements of any of the names, with attributes and something inside."""
    written = st.tuples(st.sampled_from(names.split()), st.tuples(BASES, *given).map("".join), inside)
    return written.map(
        lambda parts: f"<{parts[0]}{parts[1]}>{parts[2]}</{parts[0]}>" if parts[2] else f"<{parts[0]}{parts[1]}/>"
    )


def attribute(name: str, values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    quoted = values.map(lambda value: f' {name}="{value}"' if "<" not in value else "")
    return st.one_of(st.just(""), quoted)


PERSON = st.lists(
    element("name a:name itunes:name", TEXTS) | element("email a:email itunes:email", PEOPLE)
    | element("uri a:uri url", ADDRESSES) | element("x:image x:y", st.just(""), attribute("rel", TEXTS)),
    max_size=3,
).map("".join)  # fmt: skip
CATEGORIES = element(
    "category a:category dc:subject media:category keywords", TEXTS,
    attribute("term", TEXTS), attribute("scheme", TEXTS), attribute("label", TEXTS), attribute("domain", TEXTS),
)  # fmt: skip
LINKS = element(
    "link a:link", ADDRESSES, attribute("rel", RELATIONS), attribute("href", ADDRESSES), attribute("type", KINDS)
)
MEDIA = element(
    "media:thumbnail media:content enclosure media:player media:credit", ADDRESSES,
    attribute("url", ADDRESSES), attribute("href", ADDRESSES), attribute("type", KINDS),
    attribute("medium", KINDS), attribute("isDefault", st.just("true")), attribute("width", st.just("100")),
)  # fmt: skip
SAID = element(
    "title a:title dc:title media:title description dc:description media:description summary a:summary "
    "itunes:summary content a:content content:encoded rights a:rights dc:rights subtitle itunes:subtitle info",
    TEXTS, TYPES,
)  # fmt: skip
DATED = element(
    "pubDate a:published a:updated dc:date dcterms:created dcterms:modified lastBuildDate issued expirationDate",
    DATES,
)
NAMED = element("author a:author dc:creator managingEditor itunes:author webMaster dc:publisher", PEOPLE | PERSON)
OTHERS = (
    element("guid id a:id", ADDRESSES, attribute("isPermaLink", st.sampled_from(["true", "false", "TRUE"])))
    | element(
        "comments itunes:duration itunes:episode itunes:episodeType itunes:explicit itunes:block",
        TEXTS | ADDRESSES,
        TYPES,
    )
    | element("image source", TEXTS)
    | element("itunes:keywords media:keywords itunes:category", TEXTS, attribute("text", TEXTS))
    | element("itunes:image", st.just(""), attribute("href", ADDRESSES), attribute("url", ADDRESSES))
    | element("itunes:owner contributor a:contributor", PERSON)
    | element(
        "slash:comments x:y thr:in-reply-to georss:point foo language dc:language dc:contributor name url generator",
        TEXTS,
    )
    | element(
        "x:y media:group media:content georss:where", element("x:z x:y slash:z", TEXTS), attribute("ref", ADDRESSES)
    )
)
PLAIN = SAID | LINKS | DATED | NAMED | CATEGORIES | MEDIA | OTHERS
SOURCES = st.lists(NAMED | LINKS | element("title id updated rights subtitle", TEXTS), max_size=3).map("".join)
OF_ENTRY = (
    PLAIN
    | element("media:group media:content", st.lists(SAID | MEDIA | CATEGORIES | DATED, max_size=3).map("".join))
    | element("source a:source", SOURCES, attribute("url", ADDRESSES))
)
OF_FEED = PLAIN | element(
    "image textInput", st.lists(element("title link url description name", TEXTS), max_size=3).map("".join)
)
INSIDE = st.lists(OF_ENTRY, max_size=6).map("".join)
ENTRIES = st.lists(element("ENTRY", INSIDE), max_size=3).map("".join)
HEAD = st.lists(OF_FEED, max_size=4).map("".join)
RSS = ("rss version='2.0'", "item")
ROOTS = st.sampled_from([RSS, ("feed", "entry")])


@examples(60)
@given(ROOTS, BASES, HEAD, ENTRIES, HEAD)
@example(
    RSS,
    "",
    "<itunes:summary>a</itunes:summary><description>b</description>",
    "<item><description>a</description><description>b</description></item>",
    "",
)
@example(RSS, "", "", "<item><author>Ann</author><author><name>Ben</name></author></item>", "")
@example(RSS, "", "", "<item><image/><title>a</title><source><title>b</title></source><title>c</title></item>", "")
def test_any_document_comes_out_as_feedparser_gives_it(
    root: tuple[str, str], base: str, head: str, entries: str, tail: str
) -> None:
    data = document(root, base, head, entries, tail)

    own, theirs = both_ways(data)

    assert own is None or own == theirs


def document(root: tuple[str, str], base: str, head: str, entries: str, tail: str) -> bytes:
    name, entry = root
    inside = f"{head}{entries.replace('ENTRY', entry)}{tail}"
    if entry == "entry":
        return f"<feed xmlns='{SPACES['a']}'{DECLARED}{base}>{inside}</feed>".encode()
    return f"<{name}{DECLARED}{base}><channel>{inside}</channel></rss>".encode()


@examples(40)
@given(
    ADDRESSES,
    st.sampled_from(["http://feedbot.invalid/-/", "https://b.example/x/", "http://c.example"]),
    st.text(max_size=8),
    st.data(),
)
def test_addresses_are_joined_as_feedparser_does(address: str, base: str, more: str, data: Any) -> None:
    at = data.draw(st.integers(0, len(address)))
    changed = address[:at] + more + address[at:]

    for one in (address, changed):
        assert values.joined(base, one) == feedparser.urls._urljoin(base, one)
