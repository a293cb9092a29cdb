"""What Atom alone has rules for (RFC 4287)."""

from __future__ import annotations

from typing import Any

from lxml import etree

from feedbot.formats.atom import AtomFormat
from feedbot.model import Author, Channel, Entry
from tests.formats.rules import check_atom
from tests.formats.samples import at, channel, entry, podcast

LANG = "{http://www.w3.org/XML/1998/namespace}lang"


def feed_of(*entries: Entry, **fields: Any) -> etree._Element:
    return check_atom(AtomFormat().render(channel(**fields), entries))


def entry_of(**fields: Any) -> etree._Element:
    found = feed_of(entry(**fields)).find("{*}entry")
    assert found is not None
    return found


def test_the_feed_says_what_it_is_and_where_it_is() -> None:
    feed = feed_of(entry())
    texts = {name: feed.findtext(f"{{*}}{name}") for name in ("id", "title", "subtitle", "generator")}
    assert texts == {
        "id": "https://example.org/feeds/all",
        "title": "Everything",
        "subtitle": "All there is",
        "generator": "feedbot",
    }
    assert feed.get(LANG) == "en"
    assert [dict(link.attrib) for link in feed.iterfind("{*}link")] == [
        {"href": "https://example.org/feeds/all.atom", "rel": "self", "type": "application/atom+xml"},
        {"href": "https://example.org/", "rel": "alternate"},
    ]


def test_the_generator_is_named_without_a_version_so_that_an_upgrade_changes_no_byte() -> None:
    generator = feed_of().find("{*}generator")
    assert generator is not None
    assert not generator.attrib


def test_the_feed_changed_when_its_latest_entry_did() -> None:
    feed = feed_of(entry(published=at(1)), entry(updated=at(7)), entry(published=at(3)))
    assert feed.findtext("{*}updated") == "2026-03-07T12:05:09Z"


def test_a_feed_that_lost_its_latest_entry_changed_when_the_channel_says() -> None:
    assert feed_of(entry(), updated=at(20)).findtext("{*}updated") == "2026-03-20T12:05:09Z"


def test_a_feed_without_entries_changed_when_the_channel_says_or_never() -> None:
    assert feed_of(updated=at(20)).findtext("{*}updated") == "2026-03-20T12:05:09Z"
    assert feed_of().findtext("{*}updated") == "1970-01-01T00:00:00Z"


def test_an_entry_was_updated_when_it_says_else_when_published_else_when_first_seen() -> None:
    def updated(**fields: Any) -> str | None:
        return entry_of(**fields).findtext("{*}updated")

    assert updated(updated=at(5), published=at(1)) == "2026-03-05T12:05:09Z"
    assert updated(published=at(1)) == "2026-03-01T12:05:09Z"
    assert updated(published=None) == "2026-03-09T12:05:09Z"


def test_only_a_known_date_is_given_as_date_of_publication() -> None:
    assert entry_of(published=at(1)).findtext("{*}published") == "2026-03-01T12:05:09Z"
    assert entry_of(published=None).find("{*}published") is None


def test_enclosures_keep_their_attributes_and_no_others_are_made_up() -> None:
    found = feed_of(podcast()).findall("{*}entry/{*}link[@rel='enclosure']")
    assert [dict(link.attrib) for link in found] == [
        {"rel": "enclosure", "href": "https://example.org/1.mp3", "type": "audio/mpeg", "length": "1234"},
        {"rel": "enclosure", "href": "https://example.org/1.ogg", "type": "audio/ogg"},
        {"rel": "enclosure", "href": "https://example.org/notes"},
    ]


def test_the_link_of_an_entry_says_that_it_is_the_entry_on_the_web() -> None:
    found = entry_of().findall("{*}link")
    assert [dict(link.attrib) for link in found] == [{"href": "https://example.org/hello", "rel": "alternate"}]


def test_authors_have_all_that_is_known_of_them() -> None:
    found = entry_of(authors=(Author("Ann", "https://ann.example.org/", "ann@example.org"), Author("Bob")))
    assert [[(child.tag.split("}")[1], child.text) for child in author] for author in found.iterfind("{*}author")] == [
        [("name", "Ann"), ("email", "ann@example.org"), ("uri", "https://ann.example.org/")],
        [("name", "Bob")],
    ]


def test_an_author_without_a_name_goes_by_the_address() -> None:
    found = entry_of(authors=(Author(email="ann@example.org"), Author(url="https://bob.example.org/"), Author()))
    names = [author.findtext("{*}name") for author in found.iterfind("{*}author")]
    assert names == ["ann@example.org", "https://bob.example.org/"]


def test_what_is_no_mail_address_is_not_given_as_one() -> None:
    assert entry_of(authors=(Author("Ann", email="ann at example.org"),)).find("{*}author/{*}email") is None


def test_the_feed_stands_for_the_author_of_entries_without_one() -> None:
    assert feed_of(entry()).findtext("{*}author/{*}name") == "Everything"


def test_only_an_entry_in_another_language_names_it() -> None:
    assert entry_of(language="de_AT").get(LANG) == "de-AT"
    assert entry_of(language="en").get(LANG) is None
    assert entry_of(language="not a language").get(LANG) is None


def test_texts_are_escaped_html() -> None:
    found = entry_of(content="<p>a &amp; b</p>", summary="<em>a</em>")
    assert [(e.get("type"), e.text) for e in (found.find("{*}content"), found.find("{*}summary")) if e is not None] == [
        ("html", "<p>a &amp; b</p>"),
        ("html", "<em>a</em>"),
    ]


def test_a_summary_that_repeats_the_content_is_left_out() -> None:
    assert entry_of(content="<p>x</p>", summary="<p>x</p>").find("{*}summary") is None


def test_an_entry_without_content_leads_to_the_web() -> None:
    found = entry_of(content="", summary="<p>x</p>")
    assert found.find("{*}content") is None
    assert found.findtext("{*}summary") == "<p>x</p>"


def test_an_entry_without_content_and_link_has_its_summary_as_content() -> None:
    found = entry_of(content="", summary="<p>x</p>", url="")
    assert found.findtext("{*}content") == "<p>x</p>"
    assert found.find("{*}summary") is None


def test_an_image_is_a_thumbnail_whose_namespace_is_declared_once() -> None:
    data = AtomFormat().render(channel(), [entry(image="https://example.org/i.png")] * 2)
    thumbnail = check_atom(data).find("{*}entry/{http://search.yahoo.com/mrss/}thumbnail")
    assert thumbnail is not None
    assert thumbnail.get("url") == "https://example.org/i.png"
    assert data.count(b"xmlns:media") == 1
    assert b"xmlns:media" not in AtomFormat().render(channel(), [entry()])


def test_a_channel_of_which_nothing_is_known_still_has_an_id_and_a_title() -> None:
    bare = Channel(name="", id="", title="", link="", description="")
    feed = check_atom(AtomFormat().render(bare, []))
    assert feed.findtext("{*}title") == "Untitled"
    assert (feed.findtext("{*}id") or "").startswith("urn:feedbot:")
