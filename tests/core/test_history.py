"""The history of polls: a text that is joined and cut, and never longer than its bound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as some

from feedbot.core.history import KEPT, LETTERS, Past, packed, unpacked

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NUMBERS = some.integers(0, 65_535)
PASTS = some.builds(
    Past,
    at=some.integers(0, 2**32 - 1).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    outcome=some.sampled_from(["ok", "not-modified", "failed", "held"]),
    status=some.integers(0, 999),
    seconds=some.integers(0, 10_000_000).map(lambda milliseconds: milliseconds / 1000),
    size=some.integers(0, 2**32 - 1),
    new=NUMBERS,
    updated=NUMBERS,
    withdrawn=NUMBERS,
)


@given(some.lists(PASTS, max_size=5))
def test_what_is_packed_comes_out_as_it_was_newest_first(pasts: list[Past]) -> None:
    text = "".join(map(packed, pasts))
    assert len(text) == LETTERS * len(pasts)
    assert unpacked(text) == pasts[::-1]


def test_what_is_too_large_for_its_place_counts_as_the_largest() -> None:
    huge = Past(at=NOW + timedelta(days=100_000), outcome="ok", seconds=1e9, size=10**15, new=10**6, updated=-1)
    (read,) = unpacked(packed(huge))
    assert (read.size, read.new, read.updated) == (2**32 - 1, 65_535, 0)


def test_a_text_that_was_cut_off_gives_the_polls_that_are_whole() -> None:
    text = packed(Past(at=NOW, outcome="failed", status=503)) + "AAAA"
    assert [past.status for past in unpacked(text)] == [503]
    assert KEPT * LETTERS < 2000
