"""What a legal channel and entry are, beyond what the formats' own tests show."""

from __future__ import annotations

from hypothesis import given

from feedbot.formats.legal import headline, legal_channel, legal_entry
from feedbot.model import Channel, Enclosure, Entry
from tests.formats import samples
from tests.formats.samples import at, channel, entry


@given(samples.entries)
def test_a_legal_entry_is_left_as_it_is(one: Entry) -> None:
    once = legal_entry(one)
    assert legal_entry(once) == once


@given(samples.channels)
def test_a_legal_channel_is_left_as_it_is(feed: Channel) -> None:
    once = legal_channel(feed, ())
    assert legal_channel(once, ()) == once


def test_a_title_that_is_missing_is_made_of_the_first_words() -> None:
    long = legal_entry(entry(title="", content="<p>One day <b>I</b> wrote</p><p>" + "and wrote " * 40))
    assert headline(long).startswith("One day I wrote and wrote")
    assert headline(long).endswith("…")
    assert len(headline(long)) <= 80


def test_a_title_is_made_of_the_summary_first_as_it_is_shorter() -> None:
    assert headline(legal_entry(entry(title="", summary="In short"))) == "In short"


def test_without_words_the_day_is_the_title_and_without_a_day_nothing_is() -> None:
    picture = entry(title="", content='<img src="https://example.org/i.png">')
    assert headline(legal_entry(picture)) == "2026-03-01"
    assert headline(legal_entry(entry(title="", content="", published=None))) == "Untitled"


def test_an_entry_without_an_id_goes_by_its_address_else_by_what_it_says() -> None:
    nameless = [entry(id="\x00", url="", title=title) for title in ("a", "b", "a")]
    assert legal_entry(entry(id=" ")).id == "https://example.org/hello"
    first, second, again = (legal_entry(one).id for one in nameless)
    assert first.startswith("urn:feedbot:")
    assert first == again != second


def test_a_media_type_that_is_none_is_unknown() -> None:
    kinds = ("audio/mpeg", "video/mp4; codecs=avc1", "mp3", "audio/", 'a/b"c', "")
    legal = legal_entry(entry(enclosures=tuple(Enclosure("https://example.org/x", kind) for kind in kinds)))
    assert [e.type for e in legal.enclosures] == ["audio/mpeg", "video/mp4; codecs=avc1", "", "", "", ""]


def test_a_length_is_a_number_of_bytes_or_unknown() -> None:
    lengths = (None, -1, 0, 1, 10**5000)
    legal = legal_entry(entry(enclosures=tuple(Enclosure("https://example.org/x", "", n) for n in lengths)))
    assert [e.length for e in legal.enclosures] == [None, None, None, 1, None]


def test_what_no_address_may_hold_is_encoded() -> None:
    spaced = legal_entry(entry(url='https://example.org/a b"<ü>\u2028c'))
    assert spaced.url == "https://example.org/a%20b%22%3Cü%3E%E2%80%A8c"


def test_a_bracket_a_lone_percent_and_a_second_hash_are_encoded_where_no_address_has_them() -> None:
    odd = {
        "https://example.org/[a]?x[]=1#b#c": "https://example.org/%5Ba%5D?x%5B%5D=1#b%23c",
        "https://example.org/100%?q=%zz&r=%41": "https://example.org/100%25?q=%25zz&r=%41",
        "https://[2001:db8::1]:8080/[x]": "https://[2001:db8::1]:8080/%5Bx%5D",
    }
    assert {url: legal_entry(entry(url=url)).url for url in odd} == odd


def test_a_language_that_is_none_is_not_told() -> None:
    told = ("de", "en_US", "zh-Hant-TW", "gsw", "jp", "english", "de_DE.UTF-8", "", "x-pirate")
    kept = ["de", "en-US", "zh-Hant-TW", "gsw", "", "", "", "", "x-pirate"]
    assert [legal_entry(entry(language=one)).language for one in told] == kept


def test_the_latest_of_all_times_is_when_the_channel_changed() -> None:
    entries = [legal_entry(entry(published=at(day))) for day in (3, 8, 5)]
    assert legal_channel(channel(), entries).updated == at(8)
    assert legal_channel(channel(updated=at(4)), entries).updated == at(8)
    assert legal_channel(channel(updated=at(9)), entries).updated == at(9)
    assert legal_channel(channel(), ()).updated is None
