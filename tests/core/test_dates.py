"""Dates as posts and feeds write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.dates import in_words, parse_date, rfc3339


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-10", "2026-03-10T00:00:00"),
        ("2026-03-10 10:30", "2026-03-10T10:30:00"),
        ("2026-03-10T10:30:15Z", "2026-03-10T10:30:15"),
        ("2026-03-10 10:30:15 +0200", "2026-03-10T08:30:15"),
        ("20260310T103015Z", "2026-03-10T10:30:15"),
        ("2026-03", "2026-03-01T00:00:00"),
        ("Tue, 10 Mar 2026 10:30:15 GMT", "2026-03-10T10:30:15"),
        ("Tue, 10 Mar 26 10:30 EST", "2026-03-10T15:30:00"),
        ("10 Mar 2026 10:30:15 CEST", "2026-03-10T08:30:15"),
        ("Di, 10 Mär 2026 10:30:15 +0100", "2026-03-10T09:30:15"),
        ("mar., 10 mars 2026 10:30:15 +0100", "2026-03-10T09:30:15"),
        ("March 10, 2026", "2026-03-10T00:00:00"),
        ("Mar 10 2026 3:05 PM", "2026-03-10T15:05:00"),
        ("2026-03-10T24:00:00Z", "2026-03-11T00:00:00"),
        ("2026-06-30T23:59:60Z", "2026-06-30T23:59:59"),
        ("2016/6/29", "2016-06-29T00:00:00"),
        ("2016.06.9 8:05", "2016-06-09T08:05:00"),
        ("Tue,10 Mar 2026 10:30:15 GMT", "2026-03-10T10:30:15"),
        ("Tue Mar 10 10:30:15 2026", "2026-03-10T10:30:15"),
        ("Tue Mar  3 10:30:15 EST 2026", "2026-03-03T15:30:15"),
        ("Tue, 10 Mar 2026 10:30:15 Y", "2026-03-10T10:30:15"),
        ("Tue, 10 Mar 2026 10:30:15 SGT", "2026-03-10T02:30:15"),
        ("ter, 10 fev 2026 10:30:15 -0300", "2026-02-10T13:30:15"),
        ("10 de marzo de 2026", "2026-03-10T00:00:00"),
        ("martes, 10 de Marzo del 2026 10:30", "2026-03-10T10:30:00"),
        ("1º de março de 2026 10:30", "2026-03-01T10:30:00"),
        ("10 marca 2026 10:30:15 +0100", "2026-03-10T09:30:15"),
        ("10 марта 2026", "2026-03-10T00:00:00"),
        ("2026年3月10日", "2026-03-10T00:00:00"),
        ("2026年03月10日 星期二 10:30", "2026-03-10T10:30:00"),
        ("2026年3月10日(火) 10:30:15", "2026-03-10T10:30:15"),
        ("2026년 3월 10일 화요일 10:30", "2026-03-10T10:30:00"),
        ("Tue, 10 Mar 2026 10:30:15 +1400", "2026-03-09T20:30:15"),
        ("di, 10 mrt 2026 10:30:15 +0100", "2026-03-10T09:30:15"),
        ("tir, 10 des 2024", "2024-12-10T00:00:00"),
    ],
)
def test_a_date_is_read_in_utc(text: str, moment: str) -> None:
    assert parse_date(text) == datetime.fromisoformat(moment).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-02-30",
        "2026-13-01",
        "10 Foo 2026",
        "1:30",
        "3.10",
        "2026-03-10 XYZ",
        "2016/29/6",
        "10 Mar 2026 J",
        "10 Mar 2026 10:30:15 +2500",
        "10 Mar 2026 10:30 +15",
        "2026-03-10T10:30:15+14:30",
        "2026年13月10日",
    ],
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert parse_date(text) is None


def test_a_date_without_zone_is_in_the_zone_given() -> None:
    assert parse_date("2026-07-01", ZoneInfo("Europe/Berlin")) == datetime(2026, 6, 30, 22, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC)))
def test_what_is_written_is_read_again(moment: datetime) -> None:
    assert parse_date(rfc3339(moment)) == moment


MOMENTS = st.datetimes(min_value=datetime(1, 1, 3), max_value=datetime(9999, 12, 28)).map(
    lambda moment: moment.replace(microsecond=0)
)
OFFSETS = st.sampled_from(["+00:00", "-00:00", "+05:30", "-11:45", "+23:59", "+24:00", "-10:75", "+99:00"])


@given(MOMENTS, OFFSETS, st.sampled_from(["%Y-%m-%dT%H:%M:%S{}", "%a, %d %b %Y %H:%M:%S {}", "%Y-%m-%d"]))
def test_dates_as_most_write_them_are_read_as_all_others_are(moment: datetime, offset: str, form: str) -> None:
    text = moment.strftime(form).format(offset if "T" in form else offset.replace(":", ""))
    assert parse_date(text) == parse_date(f" {text}\n")


@given(st.text(max_size=60))
def test_no_text_at_all_raises(text: str) -> None:
    parse_date(text)


def test_times_are_told_in_words() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert in_words(None, now) == "never"
    assert in_words(now - timedelta(minutes=12), now) == "12 min ago"
    assert in_words(now + timedelta(hours=3), now) == "in 3 h"
    assert in_words(now - timedelta(days=2), now) == "2 d ago"


@pytest.mark.parametrize("text", ["2026-07-01T25:00:00Z", "2026-07-01T24:30:00Z", "2026-07-01T99:00"])
def test_an_hour_that_no_day_has_is_no_date(text: str) -> None:
    assert parse_date(text) is None


def test_an_offset_of_a_whole_day_is_none() -> None:
    assert parse_date("2026-07-01T10:00:00+24:00") is None
