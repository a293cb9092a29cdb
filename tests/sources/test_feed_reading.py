"""How what feeds say is understood."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.errors import SourceError
from feedbot.model import Author, Item
from feedbot.sources.feed.decode import decode
from feedbot.sources.feed.identity import identified
from tests.sources.feeds import NOW, atom, ids, one, read, rss
from tests.support.examples import examples


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("Plain", "Plain"),
        ("AT&amp;T", "AT&T"),
        ("AT&amp;amp;T", "AT&T"),
        ("&lt;b&gt;Bold&lt;/b&gt; move", "Bold move"),
        ("<![CDATA[<em>a</em> &amp; b]]>", "a & b"),
        ("Using &lt;div&gt; in HTML", "Using <div> in HTML"),
        ("The &lt;b&gt; element", "The <b> element"),
        ("1 &lt; 2 and 3 &gt; 2", "1 < 2 and 3 > 2"),
        ("&amp;lt;script&amp;gt; tags", "<script> tags"),
        ("?a=1&amp;copy=2", "?a=1&copy=2"),
        ("two\n  lines", "two lines"),
    ],
)
def test_titles_of_rss_become_text(written: str, title: str) -> None:
    assert one(rss(f"<title>{written}</title><guid>x</guid>")).title == title


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("<title>a &lt; b &amp;amp; c</title>", "a < b &amp; c"),
        ("<title type='html'>a &amp;lt; &lt;i&gt;b&lt;/i&gt;</title>", "a < b"),
        ("<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>a <b>b</b></div></title>", "a b"),
    ],
)
def test_titles_of_atom_are_what_they_say_they_are(written: str, title: str) -> None:
    assert one(atom(f"<id>a:1</id>{written}")).title == title


MARCH = datetime(2026, 3, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dates", "published", "updated"),
    [
        ("<pubDate>Tue, 03 Mar 2026 10:00:00 CEST</pubDate>", datetime(2026, 3, 3, 8, tzinfo=UTC), None),
        ("<pubDate>Thu, 01 Jan 1970 00:00:00 GMT</pubDate>", None, None),
        ("<pubDate>Fri, 01 Jan 2100 00:00:00 GMT</pubDate>", None, None),
        ("<pubDate>yesterday</pubDate>", None, None),
        ("<pubDate>2016/6/29</pubDate>", datetime(2016, 6, 29, tzinfo=UTC), None),
        ("<pubDate>2016/29/6</pubDate>", None, None),
        ("<pubDate>2025-13-01</pubDate>", None, None),
        ("<pubDate>2025年11月21日</pubDate>", datetime(2025, 11, 21, tzinfo=UTC), None),
        ("<pubDate>Tue, 03 Mar 2026 10:00:00 Middle/Earth</pubDate>", datetime(2026, 3, 3, 10, tzinfo=UTC), None),
        ("<a:updated>2026-03-03T10:00:00Z</a:updated>", MARCH, MARCH),
    ],
)  # fmt: skip
def test_dates_are_read_strictly_and_doubted(dates: str, published: datetime | None, updated: datetime | None) -> None:
    item = one(rss(f"<guid>x</guid>{dates}").replace("<rss", "<rss xmlns:a='http://www.w3.org/2005/Atom'"))

    assert (item.published, item.updated) == (published, updated)


@pytest.mark.parametrize(
    ("written", "author"),
    [
        ("<author>ann@a.example (Ann Lee)</author>", Author("Ann Lee", "", "ann@a.example")),
        ("<author>Ann Lee &lt;ann@a.museum&gt;</author>", Author("Ann Lee", "", "ann@a.museum")),
        ("<author>ann@a.photography</author>", Author("", "", "ann@a.photography")),
        ("<author>Ann Lee</author>", Author("Ann Lee")),
    ],
)
def test_authors_of_rss_are_told_from_their_mail_addresses(written: str, author: Author) -> None:
    assert one(rss(f"<guid>x</guid>{written}")).authors == (author,)


def test_an_entry_without_authors_has_those_of_its_origin_or_of_the_feed() -> None:
    own, origin, feeds = read(
        atom(
            "<id>a:1</id><author><name>Own</name></author>",
            "<id>a:2</id><source><author><name>Origin</name></author></source>",
            "<id>a:3</id>",
            head="<author><name>Feed</name></author>",
        )
    )

    assert [item.authors[0].name for item in (own, origin, feeds)] == ["Own", "Origin", "Feed"]


def test_the_description_is_the_content_unless_there_is_more() -> None:
    spaces = 'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:media="http://search.yahoo.com/mrss/"'
    story = "<description>&lt;p&gt;The whole story, told at length.&lt;/p&gt;</description>"
    for more in ("<itunes:summary>The story</itunes:summary>", "<media:description>A photo</media:description>"):
        for texts in (story + more, more + story):
            item = one(rss(f"<guid>x</guid>{texts}").replace("<rss", f"<rss {spaces}"))
            assert item.content == "<p>The whole story, told at length.</p>"


def test_media_descriptions_keep_their_lines_and_thumbnails_become_the_image() -> None:
    item = one(
        atom(
            "<id>a:1</id><m:group xmlns:m='http://search.yahoo.com/mrss/'>"
            "<m:content url='https://v.example/v/1' type='application/x-shockwave-flash'/>"
            "<m:thumbnail url='https://v.example/1.jpg'/><m:description>One\n\nTwo</m:description></m:group>"
        )
    )

    assert item.content == "<p>One</p><p>Two</p>"
    assert item.image == "https://v.example/1.jpg"
    assert item.enclosures == ()


def test_a_file_inside_an_atom_entry_is_not_taken_for_text() -> None:
    item = one(atom("<id>a:1</id><summary>A picture</summary><content type='image/png'>iVBORw0=</content>"))

    assert item.content == "<p>A picture</p>"


def test_a_linked_list_keeps_where_it_points_and_reads_its_own_pictures_at_home() -> None:
    item = one(
        atom(
            "<id>a:1</id><link rel='alternate' href='https://elsewhere.example/x'/>"
            "<link rel='related' href='https://a.example/1'/><content type='html'>x</content>",
            head="<link href='https://a.example/'/>",
        )
    )

    assert item.url == "https://elsewhere.example/x"
    assert item.base == "https://a.example/feed"


@pytest.mark.parametrize("guid", ["12345", "/posts/1", "?p=1", "a b", "urn:x:1"])
def test_ids_stay_as_they_came_though_they_look_relative(guid: str) -> None:
    assert one(rss(f"<guid> {guid} </guid>")).id == guid


def test_a_base_of_one_entry_does_not_leak_into_the_next() -> None:
    first, second = read(
        atom(
            "<id>a:1</id><link xml:base='https://b.example/' href='1'/><content type='html'>x</content>",
            "<id>a:2</id><link href='2'/><content type='html'>x</content>",
        )
    )

    assert first.url == "https://b.example/1"
    assert second.url == "https://a.example/2"


def test_a_guid_that_is_no_address_is_no_link() -> None:
    assert one(rss("<guid>12345</guid>")).url == ""
    assert one(rss("<guid>https://a.example/1</guid>")).url == "https://a.example/1"
    assert one(rss("<guid isPermaLink='false'>https://a.example/1</guid>")).url == ""


def test_dangerous_links_are_dropped() -> None:
    assert one(rss("<guid>x</guid><link>javascript:alert(1)</link>")).url == ""


def test_identity_may_be_the_link_or_the_content() -> None:
    items = [
        Item(id="1", url="https://a.example/1", title="A"),
        Item(id="2", url="https://a.example/2", title="A"),
        Item(id="3", title="B"),
    ]

    assert ids(identified(items, "id")) == ["1", "2", "3"]
    assert ids(identified(items, "link")) == ["https://a.example/1", "https://a.example/2", "3"]
    by_content = ids(identified(items, "content"))
    assert len(by_content) == 2
    assert all(name.startswith("urn:sha256:") for name in by_content)


def test_an_item_that_says_nothing_is_no_entry() -> None:
    assert ids(read(rss("", "<guid>x</guid>", "<pubDate>Tue, 03 Mar 2026 10:00:00 GMT</pubDate>"))) == ["x"]
    assert read('{"items": [{}]}') == ()


def test_more_than_the_limits_is_cut_down_with_a_note() -> None:
    many = "".join(f"<category>t{n}</category><enclosure url='https://a.example/{n}'/>" for n in range(70))

    item = one(rss(f"<guid>x</guid><title>{'word ' * 4000}</title><description>{'x' * 1_100_000}</description>{many}"))

    assert len(item.tags) == 64
    assert len(item.enclosures) == 16
    assert len(item.title) <= 10_000
    assert len(item.content) == 1_000_000


def test_no_more_than_the_first_five_thousand_entries_are_read() -> None:
    items = read(rss(*(f"<guid>{n}</guid>" for n in range(5_001))))

    assert ids(items) == [str(n) for n in range(5_000)]


TEXT = "Äpfel – “gut”"


@pytest.mark.parametrize(
    ("encoding", "declared", "content_type"),
    [
        ("utf-8", "", ""),
        ("utf-8", "", "text/xml"),
        ("utf-8-sig", "", "text/xml; charset=iso-8859-1"),
        ("utf-8", "utf-8", "application/xml; charset=ISO-8859-1"),
        ("utf-16", "utf-16", ""),
        ("utf-16-le", "utf-16", ""),
        ("windows-1252", "windows-1252", ""),
        ("windows-1252", "iso-8859-1", ""),
        ("windows-1252", "utf-8", ""),
        ("windows-1252", "", "application/rss+xml; charset=windows-1252"),
        ("utf-8", "no-such-charset", "text/xml; charset=neither"),
        ("utf-8", "idna", ""),
    ],
)
def test_the_encoding_is_found(encoding: str, declared: str, content_type: str) -> None:
    before = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""

    item = one(rss(f"<guid>x</guid><title>{TEXT}</title>", before=before).encode(encoding), content_type)

    assert item.title == TEXT


def test_a_few_broken_bytes_do_not_spoil_the_rest() -> None:
    data = rss(f"<guid>x</guid><title>{TEXT}</title>").encode() + b"<!-- \xff -->"

    assert one(data).title == TEXT


def test_characters_that_xml_does_not_have_are_dropped_and_surrogates_joined() -> None:
    title = "a&#xD83D;b&#55357;c&#11;d&#x0;e\x0bf&#xD83D;&#xDE00;g&#55357;&#56832;&#99999999999999999999;"

    assert one(rss(f"<guid>x</guid><title>{title}</title>")).title == "abcdef😀g😀"


def test_blank_lines_before_the_declaration_do_not_matter() -> None:
    assert ids(read("\ufeff\n  \n" + rss("<guid>x</guid>"))) == ["x"]


def test_json_may_come_in_utf16_or_with_a_mark() -> None:
    feed = '{"version": "https://jsonfeed.org/version/1", "items": [{"id": 1.5, "title": "Ä &#038; &lt;b&gt;"}]}'

    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-be"):
        item = one(feed.encode(encoding), "application/feed+json")
        assert (item.id, item.title) == ("1.5", "Ä & <b>")


def test_what_is_written_in_bytes_is_not_the_utf16_that_it_says() -> None:
    body = rss("<guid>x</guid><title>Ünö</title>", before='<?xml version="1.0" encoding="utf-16"?>')
    assert one(body.encode(), "text/xml; charset=utf-16").title == "Ünö"


NAMES = (
    "id link links title title_detail summary summary_detail content authors author tags source image comments "
    "enclosures media_content media_thumbnail published published_parsed updated updated_parsed "
    "itunes_explicit rights language"
).split()


@pytest.mark.parametrize("name", NAMES)
def test_an_element_may_have_any_name_and_shape(name: str) -> None:
    for element in (f"<{name} a='b'/>", f"<{name}>text</{name}>", f"<{name}/>", f"<x:{name} a='b'>text</x:{name}>"):
        for after in ("<guid>1</guid><title>t</title><link>https://a.example/1</link>", ""):
            feed = rss(f"{element}{after}{element}", "<guid>2</guid>", head=element)
            with suppress(SourceError):
                assert "2" in ids(read(feed.replace("<rss", "<rss xmlns:x='urn:x'")))


SMALL = (
    rss(
        "<title>A &amp; b</title><link>https://a.example/1</link><pubDate>Tue, 03 Mar 2026 10:00:00 GMT</pubDate>"
        "<author>a@a.example (A)</author><description><![CDATA[<p>x</p>]]></description><category>c</category>",
    ),
    atom("<id>a:1</id><content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'>x</div></content>"),
    '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "content_text": "x", "tags": ["a"]}]}',
)
PIECES = st.sampled_from(
    [b"<", b">", b"&", b"&#xD83D;", b"<!--", b"]]>", b"<![CDATA[", b"\xff", b"\0", b"<item>", b"</item>", b"{", b'"',
     b"<!DOCTYPE x [", b"<author>", b"xml:base='//['", b"http://[", b"\\ud800", b"[[[[", b"1e999", b"<svg:a/>"]
)  # fmt: skip


@examples(20)
@given(
    st.sampled_from(SMALL),
    st.lists(st.tuples(st.integers(0, 600), st.integers(0, 30), PIECES | st.binary(max_size=8)), max_size=4),
)
def test_whatever_happens_to_a_feed_reading_it_gives_items_or_a_sentence(
    feed: str, edits: list[tuple[int, int, bytes]]
) -> None:
    data = feed.encode()
    for at, length, piece in edits:
        data = data[:at] + piece + data[at + length :]

    with suppress(SourceError):
        items = read(data)
        assert len(ids(items)) == len(set(ids(items)))
        for item in items:
            f"{item.id}{item.url}{item.title}{item.content}{item.summary}{item.tags}".encode()


@given(st.binary(max_size=200), st.sampled_from(["", "text/xml; charset=x", "text/xml; charset=utf-7"]))
def test_any_bytes_have_a_text(data: bytes, content_type: str) -> None:
    decode(data, content_type)


def test_now_decides_what_is_too_far_ahead() -> None:
    def dated(days: float) -> Item:
        return one(rss(f"<guid>x</guid><pubDate>{NOW + timedelta(days=days):%d %b %Y %H:%M GMT}</pubDate>"))

    assert dated(1.5).published
    assert dated(3).published is None
