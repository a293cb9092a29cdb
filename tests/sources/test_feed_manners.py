"""What feeds and their servers ask for, and how long they are left alone for it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.sources.feed.manners import Wishes, fresh_until, wishes_of
from tests.support.build import NOW, at

HALF_HOUR = timedelta(minutes=30)


def rss(head: str) -> str:
    return f"<rss version='2.0'><channel><title>t</title>{head}<item><ttl>9999</ttl></item></channel></rss>"


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"cache-control": "max-age=60"}, None),
        ({"cache-control": "public, max-age=7200"}, timedelta(hours=2)),
        ({"cache-control": "max-age=7200", "age": "3600"}, timedelta(hours=1)),
        ({"cache-control": "no-cache, max-age=7200"}, None),
        ({"cache-control": "max-age=a lot"}, None),
        ({"expires": "Sat, 21 Nov 2026 15:00:00 GMT"}, timedelta(hours=3)),
        ({"expires": "Sat, 21 Nov 2026 15:00:00 GMT", "date": "Sat, 21 Nov 2026 13:00:00 GMT"}, timedelta(hours=2)),
        ({"expires": "0"}, None),
        ({"expires": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, None),
        ({"expires": "Thu, 01 Jan 1970 00:00:00 GMT"}, None),
        ({"expires": "Fri, 31 Dec 9999 23:59:59 GMT", "date": "Thu, 01 Jan 1970 00:00:00 GMT"}, timedelta(days=366)),
        ({"expires": "Mon, 01 Jan 0001 00:00:00 GMT", "date": "Fri, 31 Dec 9999 23:59:59 GMT"}, None),
    ],
)
def test_caching_headers_are_lower_bounds(headers: dict[str, str], wait: timedelta | None) -> None:
    assert fresh_until(headers, Wishes(), HALF_HOUR, NOW) == (NOW + wait if wait else None)


@pytest.mark.parametrize(
    ("head", "wait"),
    [
        ("", None),
        ("<ttl>10</ttl>", None),
        ("<ttl> 180 </ttl>", timedelta(hours=3)),
        ("<ttl>soon</ttl>", None),
        ("<sy:updatePeriod>hourly</sy:updatePeriod>", timedelta(hours=1)),
        ("<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency>", timedelta(hours=6)),
        ("<skipHours><hour>12</hour><hour>13</hour></skipHours>", timedelta(hours=2)),
        ("<skipDays><day>Saturday</day></skipDays>", timedelta(hours=12)),
        (
            "<skipDays>" + "".join(f"<day>{d}day</day>" for d in ("Sun", "Mon", "Satur")) + "</skipDays>",
            timedelta(hours=60),
        ),
    ],
)
def test_what_the_feed_asks_for_is_kept_to(head: str, wait: timedelta | None) -> None:
    assert fresh_until({}, wishes_of(rss(head)), HALF_HOUR, NOW) == (NOW + wait if wait else None)


def test_who_rules_out_all_hours_is_not_heard() -> None:
    every = "".join(f"<hour>{hour}</hour>" for hour in range(24))
    assert wishes_of(rss(f"<skipHours>{every}</skipHours>")) == Wishes()


def test_entries_ask_for_nothing() -> None:
    assert wishes_of(rss("")) == Wishes()


def test_wishes_are_remembered() -> None:
    wishes = Wishes(timedelta(hours=2), frozenset({1, 2}), frozenset({6}))
    assert Wishes.from_json(wishes.as_json()) == wishes
    assert Wishes().as_json() == {}


@given(st.text(max_size=300), st.dictionaries(st.sampled_from(["cache-control", "expires", "age", "date"]), st.text()))
def test_nothing_that_is_said_raises(text: str, headers: dict[str, str]) -> None:
    until = fresh_until(headers, wishes_of(text), HALF_HOUR, NOW)
    assert until is None or until > at(minutes=30)
