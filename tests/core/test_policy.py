"""Which new entries are announced, and which wait for a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.diff import Addition
from feedbot.core.fingerprint import fingerprints
from feedbot.core.identity import keys
from feedbot.core.policy import RESTLESS, announce_new, counts_as_update, due_and_scheduled, oldest_first, restless
from feedbot.model import EditKind
from tests.support.build import NOW, at, item


def additions(*days_ago: int | None) -> list[Addition]:
    """New entries so many days old; None is undated."""
    items = [
        item(f"n{i}", published=None if days is None else NOW - timedelta(days=days)) for i, days in enumerate(days_ago)
    ]
    return [Addition(one, one.id, keys(one), fingerprints(one, trusted_dates=False)) for one in items]


def chosen(*days_ago: int | None, backfill: int | Literal["all"]) -> set[int]:
    return set(announce_new(additions(*days_ago), first_poll=True, backfill=backfill, flood_limit=1).chosen)


@pytest.mark.parametrize(("number", "held"), [(0, ""), (20, ""), (21, "flood")])
def test_more_than_the_flood_limit_is_held(number: int, held: str) -> None:
    decided = announce_new(additions(*range(number)), first_poll=False, backfill=0, flood_limit=20)
    assert decided.held == held
    assert len(decided.chosen) == number


def test_the_first_poll_announces_the_newest_by_their_dates() -> None:
    assert chosen(3, 1, 2, backfill=0) == set()
    assert chosen(3, 1, 2, backfill=2) == {1, 2}
    assert chosen(3, 1, 2, backfill="all") == {0, 1, 2}
    assert chosen(3, 1, 2, backfill=9) == {0, 1, 2}


def test_the_order_of_the_document_decides_where_dates_do_not() -> None:
    assert chosen(None, None, None, backfill=2) == {0, 1}
    assert chosen(1, 1, 1, backfill=1) == {0}
    assert chosen(None, 9, backfill=1) == {1}


@given(st.lists(st.none() | st.integers(-3, 3), max_size=12), st.integers(0, 15))
def test_a_backfill_is_as_many_as_it_says_and_none_that_is_left_out_is_newer(
    days_ago: list[int | None], backfill: int
) -> None:
    picked = chosen(*days_ago, backfill=backfill)
    assert len(picked) == min(backfill, len(days_ago))
    ages = [100 if days is None else days for days in days_ago]
    left = [age for i, age in enumerate(ages) if i not in picked]
    assert max((ages[i] for i in picked), default=-100) <= min(left, default=100)


@pytest.mark.parametrize(
    ("rule", "counts"),
    [
        ("never", []),
        ("text", [EditKind.TEXT]),
        ("markup", [EditKind.MARKUP, EditKind.TEXT]),
        ("any", [EditKind.METADATA, EditKind.MARKUP, EditKind.TEXT]),
    ],
)
def test_edits_count_from_the_depth_that_is_asked_for(
    rule: Literal["never", "text", "markup", "any"], counts: list[EditKind]
) -> None:
    assert [kind for kind in EditKind if counts_as_update(kind, rule)] == counts


def test_new_entries_are_announced_by_date_or_as_the_document_has_them() -> None:
    assert oldest_first(additions(1, 3, 2), newest_on_top=True) == [1, 2, 0]
    assert oldest_first(additions(1, 1, 2), newest_on_top=True) == [2, 1, 0]
    assert oldest_first(additions(1, None, 2), newest_on_top=True) == [2, 1, 0]
    assert oldest_first(additions(1, None, 2), newest_on_top=False) == [0, 1, 2]


def test_what_is_dated_ahead_is_there_when_its_date_has_come() -> None:
    ahead, now_, undated = added = additions(-2, 0, None)
    assert due_and_scheduled(added, NOW) == ((now_, undated), (ahead,))
    assert due_and_scheduled(added, at(days=2)) == ((ahead, now_, undated), ())


def test_an_entry_is_restless_once_it_was_edited_in_every_poll_for_a_while() -> None:
    in_a_row = 0
    for hour in range(RESTLESS):
        in_a_row = restless(in_a_row, at(hours=hour - 1) if hour else None, at(hours=hour - 1))
    assert in_a_row == RESTLESS
    assert restless(in_a_row, at(hours=3), at(hours=4)) == 1
