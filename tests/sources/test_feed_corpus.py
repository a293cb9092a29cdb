"""Feeds of real sites, where they are at hand."""

from __future__ import annotations

import io
import re
import warnings
from pathlib import Path

import feedparser
import pytest

from feedbot.errors import SourceError
from feedbot.sources.feed.address import is_web
from tests.conftest import CORPUS
from tests.sources.feeds import from_file, poll, read

FEEDS = sorted((CORPUS / "feeds").iterdir()) if CORPUS.exists() else []
ROW = re.compile(
    r"^\| (?P<name>[\w.-]+?)\*? \| [\d.]+ \| (?P<version>[^|]+) \| [^|]+ \| (?P<entries>\d+) ", re.MULTILINE
)
TABLE = {row["name"]: row for row in ROW.finditer((CORPUS / "README.md").read_text())} if CORPUS.exists() else {}
UNREADABLE = {
    "feedjira-JoomlapoweredSite.xml": "web page",
    "gofeed-empty_feed.xml": "empty",
    "gofeed-invalid.json": "broken JSON at 3:1",
}


@pytest.mark.parametrize("feed", FEEDS, ids=lambda path: path.name)
def test_every_feed_gives_the_entries_it_has_or_says_why_not(feed: Path) -> None:
    source = from_file(feed.parent, feed.name)
    if feed.name in UNREADABLE:
        with pytest.raises(SourceError, match=UNREADABLE[feed.name]):
            poll(source)
        return

    document = poll(source)

    assert len(document.items) == int(TABLE[feed.name]["entries"])
    assert document == poll(source)
    assert bool(document.problems) == (feed.name == "feed-rs-rss_2.0_invalid_1.xml")


@pytest.mark.parametrize("feed", [feed for feed in FEEDS if feed.suffix == ".xml"], ids=lambda path: path.name)
def test_ids_and_links_are_those_of_feedparser(feed: Path) -> None:
    if feed.name in UNREADABLE:
        return
    data = feed.read_bytes()
    with warnings.catch_warnings(action="ignore"):
        entries = feedparser.parse(io.BytesIO(data.lstrip()), sanitize_html=False).entries

    for item, entry in zip(read(data), entries, strict=True):
        if entry.get("id"):
            assert item.id == entry["id"]
        if is_web(entry.get("link", "")):
            assert item.url == entry["link"]
