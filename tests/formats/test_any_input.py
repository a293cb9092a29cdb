"""What holds for every format, whatever entries it is given."""

from __future__ import annotations

import hashlib
import io
import locale
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import feedparser
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from msgspec.structs import replace

from feedbot.core.uri import as_uri
from feedbot.formats.atom import AtomFormat
from feedbot.formats.jsonfeed import JsonFormat
from feedbot.formats.legal import is_web
from feedbot.formats.rss import RssFormat
from feedbot.model import Author, Channel, Enclosure, Entry
from tests.formats import samples
from tests.formats.rules import check_atom, check_json, check_rss, feedbot_id
from tests.formats.samples import FORMATS, NASTY, at, channel, entry, podcast
from tests.support.examples import examples

whatever = examples(20, suppress_health_check=[HealthCheck.too_slow])


def read(data: bytes) -> feedparser.FeedParserDict:
    return feedparser.parse(io.BytesIO(data), sanitize_html=False, resolve_relative_uris=False)


@pytest.mark.parametrize(("form", "check"), [(AtomFormat, check_atom), (RssFormat, check_rss)])
@whatever
@given(feed=samples.channels, entries=st.lists(samples.entries, max_size=4))
def test_xml_is_valid_whatever_comes_in(
    form: type[AtomFormat | RssFormat], check: Callable[[bytes], object], feed: Channel, entries: list[Entry]
) -> None:
    data = form().render(feed, entries)
    check(data)
    parsed = read(data)
    assert not parsed.bozo
    assert len(parsed.entries) == len(entries)


@whatever
@given(samples.channels, st.lists(samples.entries, max_size=4))
def test_json_is_valid_whatever_comes_in(feed: Channel, entries: list[Entry]) -> None:
    assert len(check_json(JsonFormat().render(feed, entries))["items"]) == len(entries)


@pytest.mark.parametrize("text", NASTY)
def test_one_nasty_string_in_every_place_keeps_no_feed_from_being_written(text: str) -> None:
    # given
    bad = Entry(
        id=text,
        source=text,
        first_seen=at(1),
        url=text,
        title=text,
        summary=text,
        content=text,
        language=text,
        image=text,
        tags=(text,),
        authors=(Author(text, text, text),),
        enclosures=(Enclosure(text, text, -1),),
        extra={"comments": text, "duration": text},
    )
    feed = Channel(
        name=text,
        id=text,
        title=text,
        link=text,
        description=text,
        language=text,
        urls=dict.fromkeys(("atom", "rss", "json"), text),
    )
    # then
    check_atom(AtomFormat().render(feed, [entry(), bad]))
    check_rss(RssFormat().render(feed, [entry(), bad]))
    check_json(JsonFormat().render(feed, [entry(), bad]))


LEGAL_IDS = (
    "https://example.org/a?b=c&d=e#f",
    "tag:example.org,2026:/posts/1",
    "urn:uuid:5b1f4b0e-6c0f-4d6e-9a55-0d8a3f9d8b11",
    "no iri at all, with spaces <and> \"quotes\" & 'more'",
    "  spaces around  ",
    "12345",
    "ünïcödé/日本語/\U0001f600",
    "a\r\nb\tc",
)


@pytest.mark.parametrize("id", LEGAL_IDS)
def test_ids_are_published_exactly_as_they_came_but_for_atom_where_they_are_iris(id: str) -> None:
    one = [entry(id=id)]
    in_atom = check_atom(AtomFormat().render(channel(), one)).findtext("{*}entry/{*}id")
    assert feedbot_id(in_atom) == id
    assert (in_atom == id) == id.startswith(("https:", "tag:", "urn:"))
    assert check_rss(RssFormat().render(channel(), one)).findtext("item/guid") == id
    assert check_json(JsonFormat().render(channel(), one))["items"][0]["id"] == id


LEGAL_ADDRESSES = (
    "https://example.org/",
    "http://example.org:8080/a/b;c?q=%20x&y=1&z='(*)'#frag!$",
    "https://user@example.org/~me/",
    "https://example.org/日本語/ü?ß=ö",
    "https://[2001:db8::1]/x",
    "ftp://example.org/file.bin",
    "HTTPS://EXAMPLE.org/MiXed",
)


@pytest.mark.parametrize("url", LEGAL_ADDRESSES)
def test_legal_addresses_are_published_unchanged_as_far_as_they_are_uris(url: str) -> None:
    # given
    one = [entry(url=url, image=url, enclosures=(Enclosure(url, "audio/mpeg", 7),), authors=(Author("A", url),))]
    feed = channel(link=url, urls=dict.fromkeys(("atom", "rss", "json"), url))
    # when
    atom = check_atom(AtomFormat().render(feed, one))
    rss = check_rss(RssFormat().render(feed, one))
    json = check_json(JsonFormat().render(feed, one))
    # then
    assert [link.get("href") for link in atom.iterfind(".//{*}link")] == [url] * 4
    assert atom.findtext("{*}entry/{*}author/{*}uri") == url
    uri = as_uri(url)
    assert (rss.findtext("link"), rss.findtext("item/link")) == (uri, uri)
    assert [e.get("url") for e in rss.iterfind("item/enclosure" if is_web(url) else "item/{*}content")] == [uri]
    item = json["items"][0]
    assert {json["home_page_url"], json["feed_url"], item["url"], item["image"]} == {uri}
    assert item["attachments"][0]["url"] == item["authors"][0]["url"] == uri


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "/relative", "//host/x", "http://[::1"])
def test_addresses_that_are_not_safe_or_not_absolute_are_left_out(url: str) -> None:
    bad = entry(url=url, image=url, enclosures=(Enclosure(url),), authors=(Author("A", url),), extra={"comments": url})
    for form in FORMATS:
        assert url not in form().render(channel(), [bad]).decode()


def test_a_reader_gets_back_what_was_published() -> None:
    # given
    published = podcast(
        title="Tips & tricks: 1 < 2",
        summary="<p>Short &amp; sweet</p>",
        content="<p>Long</p>\n<pre>if a &lt; b:\n    pass</pre> ]]&gt;",
        authors=(Author("Ann Ähm", "https://ann.example.org/", "ann@example.org"), Author("Bob")),
        tags=("c++", "<xml>"),
        image="https://example.org/i.png",
    )
    for form in (AtomFormat, RssFormat):
        # when
        (back,) = read(form().render(channel(), [published])).entries
        # then
        assert (back.id, back.link, back.title) == (published.id, published.url, published.title)
        assert back.published_parsed[:6] == at(1).timetuple()[:6]
        assert (back.summary, back.content[0].value) == (published.summary, published.content)
        assert [author.name for author in back.authors] == ["Ann Ähm", "Bob"]
        assert [tag.term for tag in back.tags] == ["c++", "<xml>"]
        assert back.media_thumbnail == [{"url": "https://example.org/i.png"}]
        beside = [] if form is AtomFormat else back.media_content
        urls = [*(enclosure.href for enclosure in back.enclosures), *(media["url"] for media in beside)]
        assert urls == [e.url for e in published.enclosures]
        assert [back.enclosures[0].type, back.enclosures[0].length] == ["audio/mpeg", "1234"]


@pytest.mark.parametrize("form", FORMATS)
def test_entries_keep_the_order_they_are_given_in(form: type) -> None:
    text = form().render(channel(), [entry(id=name, title=name) for name in ("first", "second", "third")]).decode()
    assert text.index("first") < text.index("second") < text.index("third")


@pytest.mark.parametrize("form", FORMATS)
def test_what_is_rendered_is_not_changed_by_it(form: type) -> None:
    feed, one = channel(), podcast(authors=(Author("A"),), extra={"itunes_season": "1"})
    before = repr((feed, one))
    form().render(feed, [one])
    assert repr((feed, one)) == before


@pytest.mark.parametrize("form", FORMATS)
def test_the_time_of_day_is_not_in_a_feed_without_entries(form: type) -> None:
    assert str(datetime.now(UTC).year) not in form().render(channel(), []).decode()


@pytest.mark.parametrize("form", FORMATS)
def test_fractions_of_a_second_are_not_published(form: type) -> None:
    fine = entry(published=at(1).replace(microsecond=999_999), updated=at(2).replace(microsecond=5))
    assert form().render(channel(), [fine]) == form().render(channel(), [entry(updated=at(2))])


@pytest.mark.parametrize("form", FORMATS)
def test_a_time_in_another_zone_is_published_in_utc(form: type) -> None:
    abroad = at(1).astimezone(tz=None)
    assert form().render(channel(), [entry(published=abroad)]) == form().render(channel(), [entry()])


SCRIPT = """
import contextlib, hashlib, locale
from tests.formats.test_any_input import digest
with contextlib.suppress(locale.Error):
    locale.setlocale(locale.LC_ALL, "")
print(digest())
"""


def digest() -> str:
    seen = hashlib.sha256()
    for form in FORMATS:
        seen.update(form().render(channel(), [podcast(tags=("b", "a"), language="de"), entry(title="")]))
    return seen.hexdigest()


@pytest.mark.parametrize(("zone", "seed", "tongue"), [("UTC", "0", "C"), ("Asia/Kathmandu", "4242", "de_DE.UTF-8")])
def test_the_same_entries_give_the_same_bytes_in_any_process(zone: str, seed: str, tongue: str) -> None:
    environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "LC_ALL": tongue, "PYTHONUTF8": "1"}
    run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest()


def test_the_locale_of_the_process_is_never_switched(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise AssertionError("setlocale is for the whole process, and other threads write dates too")

    monkeypatch.setattr(locale, "setlocale", refuse)
    for form in FORMATS:
        form().render(replace(channel(), updated=at(3)), [podcast()])


def test_threads_may_render_at_the_same_time() -> None:
    alone = digest()
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: digest(), range(8))) == {alone}


def test_json_is_written_without_loading_what_writes_xml() -> None:
    code = "import sys, feedbot.formats.jsonfeed as j; print({'feedgen', 'lxml', 'feedparser'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
