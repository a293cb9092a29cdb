"""The state: opened, refused, migrated; what a poll commits; the life of deliveries."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from feedbot.core.fingerprint import fingerprints
from feedbot.core.identity import digest
from feedbot.errors import LeaseLostError
from feedbot.location import Location
from feedbot.model import Delivery, DeliveryState, EditKind, Item, Memory, Problem, Validators
from feedbot.store import schema
from feedbot.store.database import open_state
from feedbot.store.outbox import Outcome
from feedbot.store.poll import AddedEntry, EditedEntry, Planned, Poll, WithdrawnEntry
from feedbot.store.store import Store
from tests.support.build import NOW, at, item

LEASE = "lease-1"


@pytest.fixture
def store(location: Location) -> Iterator[Store]:
    with contextlib.closing(Store.open(location)) as store:
        yield store


def claimed(store: Store, name: str = "blog", lease: str = LEASE) -> None:
    assert name in store.sources.claim([name], lease, at(minutes=5), NOW)


def claim(store: Store, sink: str, lease: str, until: datetime, now: datetime) -> Delivery | None:
    """The delivery that has been due for longest."""
    found = store.outbox.claim(sink, lease, until, now)
    return found[0].delivery if found else None


def sent_now(*pks: int) -> Outcome:
    return Outcome(pks=pks, state=DeliveryState.SENT, at=NOW)


def added(one: Item, *sinks: str, keys: tuple[str, ...] = ()) -> AddedEntry:
    return AddedEntry(
        id=one.id,
        content=one,
        sort_at=one.published or NOW,
        fingerprints=fingerprints(one, trusted_dates=False),
        keys=tuple(digest(key) for key in (f"id:{one.id}", *keys)),
        deliveries=tuple(Planned(sink=sink, key=f"{sink}-{one.id}") for sink in sinks),
    )


def poll(store: Store, *entries: AddedEntry, name: str = "blog", **fields: object) -> None:
    claimed(store, name)
    values: dict[str, object] = {"memory": Memory(), "at": NOW, "next_poll": at(minutes=30), **fields}
    store.sources.commit([Poll(source=name, lease=LEASE, added=entries, **values)])  # type: ignore[arg-type]


def test_a_new_state_has_the_tables_that_the_program_expects(location: Location, store: Store) -> None:
    engine = open_state(location)
    inspector = sa.inspect(engine)
    for table in schema.metadata.sorted_tables:
        assert {c["name"] for c in inspector.get_columns(table.name)} == {c.name for c in table.columns}
        indexes = {index["name"] for index in inspector.get_indexes(table.name)}
        assert {index.name for index in table.indexes} <= indexes
    engine.dispose()
    assert store.instance()


def test_opening_again_keeps_what_is_there(location: Location, store: Store) -> None:
    poll(store, added(item("a")))
    with contextlib.closing(Store.open(location, create=False)) as again:
        assert again.instance() == store.instance()
        assert [entry.id for entry in again.entries.newest(["blog"])] == ["a"]


def test_a_state_that_is_there_is_seen_to_be(location: Location, store: Store) -> None:
    assert Store.exists(location)


def test_a_copy_is_worked_on_without_consequence(location: Location, store: Store) -> None:
    poll(store, added(item("a")))
    with contextlib.closing(Store.open_copy(location)) as copy:
        poll(copy, added(item("b")))
        assert len(list(copy.entries.newest(["blog"]))) == 2
        assert len(list(store.entries.newest(["blog"]))) == 1
    assert len(list(store.entries.newest(["blog"]))) == 1


def test_a_poll_is_committed_with_its_entries_keys_and_deliveries(store: Store) -> None:
    memory = Memory(Validators('"e"', "yesterday"), "digest")
    problem = Problem("a.md:3", "no date", "give one")
    poll(store, added(item("a"), "log", "mail"), memory=memory, problems=(problem,), title="Blog")

    state = store.sources.states()["blog"]
    assert (state.memory, state.polled, state.entries, state.title) == (memory, True, 1, "Blog")
    assert state.problems == (problem,)
    assert store.knowledge.named("blog", [digest("id:a"), digest("id:b")]) == {digest("id:a"): 1}
    assert store.deliveries.counts() == {"log": {DeliveryState.PENDING: 1}, "mail": {DeliveryState.PENDING: 1}}


def test_content_comes_back_as_it_went_in(store: Store) -> None:
    one = item("a", "naïve ✓ \x00\ud800 text", tags=("x", "y"), extra={"n": 1, "deep": {"list": [1, "two"]}})
    poll(store, added(one))
    (entry,) = store.entries.newest(["blog"])
    assert entry.content == "<p>naïve ✓  text</p>"
    assert (entry.tags, entry.extra, entry.published) == (one.tags, one.extra, one.published)
    assert entry.first_seen == NOW


def test_a_key_that_two_entries_share_names_neither(store: Store) -> None:
    poll(store, added(item("a"), keys=("link:home",)), added(item("b"), keys=("link:home",)))
    assert store.knowledge.named("blog", [digest("link:home")]) == {digest("link:home"): None}
    poll(store, added(item("c"), keys=("link:home",)))
    assert store.knowledge.named("blog", [digest("link:home")]) == {digest("link:home"): None}


def test_of_ids_that_are_taken_so_many_further_ones_are_told_that_one_is_free_for_each(store: Store) -> None:
    poll(store, *(added(item(id=name)) for name in ("a", "a#3", "a#4", "b", "b#2", "c#2")))

    assert store.knowledge.ids("blog", ["a", "c", "d"]) == {"a"}
    assert store.knowledge.ids("blog", ["a", "a", "a"]) == {"a", "a#3", "a#4"}
    assert store.knowledge.ids("blog", ["b"]) == {"b", "b#2"}
    assert store.knowledge.ids("other", ["a", "a"]) == set()


def test_a_poll_whose_lease_was_lost_stores_nothing(store: Store) -> None:
    claimed(store)
    store.sources.release_all()
    claimed(store, lease="somebody else's")
    with pytest.raises(LeaseLostError):
        store.sources.commit([Poll(source="blog", lease=LEASE, at=NOW, next_poll=NOW, added=(added(item("a")),))])
    assert list(store.entries.newest(["blog"])) == []


def test_of_quiet_polls_that_are_stored_together_all_is_kept(store: Store) -> None:
    memory = Memory(Validators('"e"', "today"), "digest", {"a": ["ü", 1], "at": "https://example.org/"})
    problem = Problem("post.md:3", 'a "quoted" thing', "mend it")
    for name in ("a", "b"):
        claimed(store, name)
    told = {"at": NOW, "next_poll": at(minutes=30), "not_before": at(minutes=20), "wake_at": at(days=1)}
    store.sources.commit(
        [
            Poll(source="a", lease=LEASE, memory=memory, problems=(problem,), title="A", **told),  # type: ignore[arg-type]
            Poll(
                source="b", lease=LEASE, failures=2, failing_since=NOW, error="odd\x00 \ud800one", at=NOW, next_poll=NOW
            ),
        ]
    )

    known = store.sources.states()
    assert (known["a"].memory, known["a"].problems, known["a"].title) == (memory, (problem,), "A")
    assert (known["a"].not_before, known["a"].wake_at, known["a"].polled) == (at(minutes=20), at(days=1), True)
    assert (known["b"].failures, known["b"].failing_since, known["b"].error) == (2, NOW, "odd one")


def test_quiet_polls_are_stored_together_or_not_at_all(store: Store) -> None:
    claimed(store, "a")
    claimed(store, "b", lease="somebody else's")
    with pytest.raises(LeaseLostError):
        store.sources.commit([Poll(source=name, lease=LEASE, at=NOW, next_poll=NOW) for name in ("a", "b")])
    assert store.sources.states()["a"].last_poll is None


def test_a_claimed_source_is_free_again_after_its_lease(store: Store) -> None:
    claimed(store)
    assert store.sources.claim(["blog"], "other", at(minutes=9), at(minutes=4)) == {}
    assert "blog" in store.sources.claim(["blog"], "other", at(minutes=9), at(minutes=6))


def test_an_edit_keeps_the_former_revision(store: Store) -> None:
    poll(store, added(item("a", "old")))
    new = item("a", "new")
    edit = EditedEntry(
        pk=1, revision=2, content=new, sort_at=NOW, edit=EditKind.TEXT, revised=True, restored=False,
        fingerprints=fingerprints(new, trusted_dates=False), keys=(),
    )  # fmt: skip
    poll(store, edited=(edit,))
    (entry,) = store.entries.newest(["blog"])
    assert (entry.content, entry.revision) == ("<p>new</p>", 2)
    assert store.knowledge.contents([1])[1].revised_at == NOW


def test_a_withdrawn_entry_leaves_the_lists_and_is_still_known(store: Store) -> None:
    poll(store, added(item("a")), added(item("b")))
    poll(store, withdrawn=(WithdrawnEntry(pk=1, revision=2, deliveries=(Planned(sink="log", key="k"),)),))
    assert [entry.id for entry in store.entries.newest(["blog"])] == ["b"]
    assert store.sources.states()["blog"].entries == 1
    assert store.knowledge.known("blog", [1])[1].withdrawn
    assert store.deliveries.listed([DeliveryState.PENDING])[0].change == "withdrawn"


def test_entries_come_newest_first_and_equal_dates_by_id(store: Store) -> None:
    many = [item(f"{n:03}", published=NOW - timedelta(days=n // 2)) for n in range(450)]
    poll(store, *[added(one) for one in reversed(many)])
    assert [entry.id for entry in store.entries.newest(["blog"])] == [one.id for one in many]


def test_deliveries_are_claimed_oldest_first_and_each_once(store: Store) -> None:
    poll(store, added(item("a"), "log"), added(item("b"), "log"), added(item("c"), "other"))
    first = claim(store, "log", "w", at(minutes=2), NOW)
    second = claim(store, "log", "w", at(minutes=2), NOW)
    assert first is not None
    assert second is not None
    assert (first.entry.id, second.entry.id, first.attempts) == ("a", "b", 1)
    assert claim(store, "log", "w", at(minutes=2), NOW) is None


def test_only_the_claimer_marks_a_delivery(store: Store) -> None:
    poll(store, added(item("a"), "log"))
    delivery = claim(store, "log", "mine", at(minutes=2), NOW)
    assert delivery is not None
    with pytest.raises(LeaseLostError):
        store.outbox.mark([sent_now(delivery.pk)], "another's")
    store.outbox.mark([sent_now(delivery.pk)], "mine")
    assert store.deliveries.counts() == {"log": {DeliveryState.SENT: 1}}


def test_what_a_dead_process_was_sending_is_pending_again(store: Store) -> None:
    poll(store, added(item("a"), "log"))
    claim(store, "log", "dead", at(minutes=2), NOW)
    store.recover(at(minutes=3))
    again = claim(store, "log", "w", at(minutes=5), at(minutes=3))
    assert again is not None
    assert again.attempts == 1  # a try that nobody saw the end of does not count


def test_a_delivery_that_waits_lets_the_next_go_first(store: Store) -> None:
    poll(store, added(item("a"), "log"), added(item("b"), "log"))
    poison = claim(store, "log", "w", at(minutes=2), NOW)
    assert poison is not None
    later = Outcome(
        pks=[poison.pk],
        state=DeliveryState.PENDING,
        at=NOW,
        not_before=at(hours=1),
        error="500",
        delivered=frozenset({"x"}),
    )
    store.outbox.mark([later], "w")
    following = claim(store, "log", "w", at(minutes=2), NOW)
    assert following is not None
    assert following.entry.id == "b"
    waiting = store.deliveries.listed([DeliveryState.PENDING])[0]
    assert (waiting.error, waiting.delivered) == ("500", frozenset({"x"}))


def test_moving_by_hand_keeps_to_what_may_follow(store: Store) -> None:
    poll(store, added(item("a"), "log"), added(item("b"), "log"))
    sent = claim(store, "log", "w", at(minutes=2), NOW)
    assert sent is not None
    store.outbox.mark([sent_now(sent.pk)], "w")
    assert store.outbox.move(DeliveryState.DROPPED, NOW) == 1
    assert store.outbox.move(DeliveryState.PENDING, NOW) == 0
    assert store.deliveries.counts() == {"log": {DeliveryState.SENT: 1, DeliveryState.DROPPED: 1}}


def test_several_outcomes_are_marked_at_once_but_for_those_that_are_anothers(store: Store) -> None:
    poll(store, *(added(item(name), "log") for name in "abc"))
    first, lost, last = (one.delivery.pk for one in store.outbox.claim("log", "w", at(minutes=2), NOW, most=3))
    store.outbox.release([lost], "w")
    with pytest.raises(LeaseLostError, match=f"delivery {lost} was taken over"):
        store.outbox.mark([sent_now(first), sent_now(lost), sent_now(last)], "w")
    assert store.deliveries.counts() == {"log": {DeliveryState.SENT: 2, DeliveryState.PENDING: 1}}
