"""The rules of the package; feedbot's own tests run it against a gateway."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from feedbot_pager.sink import LONGEST, page
from feedbot_pager.source import item

from feedbot.model import ChangeKind, Delivery, Entry

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def delivery(title: str, url: str = "https://example.org/a") -> Delivery:
    entry = Entry(id="a", source="news", first_seen=NOW, title=title, url=url)
    return Delivery(pk=1, key="k", sink="on-call", change=ChangeKind.NEW, entry=entry, created=NOW, not_before=NOW)


def test_a_page_tells_what_happened_and_where() -> None:
    assert page(delivery("Disk full")) == "new: Disk full https://example.org/a"


@pytest.mark.parametrize(("title", "url"), [("x" * 500, "https://example.org/a"), ("x", f"https://e.org/{'y' * 300}")])
def test_a_page_is_never_longer_than_a_pager_shows(title: str, url: str) -> None:
    assert len(page(delivery(title, url))) <= LONGEST


def test_a_page_that_was_sent_is_an_entry() -> None:
    found = item({"id": 7, "text": "Disk <full>", "sent": "2026-11-21T13:00:00+01:00"})
    assert (found.id, found.content, found.published) == ("page:7", "<p>Disk &lt;full&gt;</p>", NOW)
