"""Which files an entry brings with it, and which picture stands for it."""

from __future__ import annotations

import pytest

from feedbot.model import Enclosure, Item
from tests.conftest import CORPUS
from tests.sources.feeds import from_file, one, poll, rss

PORTRAIT = "<media:content url='https://1.gravatar.com/avatar/x?s=96' medium='image'/>"


def entry(*media: str) -> Item:
    """An entry of RSS with these elements."""
    spaces = (
        "<rss xmlns:media='http://search.yahoo.com/mrss/' xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'"
    )
    return one(rss("<guid>x</guid>" + "".join(media)).replace("<rss", spaces))


@pytest.mark.parametrize(
    "picture",
    [
        "<media:content url='https://a.example/1' medium='image'/>",
        "<media:content url='https://a.example/1' type='image/jpeg'/>",
        "<media:content url='https://a.example/1.png?w=1'/>",
        "<media:thumbnail url='https://a.example/1.jpg'/>",
    ],
)
def test_pictures_beside_an_entry_are_no_enclosures_and_one_is_its_image(picture: str) -> None:
    item = entry(PORTRAIT, picture, "<media:content url='https://a.example/2' medium='image'/>")

    assert item.enclosures == ()
    assert item.image.startswith("https://a.example/1")


def test_the_largest_picture_is_the_image_where_sizes_are_told() -> None:
    small = "<media:thumbnail url='https://a.example/small' width='100' height='56'/>"
    large = "<media:content url='https://a.example/large' medium='image' width='960'/>"

    assert entry(small, large).image == "https://a.example/large"
    assert entry(small, large, "<itunes:image href='https://a.example/own'/>").image == "https://a.example/own"


def test_a_portrait_is_better_than_no_picture() -> None:
    assert entry(PORTRAIT).image == "https://1.gravatar.com/avatar/x?s=96"


def test_a_picture_that_the_feed_encloses_is_an_enclosure_and_the_image() -> None:
    item = entry("<enclosure url='https://a.example/1.jpg' type='image/jpeg' length='5'/>")

    assert item.enclosures == (Enclosure("https://a.example/1.jpg", "image/jpeg", 5),)
    assert item.image == "https://a.example/1.jpg"


def test_of_several_renditions_the_default_is_enclosed_else_the_first() -> None:
    first = "<media:content url='https://a.example/1.mp4' type='video/mp4' fileSize='7'/>"
    other = "<media:content url='https://a.example/2.mp4' type='video/mp4'{}/>"
    sound = "<media:content url='https://a.example/1.mp3' medium='audio'/>"

    (plain,) = entry("<media:group>", first, other.format(""), sound, "</media:group>").enclosures
    (default,) = entry("<media:group>", first, other.format(" isDefault='true'"), "</media:group>").enclosures

    assert plain == Enclosure("https://a.example/1.mp4", "video/mp4", 7)
    assert default.url == "https://a.example/2.mp4"


def test_media_are_no_enclosures_where_the_feed_encloses_something_to_play() -> None:
    file = "<enclosure url='https://a.example/1.mp3' type='audio/mpeg' length='1'/>"
    media = "<media:content url='https://cdn.example/1.mp3' type='audio/mpeg'/>"

    assert [enclosure.url for enclosure in entry(media, file, file).enclosures] == ["https://a.example/1.mp3"]


def test_all_that_a_feed_encloses_is_kept_in_its_order() -> None:
    files = [f"<enclosure url='https://a.example/{name}'/>" for name in ("b.pdf", "a.mp3", "b.pdf", "c")]

    assert entry(*files).enclosures == (
        Enclosure("https://a.example/b.pdf", "application/pdf"),
        Enclosure("https://a.example/a.mp3", "audio/mpeg"),
        Enclosure("https://a.example/c"),
    )


@pytest.mark.parametrize(
    ("address", "stated", "media_type"),
    [
        ("https://a.example/e/1.MP3?x=1.mp4", "", "audio/mpeg"),
        ("https://a.example/1.m4a", "", "audio/mp4"),
        ("https://a.example/1.mp4", "mp4", "video/mp4"),
        ("https://a.example/1.mp3", "audio/x-own", "audio/x-own"),
        ("https://a.example/mp3", "", ""),
        ("https://a.example/", "", ""),
    ],
)
def test_a_type_that_is_not_stated_is_told_by_the_ending(address: str, stated: str, media_type: str) -> None:
    (enclosure,) = entry(f"<enclosure url='{address}' type='{stated}'/>").enclosures

    assert enclosure.type == media_type


if CORPUS.exists():

    @pytest.mark.parametrize(
        ("name", "enclosures"),
        [
            ("feedjira-TechCrunch.xml", 0),
            ("feedjira-HuffPostCanada.xml", 1),
            ("feed-rs-rss_2.0_cloudflare.xml", 0),
            ("feed-rs-rss_2.0_element_io.xml", 0),
            ("feed-rs-rss_2.0_rps.xml", 0),
            ("feed-rs-rss_2.0_ch9.xml", 1),
            ("feedjira-CRE.xml", 30),
        ],
    )
    def test_real_feeds_enclose_what_is_to_be_fetched(name: str, enclosures: int) -> None:
        items = poll(from_file(CORPUS / "feeds", name)).items

        assert sum(len(item.enclosures) for item in items) == enclosures
        assert all(enclosure.type for item in items for enclosure in item.enclosures)
        assert all(item.image for item in items)


@pytest.mark.parametrize("other", ["", "<a:x xmlns:a='http://purl.org/echo/'/>"])  # so that feedparser reads it
@pytest.mark.parametrize(
    ("said", "kept"),
    [("yes", "yes"), ("true", "yes"), (" True ", "yes"), ("explicit", "yes"), ("no", "no"), ("false", "no"),
     ("clean", "no"), ("maybe", ""), ("", "")],
)  # fmt: skip
def test_an_episode_is_for_adults_in_the_words_of_every_year(said: str, kept: str, other: str) -> None:
    assert entry(f"<itunes:explicit>{said}</itunes:explicit>{other}").extra.get("explicit", "") == kept
