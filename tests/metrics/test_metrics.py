"""Metrics: what Prometheus is told, how many series that are, and what it is never told."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from feedbot.engine.report import FeedReport, SinkReport, SourceReport, SourceStatus
from feedbot.engine.tally import Counts, Tally
from feedbot.errors import DeliveryError, SourceError
from feedbot.metrics import MOST_SERIES, exposition
from feedbot.plugins import SourceSettings
from feedbot.settings import RouteSettings
from tests.engine.world import RememberingSink, World
from tests.support.build import feed, item


def scripted(*, paused: bool = False) -> SourceSettings:
    return SourceSettings(type="scripted", backfill="all", paused=paused)


def told(world: World, counts: Counts | None = None) -> dict[str, float]:
    """The samples by name and labels, as Prometheus reads them."""
    store = world.store()
    try:
        text = exposition(world.app().configuration, store, world.now, counts).decode()
    finally:
        store.close()
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {f"{s.name}{{{','.join(f'{k}={v}' for k, v in sorted(s.labels.items()))}}}": s.value for s in samples}


@pytest.fixture
def world(tmp_path: Path) -> World:
    sources = {"blog": scripted(), "bad": scripted(), "still": scripted(paused=True), "unread": scripted()}
    world = World(tmp_path, sources=sources, sinks=("log", "down"), routes=[RouteSettings(to=("log", "down"))])
    world.say(SourceError("no answer"), "bad")
    RememberingSink.errors = {"down": [DeliveryError("no answer", sink_down=True)] * 9}
    return world


def test_the_state_tells_how_sources_sinks_and_feeds_are(world: World) -> None:
    world.run(feed(item("a"), item("b")), sources=("blog", "bad"))
    world.now += timedelta(minutes=5)
    found = told(world)
    assert found["feedbot_sources{health=ok}"] == 1
    assert found["feedbot_sources{health=failing}"] == 1
    assert found["feedbot_sources{health=paused}"] == 1
    assert found["feedbot_sources{health=new}"] == 1
    assert found["feedbot_source_up{source=blog}"] == 1
    assert found["feedbot_source_up{source=bad}"] == 0
    assert found["feedbot_source_failures{source=bad}"] == 1
    assert found["feedbot_entries{}"] == 2
    assert found["feedbot_feed_entries{feed=all}"] == 2
    assert found["feedbot_outbox_deliveries{sink=down,state=pending}"] == 2
    assert found["feedbot_outbox_deliveries{sink=log,state=pending}"] == 0
    assert found["feedbot_outbox_oldest_seconds{sink=down}"] == 300
    assert found["feedbot_outbox_oldest_seconds{sink=log}"] == 0
    assert 0 < found["feedbot_delivery_lag_seconds{}"] < 300
    assert found["feedbot_sink_up{sink=log}"] == 1
    assert found["feedbot_sink_up{sink=down}"] == 0
    last = (world.now - timedelta(minutes=5)).timestamp()
    assert found["feedbot_last_delivery_timestamp_seconds{sink=log}"] == last
    assert found["feedbot_last_poll_success_timestamp_seconds{}"] == last
    assert not any(name.startswith("feedbot_polls") for name in found)


def test_what_is_overdue_is_told(world: World) -> None:
    world.run(feed(item("a")), sources=("blog",))
    world.now += timedelta(hours=3)
    assert told(world)["feedbot_poll_lag_seconds{}"] == 2.5 * 3600


def test_a_process_tells_what_it_has_done(world: World) -> None:
    world.run(feed())
    tally = Tally()
    tally.polled(
        [
            SourceReport(name="blog", seconds=0.3, new=["a", "b"], updated=["c"]),
            SourceReport(name="bad", seconds=90.0, status=SourceStatus.FAILED),
            SourceReport(name="still", status=SourceStatus.SKIPPED),
        ]
    )
    tally.published([FeedReport(name="all", written=["all.atom", "all.rss"])])
    tally.delivered([SinkReport(name="log", sent=2), SinkReport(name="long-gone", failed=1)])
    tally.took(1234)
    found = told(world, tally.counts())
    assert found["feedbot_polls_total{outcome=ok}"] == 1
    assert found["feedbot_polls_total{outcome=failed}"] == 1
    assert found["feedbot_polls_total{outcome=held}"] == 0
    assert found["feedbot_poll_duration_seconds_bucket{le=0.25}"] == 0
    assert found["feedbot_poll_duration_seconds_bucket{le=0.5}"] == 1
    assert found["feedbot_poll_duration_seconds_bucket{le=+Inf}"] == 2
    assert found["feedbot_poll_duration_seconds_count{}"] == 2
    assert found["feedbot_poll_duration_seconds_sum{}"] == pytest.approx(90.3)
    assert found["feedbot_changes_total{change=new}"] == 2
    assert found["feedbot_changes_total{change=updated}"] == 1
    assert found["feedbot_deliveries_total{outcome=sent,sink=log}"] == 2
    assert found["feedbot_deliveries_total{outcome=failed,sink=(removed)}"] == 1
    assert found["feedbot_files_written_total{}"] == 2
    assert found["feedbot_received_bytes_total{}"] == 1234
    assert found["process_resident_memory_bytes{}"] > 1e6
    assert found["process_open_fds{}"] > 2


def test_series_are_bounded_however_much_is_configured(world: World) -> None:
    world.sources = {f"s{number}": scripted() for number in range(MOST_SERIES + 1)}
    for name in world.sources:
        world.say(feed(), name)
    world.run()
    found = told(world, Counts())
    assert found["feedbot_sources{health=ok}"] == MOST_SERIES + 1
    assert not any("source=" in name for name in found)
    assert len(found) < 100


def test_no_address_and_no_secret_is_told(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.run(SourceError("https://blog.example/?key=hunter22 does not answer"))
    store = world.store()
    text = exposition(world.app().configuration, store, world.now, Counts()).decode()
    store.close()
    assert "hunter22" not in text
    assert "blog.example" not in text
