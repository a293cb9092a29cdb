"""The history of polls in the state: bounded however long feedbot runs."""

from __future__ import annotations

from feedbot.core.history import KEPT, Past
from feedbot.location import Location
from feedbot.store.poll import Poll
from feedbot.store.store import Store
from tests.support.build import at


def polled(store: Store, number: int, *names: str) -> None:
    """So many polls of each source; the n-th brought n entries."""
    for n in range(number):
        store.sources.claim(names, "lease", at(days=1), at())
        store.sources.commit(
            [
                Poll(source=name, lease="lease", at=at(), next_poll=at(), past=Past(at=at(), outcome="ok", new=n))
                for name in names
            ]
        )


def test_of_each_source_the_last_polls_are_kept_and_no_more(location: Location) -> None:
    store = Store.open(location)
    polled(store, KEPT + 7, "a", "b")
    polled(store, 2, "c")

    assert [past.new for past in store.sources.history("a")] == list(range(KEPT + 6, 6, -1))
    assert [past.new for past in store.sources.history("c")] == [1, 0]
    assert store.sources.history("unheard-of") == []
    store.close()
