"""Feeds of real sites, read and published again, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedbot.core.present import present
from feedbot.errors import SourceError
from feedbot.formats.htmlpage import HtmlFormat
from feedbot.formats.validity import problems
from feedbot.model import CONTENT_FIELDS, Entry
from tests.conftest import CORPUS
from tests.formats.rules import MEDIA, check_atom, check_json, check_rss
from tests.formats.samples import FORMATS, channel
from tests.sources.feeds import from_file, poll
from tests.support.build import NOW

FEEDS = sorted((CORPUS / "feeds").iterdir()) if CORPUS.exists() else []
CHECKS = (check_atom, check_rss, check_json)


@pytest.mark.parametrize("feed", FEEDS, ids=lambda path: path.name)
def test_a_real_feed_published_again_is_valid_and_keeps_its_enclosures(feed: Path) -> None:
    try:
        items = poll(from_file(feed.parent, feed.name)).items
    except SourceError:
        return  # which the tests of the source are about
    entries = {}
    for number, item in enumerate(items):
        known = item.id or f"urn:{number}"
        values = {name: getattr(item, name) for name in CONTENT_FIELDS}
        entries[known] = present(Entry(id=known, source="blog", first_seen=NOW, **values))
    shown = list(entries.values())
    atom, rss, json = (form().render(channel(), shown) for form in FORMATS)
    for check, data in zip(CHECKS, (atom, rss, json), strict=True):
        check(data)
        assert problems(data) == []
    assert problems(HtmlFormat().render(channel(), shown)) == []
    channel_of = check_rss(rss)
    written = [item.findall("enclosure") + item.findall(f"{MEDIA}content") for item in channel_of.iterfind("item")]
    assert [len(files) for files in written] == [len(one.enclosures) for one in shown]
