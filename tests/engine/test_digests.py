"""Routes that collect changes into one message, keep quiet hours, or send only so many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest

from feedbot.errors import DeliveryError
from feedbot.model import DeliveryState, Digest
from feedbot.plugins import SourceSettings
from feedbot.settings import RouteSettings
from tests.engine import world as worlds
from tests.engine.world import RememberingSink, World
from tests.support.build import feed, folder, item, post

NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday
EIGHT = NOON.replace(hour=8)
DAY = timedelta(days=1)


class DigestingSink(RememberingSink):
    """Takes digests too, but none with an entry of the title that it minds."""

    digests: ClassVar[list[Digest]] = []
    minded: ClassVar[str] = ""

    def send_digest(self, digest: Digest, now: datetime) -> None:
        if any(delivery.entry.title == self.minded for delivery in digest.deliveries):
            raise DeliveryError("413 too large", refused=True)
        self.digests.append(digest)
        waiting = self.errors.get(self.name, [])
        if waiting:
            raise waiting.pop(0)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(worlds, "RememberingSink", DigestingSink)
    DigestingSink.digests, DigestingSink.minded = [], ""
    settings = {name: SourceSettings(type="scripted", backfill="all") for name in ("blog", "news")}
    world = World(tmp_path, now=NOON, sources=settings, routes=[RouteSettings(digest="0 8 * * 1-5")])
    world.say(feed(), "news")
    DigestingSink.sent = RememberingSink.sent = []
    DigestingSink.errors = RememberingSink.errors = {}
    return world


def told() -> list[list[str]]:
    """The entries of each digest, by title."""
    return [[delivery.entry.title for delivery in digest.deliveries] for digest in DigestingSink.digests]


def run_at(world: World, moment: datetime, **options: bool) -> None:
    world.run(later=moment - world.now, **options)


def states(world: World) -> list[str]:
    store = world.store()
    try:
        return [delivery.state.value for delivery in store.deliveries.listed(list(DeliveryState))]
    finally:
        store.close()


def test_what_is_new_in_all_sources_goes_out_in_one_message_at_the_next_occasion(world: World) -> None:
    world.say(feed(item("n1")), "news")
    world.run(feed(item("a"), item("b")))
    run_at(world, EIGHT + DAY - timedelta(minutes=1))
    assert told() == []
    run_at(world, EIGHT + DAY)
    assert [sorted(titles) for titles in told()] == [["A", "B", "N1"]]
    run_at(world, EIGHT + 2 * DAY)
    assert len(told()) == 1
    assert states(world) == ["sent"] * 3


def test_after_sleep_one_message_catches_up(world: World) -> None:
    world.run(feed(item("a")))
    run_at(world, EIGHT + 4 * DAY)  # over a weekend
    world.run(feed(item("a"), item("b")))
    run_at(world, EIGHT + 9 * DAY)
    assert told() == [["A"], ["B"]]


def test_a_digest_that_failed_is_the_same_at_every_try_and_new_changes_are_another(world: World) -> None:
    world.run(feed(item("a"), item("b")))
    DigestingSink.errors = {"log": [DeliveryError("down", sink_down=True, delivered=frozenset({"x"}))]}
    run_at(world, EIGHT + DAY)
    assert states(world) == ["pending", "pending"]
    world.say(feed(item("a"), item("b"), item("c")))
    run_at(world, EIGHT + DAY + timedelta(minutes=40))
    run_at(world, EIGHT + 2 * DAY)
    first, again, other = DigestingSink.digests
    assert first.key == again.key != other.key
    assert told() == [["B", "A"], ["B", "A"], ["C"]]
    assert {delivery.delivered for delivery in again.deliveries} == {frozenset({"x"})}
    assert states(world) == ["sent"] * 3


def test_of_a_digest_that_is_refused_for_good_only_what_is_minded_is_lost(world: World) -> None:
    world.run(feed(*(item(name) for name in "abcde")))
    DigestingSink.minded = "D"
    for days in range(1, 4):
        run_at(world, EIGHT + days * DAY)
    assert sorted(states(world)) == ["dead", *["sent"] * 4]
    assert sorted(title for titles in told() for title in titles) == ["A", "B", "C", "E"]


def test_what_is_held_of_a_digest_that_failed_goes_out_under_another_key(world: World) -> None:
    world.run(feed(item("a"), item("b")))
    DigestingSink.errors = {"log": [DeliveryError("no", permanent=True)]}
    run_at(world, EIGHT + DAY)
    assert states(world) == ["dead", "dead"]
    store = world.store()
    store.outbox.move(DeliveryState.PENDING, world.now, pks=[store.deliveries.listed([DeliveryState.DEAD])[0].pk])
    store.close()
    world.run()
    store = world.store()
    store.outbox.move(DeliveryState.PENDING, world.now, sink="log")
    store.close()
    world.run()
    assert told() == [["B", "A"], ["B"], ["A"]]
    assert len({digest.key for digest in DigestingSink.digests}) == 2  # the rest of a digest keeps its key


def test_a_sink_without_digests_gets_the_changes_one_by_one(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worlds, "RememberingSink", RememberingSink)
    world.run(feed(item("a"), item("b")))
    run_at(world, EIGHT + DAY)
    assert sorted(name for _, _, name in world.sent) == ["a", "b"]


def test_at_once_wins_over_a_digest(world: World) -> None:
    world.routes = [RouteSettings(digest="@daily"), RouteSettings(sources=("blog",))]
    world.run(feed(item("a")))
    assert [name for _, _, name in world.sent] == ["a"]
    run_at(world, EIGHT + DAY)
    assert told() == []


def test_an_edit_that_outlasts_the_occasion_waits_for_the_next_one(world: World) -> None:
    settings = SourceSettings(type="scripted", backfill="all", settle=timedelta(hours=1), interval=timedelta(0))
    world.sources = {"blog": settings}
    world.run(folder(post("a", published=NOON)))
    world.say(folder(post("a", "edited", published=NOON)))
    run_at(world, EIGHT + DAY - timedelta(minutes=10))
    run_at(world, EIGHT + DAY + timedelta(hours=2))
    assert told() == []
    run_at(world, EIGHT + 2 * DAY)
    assert told() == [["A"]]


def test_quiet_hours_hold_until_their_end_and_drop_nothing(world: World) -> None:
    world.feedbot = {"timezone": "Europe/Berlin"}
    world.routes = [RouteSettings(quiet="22:00-07:00")]
    run_at(world, NOON.replace(hour=21, minute=30))  # 22:30 in Berlin
    world.say(feed(item("a")))
    run_at(world, NOON.replace(hour=22))
    run_at(world, NOON.replace(hour=5, minute=59) + DAY)
    assert world.sent == []
    run_at(world, NOON.replace(hour=6) + DAY)
    assert [name for _, _, name in world.sent] == ["a"]


def test_what_was_due_before_quiet_hours_and_a_retry_within_them_wait_too(world: World) -> None:
    world.routes = [RouteSettings(quiet="22:00-07:00")]
    world.say(feed(item("a")))
    run_at(world, NOON.replace(hour=21, minute=59), notify=False)
    run_at(world, NOON.replace(hour=22))
    assert world.sent == []
    DigestingSink.errors = {"log": [DeliveryError("500")] * 4}
    run_at(world, NOON.replace(hour=7) + DAY)
    run_at(world, NOON.replace(hour=21, minute=58) + DAY)
    run_at(world, NOON.replace(hour=23) + DAY)
    assert world.sent == []
    assert len(DigestingSink.errors["log"]) == 2


def test_what_is_too_much_for_a_run_goes_out_as_one_digest(world: World) -> None:
    world.routes = [RouteSettings(max_per_run=2)]
    world.run(feed(*(item(name) for name in "abcde")))
    assert len(world.sent) == 2
    assert [len(titles) for titles in told()] == [3]
    world.run(feed(*(item(name) for name in "abcdef")))
    assert len(world.sent) == 3


def test_what_was_tried_before_does_not_count_as_too_much(world: World) -> None:
    world.routes = [RouteSettings(max_per_run=2)]
    DigestingSink.errors = {"log": [DeliveryError("no", refused=True)] * 2}
    world.run(feed(item("a"), item("b")))
    world.run(feed(*(item(name) for name in "abcdef")))
    assert (len(world.sent), [len(titles) for titles in told()]) == (4, [2])


def test_what_is_too_much_for_a_run_waits_where_the_sink_has_no_digests(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "RememberingSink", RememberingSink)
    world.routes = [RouteSettings(max_per_run=2)]
    sent = []
    world.say(feed(*(item(name) for name in "abcde")))
    for _ in range(4):
        world.run()
        sent.append(len(world.sent))
    assert sent == [2, 4, 5, 5]
