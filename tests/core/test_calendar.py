"""When digests go out and quiet hours end, by the wall clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.calendar import awake, due, next_occasion, parse_crontab, parse_quiet

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from([BERLIN, ZoneInfo("UTC"), ZoneInfo("America/St_Johns"), ZoneInfo("Australia/Lord_Howe")])
MOMENTS = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


def local(*parts: int, fold: int = 0) -> datetime:
    year, month, day, hour, minute = parts
    return datetime(year, month, day, hour, minute, tzinfo=BERLIN, fold=fold).astimezone(UTC)


def occasions(crontab: str, after: datetime, number: int = 2) -> list[str]:
    found = []
    for _ in range(number):
        after = next_occasion(crontab, after, BERLIN)
        found.append(after.astimezone(BERLIN).isoformat())
    return found


def test_an_occasion_is_by_the_wall_clock_of_the_zone_and_after_the_moment_itself() -> None:
    eight = local(2026, 11, 20, 8, 0)  # a Friday
    assert occasions("0 8 * * 1-5", eight - timedelta(minutes=1), 1) == ["2026-11-20T08:00:00+01:00"]
    assert occasions("0 8 * * 1-5", eight, 1) == ["2026-11-23T08:00:00+01:00"]
    assert occasions("0 8 * * MON-FRI", eight, 1) == ["2026-11-23T08:00:00+01:00"]
    assert occasions("0 0 13 * 7", eight, 1) == ["2026-11-22T00:00:00+01:00"]  # either day, as crontab has it
    assert occasions("@Daily", eight, 1) == ["2026-11-21T00:00:00+01:00"]


@pytest.mark.parametrize("crontab", ["30 2 * * *", "*/30 2 * * *", "15 */2 * * *"])
def test_an_occasion_in_a_gap_is_at_the_first_moment_after_it(crontab: str) -> None:
    assert occasions(crontab, local(2026, 3, 29, 1, 30), 1) == ["2026-03-29T03:00:00+02:00"]


def test_an_occasion_that_is_shown_twice_is_the_first() -> None:
    assert occasions("30 2 * * *", local(2026, 10, 25, 1, 0)) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]
    assert occasions("30 2 * * *", local(2026, 10, 25, 2, 10, fold=1), 1) == ["2026-10-26T02:30:00+01:00"]


def test_a_schedule_of_every_hour_follows_time_as_it_passes() -> None:
    assert occasions("0 * * * *", local(2026, 10, 25, 1, 0), 3) == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]


@pytest.mark.parametrize(
    "crontab",
    [
        "",
        "x",
        "8:00",
        "0 8 * *",
        "0 0 8 * * *",
        "61 * * * *",
        "0 0 31 2 *",
        "0 0 30 2 */2",
        "@reboot",
        "*/0 * * * *",
        "0 8 * * MAN",
    ],
)
def test_what_is_no_schedule_is_refused(crontab: str) -> None:
    with pytest.raises(ValueError, match=r"expected|never comes|there is no schedule"):
        parse_crontab(crontab)


@given(MOMENTS, ZONES, st.sampled_from(["30 2 * * *", "0 8 * * 1-5", "*/10 1-3 * * *", "@hourly", "0 0 1 * *"]))
def test_occasions_go_forward_and_the_wall_clock_shows_them(moment: datetime, zone: ZoneInfo, crontab: str) -> None:
    first = next_occasion(crontab, moment, zone)
    assert first > moment
    assert next_occasion(crontab, first, zone) > first
    assert next_occasion(crontab, first - timedelta(microseconds=1), zone) == first


@pytest.mark.parametrize(
    ("quiet", "moment", "end"),
    [
        ("22:00-07:00", (2026, 11, 20, 23, 0), (2026, 11, 21, 7, 0)),
        ("22:00-07:00", (2026, 11, 20, 3, 0), (2026, 11, 20, 7, 0)),
        ("22:00-07:00", (2026, 11, 20, 7, 0), (2026, 11, 20, 7, 0)),
        ("22:00-07:00", (2026, 11, 20, 21, 59), (2026, 11, 20, 21, 59)),
        ("12:00-14:00", (2026, 11, 20, 12, 0), (2026, 11, 20, 14, 0)),
        ("22:00-02:30", (2026, 3, 28, 23, 0), (2026, 3, 29, 3, 0)),
        ("", (2026, 11, 20, 3, 0), (2026, 11, 20, 3, 0)),
    ],
)
def test_quiet_hours_end_by_the_wall_clock(quiet: str, moment: tuple[int, ...], end: tuple[int, ...]) -> None:
    assert awake(quiet, local(*moment), BERLIN) == local(*end)


@given(MOMENTS, ZONES, st.times(), st.times())
def test_what_is_held_goes_out_within_a_day_or_so_outside_of_the_quiet_hours(
    moment: datetime, zone: ZoneInfo, begin: datetime, end: datetime
) -> None:
    text = f"{begin:%H:%M}-{end:%H:%M}"
    if f"{begin:%H:%M}" == f"{end:%H:%M}":
        return
    held = awake(text, moment, zone)
    assert moment <= held <= moment + timedelta(hours=26)
    assert held.astimezone(zone).time() not in parse_quiet(text)


@pytest.mark.parametrize("quiet", ["22-7", "22:00", "25:00-07:00", "07:00-07:00", "22:00-24:00"])
def test_what_are_no_quiet_hours_is_refused(quiet: str) -> None:
    with pytest.raises(ValueError, match="hours"):
        parse_quiet(quiet)


def test_a_digest_within_quiet_hours_waits_for_their_end() -> None:
    assert due("0 6 * * *", "22:00-07:00", local(2026, 11, 20, 12, 0), BERLIN) == local(2026, 11, 21, 7, 0)
