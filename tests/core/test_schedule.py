"""When sources are polled and deliveries tried again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.schedule import (
    DAY,
    LONGEST_WAIT,
    WEEK,
    Rate,
    back_off,
    is_due,
    next_poll,
    next_slot,
    parse_rate,
    retry_after,
)
from feedbot.model import SourceState
from tests.support.build import NOW, at

HALF_HOUR = timedelta(minutes=30)


def state(**fields: Any) -> SourceState:
    return SourceState(name="blog", **fields)


def test_a_source_that_was_never_polled_is_due() -> None:
    assert is_due(None, HALF_HOUR, NOW)
    assert is_due(state(), HALF_HOUR, NOW)


@pytest.mark.parametrize(("passed", "due"), [(26, False), (27, True), (31, True)])
def test_a_source_is_due_after_its_interval_less_a_tenth(passed: int, due: bool) -> None:
    assert is_due(state(last_poll=NOW), HALF_HOUR, at(minutes=passed)) is due


def test_a_source_that_asked_for_patience_is_left_alone_so_long() -> None:
    asked = state(last_poll=NOW, not_before=at(hours=5))
    assert not is_due(asked, HALF_HOUR, at(hours=5, seconds=-1))
    assert is_due(asked, HALF_HOUR, at(hours=5))


def test_a_clock_that_was_set_back_delays_nothing() -> None:
    assert is_due(state(last_poll=at(days=300)), HALF_HOUR, NOW)
    assert is_due(state(last_poll=at(days=3), not_before=at(days=4)), HALF_HOUR, NOW)
    assert is_due(state(last_poll=at(days=-9), not_before=at(days=8)), HALF_HOUR, NOW)


def test_the_next_poll_shown_is_the_later_of_interval_and_patience() -> None:
    assert next_poll(NOW, HALF_HOUR, None) == at(minutes=30)
    assert next_poll(NOW, HALF_HOUR, at(minutes=5)) == at(minutes=30)
    assert next_poll(NOW, HALF_HOUR, at(hours=2)) == at(hours=2)


@given(st.integers(0, 10**6), st.timedeltas(timedelta(), timedelta(days=30)), st.floats(0, 1, exclude_max=True))
def test_back_off_grows_to_a_day_and_never_ends(failures: int, interval: timedelta, chance: float) -> None:
    wait = back_off(failures, interval, chance)
    assert timedelta(seconds=54) <= wait <= DAY * 1.1
    assert wait < WEEK
    assert back_off(failures, interval, 0.5) <= back_off(failures + 1, interval, 0.5)


@given(st.integers(1, 30), st.floats(0, 1, exclude_max=True))
def test_retries_follow_a_schedule_that_ends(attempts: int, chance: float) -> None:
    wait = retry_after(attempts, chance)
    assert (wait is None) is (attempts > 9)
    if wait is not None:
        middle = retry_after(attempts, 0.5)
        assert middle is not None
        assert middle * 0.79 <= wait <= middle * 1.21
        assert wait <= LONGEST_WAIT


def test_the_tries_are_spread_over_three_days() -> None:
    waits = [retry_after(n, 0.5) for n in range(1, 10)]
    assert waits[:3] == [timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30)]
    total: datetime = NOW + sum((w for w in waits if w), timedelta())
    assert at(days=3) < total < at(days=4)


def test_a_rate_is_read_as_people_write_it() -> None:
    assert parse_rate("30/m") == Rate(30, timedelta(minutes=1))
    assert parse_rate(" 5 / S ") == Rate(5, timedelta(seconds=1))
    for text in ("", "30", "0/s", "1.5/s", "30/d", "-1/m"):
        with pytest.raises(ValueError, match="expected a number a second"):
            parse_rate(text)


@given(st.integers(1, 5), st.lists(st.integers(0, 30), max_size=40))
def test_in_no_span_of_time_go_out_more_messages_than_the_rate_allows(number: int, pauses: list[int]) -> None:
    rate, now = Rate(number, timedelta(seconds=10)), NOW
    given_at: list[datetime] = []
    for pause in pauses:
        now = next_slot(rate, given_at, now + timedelta(seconds=pause))
        given_at.append(now)
    for index, moment in enumerate(given_at):
        assert sum(moment <= other < moment + rate.span for other in given_at[index:]) <= number


def test_a_clock_that_was_set_back_holds_up_a_sink_for_one_span_at_most() -> None:
    assert next_slot(Rate(1, timedelta(minutes=1)), [at(days=3)], NOW) == at(minutes=1)
