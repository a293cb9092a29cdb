"""Alerts: what is not well is told through sinks, once when it begins and once when it ends."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from feedbot.errors import DeliveryError, SourceError
from feedbot.message import mail, payload
from feedbot.message.chat import notice
from feedbot.model import ChangeKind, Delivery, DeliveryState
from feedbot.plugins import SourceSettings
from feedbot.settings import RouteSettings
from tests.engine.world import RememberingSink, World
from tests.support.build import feed, item

DOWN = DeliveryError("no answer", sink_down=True)
POISON = DeliveryError("it cannot be read", permanent=True)
GONE = DeliveryError("410 Gone", permanent=True, sink_down=True)
HOURS_12 = timedelta(hours=12)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A log of entries, and a sink for the operator that no route leads to."""
    routes = [RouteSettings(to=("log",))]
    return World(tmp_path, sinks=("log", "ops"), routes=routes, feedbot={"alerts": ("ops",)})


def alerts(sink: str = "ops") -> list[Delivery]:
    return [one for name, one in RememberingSink.sent if name == sink and one.change is ChangeKind.ALERT]


def events(sink: str = "ops") -> list[str]:
    return [f"{one.entry.extra['event']} {one.entry.extra['about']}" for one in alerts(sink)]


def queued(world: World) -> list[Delivery]:
    store = world.store()
    try:
        return store.deliveries.listed(list(DeliveryState))
    finally:
        store.close()


def test_a_source_that_fails_for_a_day_is_told_of_once_and_its_recovery_once(world: World) -> None:
    world.run(feed(item("a")))
    world.say(SourceError("no answer from blog.example"))
    for _ in range(8):
        world.run(later=HOURS_12, force=True)
    assert events() == ["source.failing blog"]
    world.run(feed(item("a")), later=HOURS_12, force=True)
    world.run(later=HOURS_12, force=True)
    assert events() == ["source.failing blog", "source.recovered blog"]
    failing = alerts()[0].entry
    assert failing.title == "Source blog has failed for 1 d"
    assert "no answer from blog.example" in failing.content


def test_a_short_failure_is_told_to_nobody(world: World) -> None:
    world.run(feed(item("a")))
    world.run(SourceError("busy"), force=True)
    world.run(feed(item("a")), later=HOURS_12, force=True)
    assert events() == []


def test_a_source_that_is_gone_is_told_of_at_once(world: World) -> None:
    world.run(feed(item("a")))
    for _ in range(3):
        world.run(SourceError("410 Gone", gone=True), later=HOURS_12, force=True)
    assert events() == ["source.failing blog"]
    assert alerts()[0].entry.title == "Source blog is gone"


def test_an_alert_is_stored_with_what_it_tells_of_and_sent_by_a_later_run(world: World) -> None:
    world.run(feed(item("a")))
    world.say(SourceError("no answer"))
    for _ in range(4):
        world.run(later=HOURS_12, force=True, notify=False)
    assert (events(), len([d for d in queued(world) if d.sink == "ops"])) == ([], 1)
    world.run()
    world.run()
    assert events() == ["source.failing blog"]


def test_an_alert_keeps_its_key_at_every_try(world: World) -> None:
    RememberingSink.errors = {"ops": [DOWN, DOWN]}
    world.run(feed(item("a")))
    world.say(SourceError("no answer"))
    for _ in range(3):
        world.run(later=HOURS_12, force=True)
    planned = {d.key for d in queued(world) if d.sink == "ops"}
    for _ in range(3):
        world.run(later=HOURS_12)
    assert {d.key for d in alerts()} == planned


def test_a_sink_that_fails_for_a_day_is_told_of_through_another_and_so_is_its_recovery(world: World) -> None:
    world.feedbot = {"alerts": ("log", "ops")}
    RememberingSink.errors = {"log": [DOWN] * 6}
    world.run(feed(item("a")))
    for _ in range(8):
        world.run(later=HOURS_12)
    assert events("ops") == ["sink.failing log", "sink.recovered log"]
    assert events("log") == []
    assert "no answer" in alerts()[0].entry.content


def test_a_sink_that_alone_hears_of_failures_is_not_told_of_its_own(world: World) -> None:
    world.feedbot = {"alerts": ("log",)}
    RememberingSink.errors = {"log": [DOWN] * 6}
    world.run(feed(item("a")))
    for _ in range(8):
        world.run(later=HOURS_12)
    assert events("log") == []


def test_a_sink_that_wants_no_more_is_told_of_and_so_is_that_it_takes_deliveries_again(world: World) -> None:
    RememberingSink.errors = {"log": [GONE]}
    world.run(feed(item("a")))
    world.run(later=HOURS_12)
    assert events() == ["sink.disabled log"]
    store = world.store()
    store.sinks.enable("log")
    store.outbox.move(DeliveryState.PENDING, world.now, sink="log")
    store.close()
    world.run()
    world.run(feed(item("a"), item("b")))
    assert events() == ["sink.disabled log", "sink.recovered log"]
    assert [name for _, change, name in world.sent if change == "new"] == ["a", "b"]


def test_a_burst_that_is_held_is_told_of_once_a_day(world: World) -> None:
    world.feedbot = {"alerts": ("ops",), "flood_limit": 3}
    known = [item("a")]
    world.run(feed(*known))
    for burst in range(3):
        known += [item(f"b{burst}{n}", published=world.now) for n in range(5)]
        world.run(feed(*known), later=timedelta(hours=2))
    assert events() == ["source.held blog"]
    assert "5 new: more than flood_limit at once" in alerts()[0].entry.content
    known += [item(f"c{n}", published=world.now) for n in range(5)]
    world.run(feed(*known), later=timedelta(days=2))
    assert events() == ["source.held blog"] * 2


def test_a_delivery_that_is_given_up_is_told_of_once_a_day(world: World) -> None:
    RememberingSink.errors = {"log": [POISON] * 3}
    world.run(feed(item("a"), item("b"), item("c"), item("d")))
    assert events() == ["sink.dead log"]
    assert "it cannot be read" in alerts()[0].entry.content


def test_a_delivery_that_is_given_up_is_told_to_its_own_sink_where_there_is_no_other(world: World) -> None:
    world.feedbot = {"alerts": ("log",)}
    RememberingSink.errors = {"log": [POISON]}
    world.run(feed(item("a")))
    world.run()
    assert events("log") == ["sink.dead log"]


def test_an_alert_that_cannot_be_delivered_leads_to_no_other(world: World) -> None:
    world.sinks = ("log", "ops", "spare")
    world.feedbot = {"alerts": ("ops", "spare")}
    world.run(feed(item("a")))
    RememberingSink.errors = {"ops": [POISON], "spare": [DOWN] * 50}
    world.say(SourceError("no answer"))
    for _ in range(20):
        world.run(later=HOURS_12, force=True)
    assert {d.entry.extra["event"] for d in queued(world) if d.change is ChangeKind.ALERT} == {"source.failing"}


def test_without_sinks_for_them_there_are_no_alerts(world: World) -> None:
    world.feedbot = {}
    RememberingSink.errors = {"log": [POISON]}
    world.run(feed(item("a")))
    assert [d.change for d in queued(world)] == [ChangeKind.NEW]


def test_alerts_are_entries_of_no_feed_and_no_source(world: World) -> None:
    RememberingSink.errors = {"log": [POISON]}
    world.run(feed(item("a")))
    world.run(feed(item("a"), item("b")))
    store = world.store()
    assert list(store.sources.states()) == ["blog"]
    store.close()
    assert not any(b"given up" in data for data in world.published().values())


def test_an_alert_is_forgotten_with_its_deliveries_and_never_replayed(world: World) -> None:
    RememberingSink.errors = {"log": [POISON]}
    world.run(feed(item("a")))
    store = world.store()
    assert store.retention.sent("ops", world.now - HOURS_12, world.now) == []
    store.close()
    world.run(later=timedelta(days=100))
    assert [d.sink for d in queued(world)] == ["log"]
    store = world.store()
    assert store.entries.find("sink.dead") == []
    store.close()


def test_no_secret_is_told(tmp_path: Path) -> None:
    world = World(
        tmp_path,
        sinks=("ops",),
        sources={"blog": SourceSettings(type="scripted")},
        routes=[RouteSettings(to=("ops",))],
        feedbot={"alerts": ("ops",)},
        secrets=frozenset({"hunter22"}),
    )
    world.run(SourceError("https://blog.example/?key=hunter22 does not answer", gone=True))
    assert "hunter22" not in alerts()[0].entry.content
    assert "***" in alerts()[0].entry.content


@pytest.fixture
def told(world: World) -> Delivery:
    RememberingSink.errors = {"log": [POISON]}
    world.run(feed(item("a", title="<b>A</b> & B")))
    return alerts()[0]


def test_an_alert_has_an_event_type_of_its_own_as_json(told: Delivery) -> None:
    document = json.loads(payload.webhook_body(told))
    assert (document["type"], document["data"]["event"], document["data"]["about"]) == ("alert", "sink.dead", "log")
    assert document["data"]["title"] == "A delivery to sink log was given up"
    assert "could not be delivered" in document["data"]["text"]
    assert json.loads(payload.cloudevent_body(told))["type"] == "alert"


def test_an_alert_reads_well_as_a_mail_and_in_a_chat(told: Delivery) -> None:
    letter = mail.preview(mail.build(told, mail.Letterhead()))
    assert "Subject: [Feedbot] A delivery to sink log was given up" in letter.text
    assert "“<b>A</b> & B” could not be delivered" in letter.text
    assert 'as it is named in "alerts"' in letter.text
    assert "&lt;b&gt;A&lt;/b&gt; &amp; B" in letter.page
    said = notice(told)
    assert said.title == "A delivery to sink log was given up"
    assert said.text.startswith("“<b>A</b> & B” could not be delivered")
