"""How a sink is served: at its rate, by several threads, not at all where it wants no more."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from msgspec.structs import replace

from feedbot.app import RunOptions
from feedbot.core.schedule import parse_rate
from feedbot.engine.dispatch import Limits, dispatch
from feedbot.errors import DeliveryError
from feedbot.model import Delivery, DeliveryState
from feedbot.settings import RouteSettings
from tests.engine import world as worlds
from tests.engine.world import RememberingSink, World
from tests.support.build import NOW, feed, item

DOWN = DeliveryError("no answer", sink_down=True)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


class SlowSink(RememberingSink):
    """Takes a while, and notes how many of its kind are at it, and whether two threads ever use one of them."""

    busy: ClassVar[set[int]] = set()
    most: ClassVar[int] = 0
    guard: ClassVar[threading.Lock] = threading.Lock()

    def send(self, delivery: Delivery, now: object) -> None:
        with self.guard:
            assert id(self) not in self.busy
            self.busy.add(id(self))
            SlowSink.most = max(SlowSink.most, len(self.busy))
        time.sleep(0.05)
        with self.guard:
            self.busy.discard(id(self))
        self.sent.append((self.name, delivery))


def deliver(world: World, limits: Limits) -> int:
    """Send what is due under limits; gives how many that were."""
    app = world.app()
    store = world.store()
    try:
        cycle = app.cycle(store, RunOptions())
        assert cycle.dispatching is not None
        return dispatch(cycle.sinks, replace(cycle.dispatching, limits={"log": limits}))["log"].sent
    finally:
        store.close()


def test_a_sink_is_given_no_more_than_its_rate_in_earlier_runs_too(world: World) -> None:
    world.run(feed(*(item(f"e{n}") for n in range(8))), notify=False)
    limits = Limits(rate=parse_rate("3/m"))
    assert deliver(world, limits) == 3
    world.now += timedelta(seconds=50)
    assert deliver(world, limits) == 0
    world.now += timedelta(seconds=10)
    assert deliver(world, limits) == 3
    world.now += timedelta(minutes=5)
    assert deliver(world, limits) == 2


def test_a_short_wait_for_its_turn_is_worth_it(world: World) -> None:
    world.run(feed(*(item(f"e{n}") for n in range(3))), notify=False)
    begun = time.monotonic()
    assert deliver(world, Limits(rate=parse_rate("2/s"))) == 3
    assert time.monotonic() - begun >= 0.9


def test_several_deliveries_are_in_flight_where_asked_each_by_an_instance_of_its_own(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worlds, "RememberingSink", SlowSink)
    SlowSink.most = 0
    world.run(feed(*(item(f"e{n}") for n in range(20))), notify=False)
    assert deliver(world, Limits(in_flight=4)) == 20
    assert 2 <= SlowSink.most <= 4
    assert len({delivery.key for _, delivery in SlowSink.sent}) == 20


def test_a_delivery_that_fails_holds_up_the_next_by_one_try_and_the_order_is_kept(world: World) -> None:
    RememberingSink.errors = {"log": [DeliveryError("no", refused=True)]}
    names = [f"e{n}" for n in range(6)]
    world.run(feed(*(item(name) for name in reversed(names))))
    assert [name for _, _, name in world.sent] == names[1:]


def test_a_long_backlog_goes_out_in_its_order_and_all_of_it_is_marked(world: World) -> None:
    names = [f"e{n:03}" for n in range(120)]
    report = world.run(feed(*(item(name) for name in reversed(names)))).sinks["log"]
    assert [name for _, _, name in world.sent] == names
    assert (report.sent, report.pending) == (120, 0)


def test_a_sink_that_asks_to_be_left_alone_is_given_nothing_else_before(world: World) -> None:
    RememberingSink.errors = {"log": [DeliveryError("429", sink_down=True, not_before=NOW + timedelta(hours=4))]}
    world.run(feed(item("c"), item("b"), item("a")))
    for _ in range(2):
        world.run()
        assert world.sent == []
    world.run()
    assert [name for _, _, name in world.sent] == ["a", "b", "c"]


def test_a_sink_that_wants_no_more_is_left_alone_until_a_person_says_otherwise(world: World) -> None:
    RememberingSink.errors = {"log": [DeliveryError("410 Gone", permanent=True, sink_down=True)]}
    world.run(feed(item("a"), item("b")))
    report = world.run(feed(item("a"), item("b"), item("c"))).sinks["log"]
    assert (report.held, report.pending, world.sent) == (3, 0, [])
    assert "queue release --sink log" in report.errors[0]

    store = world.store()
    assert store.sinks.states()["log"].disabled_at is not None
    store.sinks.well("log")
    store.outbox.move(DeliveryState.PENDING, world.now, sink="log")
    store.close()
    world.run()
    assert sorted(name for _, _, name in world.sent) == ["a", "b", "c"]


def test_a_sink_that_fails_for_a_day_is_told_of_once_and_when_it_is_well_again(world: World) -> None:
    RememberingSink.errors = {"log": [DOWN] * 6}
    alerts = [world.run(feed(item("a"))).sinks["log"].alert]
    alerts += [world.run(later=timedelta(hours=12)).sinks["log"].alert for _ in range(6)]
    told = [alert for alert in alerts if alert]
    assert len(told) == 2
    assert "nothing could be delivered since" in told[0]
    assert "no answer" in told[0]
    assert "well again" in told[1]


def test_one_failure_is_forgotten_with_the_next_success(world: World) -> None:
    RememberingSink.errors = {"log": [DOWN]}
    world.run(feed(item("a")))
    world.run()
    store = world.store()
    assert store.sinks.states() == {}
    store.close()


def test_a_sink_of_which_one_of_many_recipients_takes_nothing_is_well(world: World) -> None:
    RememberingSink.errors = {"log": [DeliveryError("full", delivered=frozenset({"ada"}))]}
    world.run(feed(item("a")))
    store = world.store()
    assert store.sinks.states() == {}
    store.close()


def test_what_was_sent_long_ago_is_forgotten_and_never_announced_again(world: World) -> None:
    world.feedbot = {"retention": timedelta(days=30)}
    world.routes = [RouteSettings(to=("log",), dedupe="across")]
    world.run(feed(item("a")))
    world.routes = [RouteSettings(to=("log",))]
    world.run(feed(item("a"), item("b")))
    world.run(later=timedelta(days=31))
    store = world.store()
    kept = [delivery.entry.id for delivery in store.deliveries.listed(list(DeliveryState))]
    store.close()
    assert kept == ["a"]  # it tells that no other source may announce it
    world.run(feed(item("a"), item("b")))
    assert [name for _, _, name in world.sent] == ["a", "b"]


def test_what_was_sent_is_sent_again_under_other_keys(world: World) -> None:
    world.run(feed(item("a")))
    world.run(feed(item("a"), item("b")))
    store = world.store()
    for _ in range(2):
        found = store.retention.sent("log", NOW + timedelta(minutes=90), world.now)
        assert store.retention.again(found, world.now) == len(found) == 1
    store.close()
    world.run()
    assert [name for _, _, name in world.sent] == ["a", "b", "b", "b"]
    assert len({delivery.key for _, delivery in RememberingSink.sent}) == 4
    store = world.store()
    assert len(store.retention.sent("log", NOW, world.now)) == 2  # however often "b" was sent again
    store.close()
