"""Which sinks a change goes to, and what names a delivery."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from feedbot.core.expression import compile_filter
from feedbot.core.route import Choice, Route, delivery_key, digest_key, named, replay_key, sinks_for, soonest
from feedbot.model import ChangeKind

NEW, UPDATED = ChangeKind.NEW, ChangeKind.UPDATED


def sinks(*routes: Route, source: str = "blog", change: ChangeKind = NEW, **entry: Any) -> tuple[str, ...]:
    return tuple(sinks_for(routes, source, change, lambda: entry, lambda problem: None))


def test_a_change_goes_to_the_sinks_of_every_route_that_fits_each_once() -> None:
    first, second = Route(to=("a", "b")), Route(to=("b", "c"))
    assert sinks(first, second, Route(sources=("other",), to=("d",))) == ("a", "b", "c")


def test_a_route_names_sources_by_globs_and_the_changes_it_is_for() -> None:
    assert sinks(Route(sources=("py-*", "js"), to=("a",)), source="py-news") == ("a",)
    assert sinks(Route(sources=("py-*", "js"), to=("a",)), source="jsx") == ()
    assert sinks(Route(to=("a",)), change=UPDATED) == ()
    assert sinks(Route(on=frozenset({UPDATED}), to=("a",)), change=UPDATED) == ("a",)
    assert not named("blog", ())


def test_a_filter_is_asked_about_the_entry_as_it_is_exposed() -> None:
    releases = Route(filter=compile_filter("'releases' in tags and title != 'x'"), to=("a",))
    assert sinks(releases, tags=["releases"], title="3.15") == ("a",)
    assert sinks(releases, tags=[], title="3.15") == ()


def test_a_filter_that_fails_lets_the_entry_pass_and_is_told() -> None:
    problems: list[str] = []
    broken = Route(filter=compile_filter("title + 1"), to=("a",))
    assert list(sinks_for([broken], "blog", NEW, lambda: {"title": "x"}, problems.append)) == ["a"]
    assert "title + 1" in problems[0]


def test_an_entry_is_not_exposed_where_no_filter_asks() -> None:
    def entry() -> dict[str, Any]:
        raise AssertionError

    routes = [Route(to=("a",)), Route(sources=("other",), filter=bool, to=("b",))]
    assert list(sinks_for(routes, "blog", NEW, entry, print)) == ["a"]


def test_an_entry_goes_once_across_sources_only_where_all_routes_to_a_sink_say_so() -> None:
    routes = [Route(to=("a", "b"), across=True), Route(to=("b",))]
    assert sinks_for(routes, "blog", NEW, dict, print) == {"a": Choice(True, (1,)), "b": Choice(False, (1, 2))}
    assert sinks_for(routes[::-1], "blog", NEW, dict, print) == {"b": Choice(False, (1, 2)), "a": Choice(True, (2,))}


_parts = st.tuples(st.text(), st.text(), st.text(), st.text(), st.integers(1, 9))


@given(_parts, _parts)
def test_a_delivery_key_is_the_same_for_the_same_and_only_for_it(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    assert delivery_key(*one) == delivery_key(*one)
    assert len(delivery_key(*one)) == 32
    if not any("\0" in str(part) for part in one + other):
        assert (delivery_key(*one) == delivery_key(*other)) is (one == other)


def test_at_once_wins_over_a_digest_and_the_wait_that_ends_first_over_the_others() -> None:
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    at_once, resting = Route(), Route(quiet="11:00-13:00")
    daily, weekly = Route(digest="@daily"), Route(digest="@weekly")
    assert soonest([daily, at_once], noon, UTC) == (noon, at_once)
    assert soonest([resting, Route(most=3), at_once], noon, UTC) == (noon, at_once)
    assert soonest([resting, daily], noon, UTC) == (noon + timedelta(hours=1), resting)
    assert soonest([weekly, daily], noon, UTC) == (noon + timedelta(hours=12), daily)


def test_a_digest_is_named_by_what_is_in_it_and_a_replay_by_what_it_repeats() -> None:
    assert digest_key(["a", "b"]) == digest_key(["b", "a"]) != digest_key(["a"])
    assert replay_key("abc", 1) == "abc-1"
    assert replay_key("abc-1", 2) == "abc-2"
