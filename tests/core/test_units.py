"""Durations and sizes as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from feedbot.core.units import format_duration, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), ("1h 30m", 5400)]
)
def test_a_duration_is_a_number_with_a_unit(text: str, seconds: int) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "30", "m", "-5m", "30 parsecs", "5m or so", "99999d"])
def test_anything_else_is_refused_with_what_would_be_right(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|ten years"):
        parse_duration(text)


def test_durations_are_written_with_the_largest_unit_that_fits() -> None:
    assert [format_duration(timedelta(seconds=s)) for s in (0, 90, 1800, 86400)] == ["0s", "90s", "30m", "1d"]


def test_sizes() -> None:
    assert [parse_size(text) for text in ("10MB", "512 KiB", "1000")] == [10_000_000, 524_288, 1000]
    with pytest.raises(ValueError, match="size"):
        parse_size("ten")
