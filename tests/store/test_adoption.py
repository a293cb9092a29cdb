"""Sources taken over from another program, and sources read anew."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from feedbot.core.identity import digest
from feedbot.location import Location
from feedbot.model import Memory, Validators
from feedbot.store.poll import Poll
from feedbot.store.store import Store
from tests.support.build import NOW, at

A, B = digest("id:a"), digest("id:b")


@pytest.fixture
def store(location: Location) -> Iterator[Store]:
    with contextlib.closing(Store.open(location)) as store:
        yield store


def polled(store: Store, **fields: object) -> None:
    store.sources.claim(["blog"], "lease", at(minutes=5), NOW)
    values: dict[str, object] = {"at": NOW, "next_poll": at(minutes=30), **fields}
    store.sources.commit([Poll(source="blog", lease="lease", **values)])  # type: ignore[arg-type]


def test_an_adopted_source_is_no_stranger_and_knows_what_was_announced(store: Store) -> None:
    assert store.sources.adopt({"blog": {A}, "news": set()}) == {"blog", "news"}
    assert store.sources.states()["blog"].polled
    assert store.knowledge.announced_before("blog", [A, B]) == {A}
    assert store.knowledge.announced_before("news", [A]) == set()
    assert store.knowledge.announced_before("nothing", [A]) == set()


def test_adopting_again_before_the_first_poll_adds_to_it(store: Store) -> None:
    store.sources.adopt({"blog": {A}})
    assert store.sources.adopt({"blog": {A, B}}) == {"blog"}
    assert store.knowledge.announced_before("blog", [A, B]) == {A, B}


def test_a_source_that_was_read_is_not_adopted(store: Store) -> None:
    polled(store, memory=Memory())
    assert store.sources.adopt({"blog": {A}}) == frozenset()
    assert store.knowledge.announced_before("blog", [A]) == set()


def test_a_source_that_only_failed_is_adopted(store: Store) -> None:
    polled(store, failures=1, error="404")
    assert store.sources.adopt({"blog": {A}}) == {"blog"}


def test_a_reset_source_is_due_and_read_anew_and_no_stranger(store: Store) -> None:
    polled(store, memory=Memory(Validators('"e"', "x"), "digest", {"own": 1}), settings_digest="s")
    polled(store, failures=3, error="410", gone=True, not_before=at(days=7))
    assert store.sources.reset("blog")
    state = store.sources.states()["blog"]
    assert (state.memory, state.settings_digest, state.polled) == (Memory(), "", True)
    assert (state.failures, state.error, state.gone, state.last_poll, state.not_before) == (0, None, False, None, None)


def test_what_is_not_known_cannot_be_reset(store: Store) -> None:
    assert not store.sources.reset("blog")
