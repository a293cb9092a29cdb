"""When sources are polled: rhythm, back-off, what they ask for, what a person is told of it."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from feedbot.core import schedule
from feedbot.engine.report import SourceStatus
from feedbot.errors import SourceError
from feedbot.plugins import SourceSettings
from tests.engine.world import World
from tests.support.build import NOW, at, feed, item


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def polled(world: World, later: timedelta) -> bool:
    return world.run(later=later).sources["blog"].status is not SourceStatus.SKIPPED


def wait(world: World) -> timedelta:
    """How long it is until the source is due again."""
    with closing(world.store()) as store:
        due = store.sources.states()["blog"].next_poll
    assert due is not None
    return due - world.now


def test_a_source_that_asks_for_time_is_left_alone(world: World) -> None:
    world.run(feed(item("a"), fresh_until=world.now + timedelta(hours=6)))
    assert not polled(world, timedelta(hours=4))
    assert polled(world, timedelta(hours=3))


def test_no_source_is_left_alone_for_more_than_a_day(world: World) -> None:
    world.run(feed(item("a"), fresh_until=world.now + timedelta(days=365)))
    assert polled(world, timedelta(hours=24, minutes=1))


def test_failures_space_polls_out_and_the_first_good_one_ends_that(world: World) -> None:
    world.run(feed(item("a")))
    world.say(SourceError("down"))
    waits = []
    for _ in range(8):
        waits.append(wait(world))
        assert not polled(world, waits[-1] * 0.8)
        assert polled(world, waits[-1] * 0.2)
    assert waits == sorted(waits)
    assert timedelta(hours=20) < waits[-1] <= timedelta(hours=27)
    world.say(feed(item("a")))
    assert polled(world, wait(world))
    assert polled(world, timedelta(minutes=31))


def test_a_day_of_failure_is_told_once_and_so_is_the_recovery(world: World) -> None:
    world.run(feed(item("a")))
    world.say(SourceError("down", "wait"))
    alerts = [world.run(later=timedelta(hours=6), force=True).sources["blog"].alert for _ in range(8)]
    told = [alert for alert in alerts if alert]
    assert told == ["it has failed for 1 d: down (wait)"]
    report = world.run(feed(item("a")), force=True)
    assert report.sources["blog"].alert == "it is well again"
    assert world.run(force=True).sources["blog"].alert == ""


def test_an_address_that_is_gone_is_asked_once_a_week(world: World) -> None:
    world.run(SourceError("gone", gone=True))
    assert not polled(world, timedelta(days=6))
    assert polled(world, timedelta(days=1, hours=1))


def test_auto_follows_the_rhythm_of_the_source(world: World) -> None:
    world.sources = {"blog": SourceSettings(type="scripted", interval="auto")}
    daily = [item(f"d{n}", published=world.now - timedelta(days=n)) for n in range(8)]
    world.run(feed(*daily))
    assert not polled(world, timedelta(hours=5))
    assert polled(world, timedelta(hours=1, minutes=10))


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ([], timedelta(days=1)),
        ([1, 2, 3], timedelta(minutes=15)),
        ([0.1, 0.2, 0.3], timedelta(minutes=10)),
        ([1, 100, 200], timedelta(days=1)),
        ([8, 9, 10], timedelta(hours=2)),
    ],
)
def test_a_rhythm_lies_between_its_bounds(gaps: list[float], expected: timedelta) -> None:
    dates = [at(hours=-gap) for gap in gaps]
    assert schedule.rhythm(dates, NOW, timedelta(minutes=10), timedelta(days=1)) == expected
