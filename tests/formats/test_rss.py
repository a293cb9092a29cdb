"""What RSS 2.0 alone has rules for."""

from __future__ import annotations

import io
from typing import Any

import feedparser
import pytest
from lxml import etree

from feedbot.formats.rss import RssFormat
from feedbot.model import Author, Enclosure, Entry
from tests.formats.rules import CONTENT, ITUNES, MEDIA, check_rss
from tests.formats.samples import at, channel, entry, podcast

CREATOR = "{http://purl.org/dc/elements/1.1/}creator"


def channel_of(*entries: Entry, **fields: Any) -> etree._Element:
    return check_rss(RssFormat().render(channel(**fields), entries))


def item_of(**fields: Any) -> etree._Element:
    found = channel_of(entry(**fields)).find("item")
    assert found is not None
    return found


def test_the_channel_says_what_it_is_and_where_it_is() -> None:
    found = channel_of(entry())
    names = ("title", "link", "description", "language", "generator", "lastBuildDate")
    assert {name: found.findtext(name) for name in names} == {
        "title": "Everything",
        "link": "https://example.org/",
        "description": "All there is",
        "language": "en",
        "generator": "feedbot",
        "lastBuildDate": "Sun, 01 Mar 2026 12:05:09 GMT",
    }
    (own,) = found.findall("{http://www.w3.org/2005/Atom}link")
    assert {str(name): value for name, value in own.attrib.items()} == {
        "href": "https://example.org/feeds/all.rss",
        "rel": "self",
        "type": "application/rss+xml",
    }


def test_a_channel_without_a_description_is_described_by_its_title() -> None:
    assert channel_of(description="").findtext("description") == "Everything"


def test_a_channel_without_a_site_links_to_itself() -> None:
    assert channel_of(link="").findtext("link") == "https://example.org/feeds/all.rss"
    assert channel_of(link="", urls={}).findtext("link") == "https://example.org/feeds/all"


def test_a_channel_without_entries_has_no_date_that_nobody_knows() -> None:
    assert channel_of().find("lastBuildDate") is None
    assert channel_of(updated=at(2)).findtext("lastBuildDate") == "Mon, 02 Mar 2026 12:05:09 GMT"


def test_an_id_that_is_the_address_is_a_permalink_and_no_other_is() -> None:
    def permalink(**fields: Any) -> str | None:
        guid = item_of(**fields).find("guid")
        assert guid is not None
        return guid.get("isPermaLink")

    assert permalink(id="https://example.org/a", url="https://example.org/a") == "true"
    assert permalink(id="https://example.org/a", url="https://example.org/moved") == "false"
    assert permalink(id="tag:example.org,2026:a", url="https://example.org/a") == "false"
    assert permalink(id="mailto:a@example.org", url="mailto:a@example.org") == "false"
    assert permalink(id="https://example.org/a b", url="https://example.org/a b") == "false"


def test_an_id_that_is_no_permalink_is_not_read_against_any_address() -> None:
    parsed = feedparser.parse(io.BytesIO(RssFormat().render(channel(), [entry(id="posts/1")])))
    assert parsed.entries[0].id == "posts/1"


def test_authors_need_no_mail_address_and_theirs_is_not_the_name() -> None:
    found = item_of(authors=(Author("Ann", email="ann@example.org"), Author("Bob")))
    assert [creator.text for creator in found.iterfind(CREATOR)] == ["Ann", "Bob"]
    assert found.find("author") is None


def test_the_first_file_is_the_enclosure_with_all_it_needs_and_the_others_stand_beside_it() -> None:
    found = item_of(enclosures=(Enclosure("magnet:?xt=urn:btih:abc"), *podcast().enclosures))
    assert [dict(enclosure.attrib) for enclosure in found.iterfind("enclosure")] == [
        {"url": "https://example.org/1.mp3", "length": "1234", "type": "audio/mpeg"},
    ]
    assert [dict(media.attrib) for media in found.iterfind(f"{MEDIA}content")] == [
        {"url": "magnet:?xt=urn:btih:abc"},
        {"url": "https://example.org/1.ogg", "type": "audio/ogg"},
        {"url": "https://example.org/notes"},
    ]


def test_an_enclosure_without_type_or_length_says_so_in_the_words_of_rss() -> None:
    enclosure = item_of(enclosures=(Enclosure("https://example.org/notes"),)).find("enclosure")
    assert enclosure is not None
    assert (enclosure.get("length"), enclosure.get("type")) == ("0", "application/octet-stream")


def test_a_summary_is_the_description_and_the_content_stands_beside_it() -> None:
    found = item_of(summary="<p>Short</p>", content="<p>Long</p>")
    assert (found.findtext("description"), found.findtext(CONTENT)) == ("<p>Short</p>", "<p>Long</p>")


@pytest.mark.parametrize("texts", [{"content": "<p>x</p>"}, {"content": "", "summary": "<p>x</p>"}])
def test_the_only_text_there_is_is_the_description_and_is_not_sent_twice(texts: dict[str, str]) -> None:
    found = item_of(**texts)
    assert (found.findtext("description"), found.findtext(CONTENT)) == ("<p>x</p>", None)


def test_an_entry_with_nothing_but_a_link_is_an_item() -> None:
    found = item_of(title="", content="", published=None)
    assert found.findtext("title") == "Untitled"
    assert found.find("description") is None


@pytest.mark.parametrize(
    "title", ["AT&T", "Bill & Ted", "A < B", "I <3 XML", "Using <div> well", "The &amp; entity", "x ]]> y"]
)
def test_titles_are_text_that_a_reader_shows_as_it_was_written(title: str) -> None:
    data = RssFormat().render(channel(), [entry(title=title)])
    assert check_rss(data).findtext("item/title") == title
    assert feedparser.parse(io.BytesIO(data)).entries[0].title == title


def test_an_item_has_the_best_date_there_is() -> None:
    assert item_of(published=at(1), updated=at(5)).findtext("pubDate") == "Sun, 01 Mar 2026 12:05:09 GMT"
    assert item_of(published=None, updated=at(5)).findtext("pubDate") == "Thu, 05 Mar 2026 12:05:09 GMT"
    assert item_of(published=None).findtext("pubDate") == "Mon, 09 Mar 2026 12:05:09 GMT"


def test_comments_are_linked_where_they_are_on_the_web() -> None:
    assert item_of(extra={"comments": "https://example.org/c"}).findtext("comments") == "https://example.org/c"
    assert item_of(extra={"comments": True}).find("comments") is None
    assert item_of(extra={"comments": "mailto:me@example.org"}).find("comments") is None


def test_an_image_is_a_thumbnail() -> None:
    thumbnail = item_of(image="https://example.org/i.png").find("{http://search.yahoo.com/mrss/}thumbnail")
    assert thumbnail is not None
    assert thumbnail.get("url") == "https://example.org/i.png"


def test_what_is_known_of_an_episode_is_published_as_podcast_players_read_it() -> None:
    told = {
        "duration": "1:02:03",
        "episode": "7",
        "season": "2",
        "explicit": "no",
    }
    picture = "https://example.org/7.jpg"
    found = item_of(enclosures=podcast().enclosures, extra=told | {"other": "y"}, image=picture)
    assert {child.tag: child.text or child.get("href") for child in found if str(child.tag).startswith(ITUNES)} == {
        f"{ITUNES}duration": "1:02:03",
        f"{ITUNES}episode": "7",
        f"{ITUNES}season": "2",
        f"{ITUNES}explicit": "false",
        f"{ITUNES}image": picture,
    }


def test_what_is_told_of_an_episode_in_words_that_players_do_not_know_is_left_out() -> None:
    told = {"duration": "an hour", "episode": "zero", "season": "0", "explicit": "maybe", "episode_type": "Bonus"}
    found = item_of(enclosures=podcast().enclosures, extra=told)
    assert {child.tag: child.text for child in found if str(child.tag).startswith(ITUNES)} == {
        f"{ITUNES}episodeType": "bonus"
    }


def test_each_tag_is_a_category() -> None:
    assert [tag.text for tag in item_of(tags=("c++", "<x>", " ")).iterfind("category")] == ["c++", "<x>"]
