"""What JSON Feed 1.1 alone has rules for."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from feedbot.core.publication import as_publication
from feedbot.formats.jsonfeed import JsonFormat
from feedbot.model import Author, Entry
from tests.formats.rules import check_json
from tests.formats.samples import at, channel, entry, podcast


def feed_of(*entries: Entry, **fields: Any) -> dict[str, Any]:
    return check_json(JsonFormat().render(channel(**fields), entries))


def item_of(**fields: Any) -> dict[str, Any]:
    item: dict[str, Any] = feed_of(entry(**fields))["items"][0]
    return item


def test_the_feed_says_what_it_is_and_where_it_is() -> None:
    assert feed_of() == {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Everything",
        "home_page_url": "https://example.org/",
        "feed_url": "https://example.org/feeds/all.json",
        "description": "All there is",
        "language": "en",
        "items": [],
    }


def test_what_is_not_known_is_left_out() -> None:
    assert set(feed_of(link="", description="", language="", urls={})) == {"version", "title", "items"}
    bare = entry(url="", title="", content="", published=None)
    assert feed_of(bare)["items"] == [{"id": bare.id, "content_html": "", "date_modified": "2026-03-09T12:05:09Z"}]


def test_an_item_has_all_that_is_known_of_an_entry() -> None:
    whole = podcast(
        summary="<p>Short &amp; sweet</p>",
        updated=at(2),
        authors=(Author("Ann", "https://ann.example.org/", "ann@example.org"), Author("Bob")),
        tags=("a", "b"),
        image="https://example.org/i.png",
        language="de",
    )
    assert feed_of(whole)["items"] == [
        {
            "id": "https://example.org/hello",
            "url": "https://example.org/hello",
            "title": "Hello",
            "content_html": "<p>Hello, world.</p>",
            "summary": "Short & sweet",
            "image": "https://example.org/i.png",
            "date_published": "2026-03-01T12:05:09Z",
            "date_modified": "2026-03-02T12:05:09Z",
            "authors": [{"name": "Ann", "url": "https://ann.example.org/"}, {"name": "Bob"}],
            "tags": ["a", "b"],
            "language": "de",
            "attachments": [
                {"url": "https://example.org/1.mp3", "mime_type": "audio/mpeg", "size_in_bytes": 1234},
                {"url": "https://example.org/1.ogg", "mime_type": "audio/ogg"},
                {"url": "https://example.org/notes", "mime_type": "application/octet-stream"},
            ],
        }
    ]


def test_an_entry_without_a_title_gets_none() -> None:
    assert "title" not in item_of(title=" ")


def test_a_summary_alone_is_the_content() -> None:
    item = item_of(content="", summary="<p>x</p>")
    assert (item["content_html"], item.get("summary")) == ("<p>x</p>", None)


def test_only_an_entry_in_another_language_names_it() -> None:
    assert "language" not in item_of(language="en")


def test_text_is_written_as_it_is_and_an_item_takes_a_line() -> None:
    data = JsonFormat().render(channel(), [entry(title="日本語"), entry(title="second\nline")])
    lines = data.decode().split("\n")
    assert "日本語" in lines[1]
    assert [line[:6] for line in lines] == ['{"vers', '{"id":', '{"id":', "]}", ""]


def test_hubs_and_older_pages_are_told_as_the_schema_has_it() -> None:
    placed = as_publication(channel(hub="https://hub.example/"))
    told = replace(placed, base="https://example.org/", previous="all/archive/2")
    feed = check_json(JsonFormat().render(told, [entry()]))
    assert feed["hubs"] == [{"type": "WebSub", "url": "https://hub.example/"}]
    assert feed["next_url"] == "https://example.org/all/archive/2.json"
