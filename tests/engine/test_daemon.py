"""The daemon in this process: the clock, many sources of which some hang, and a long time."""

from __future__ import annotations

import gc
import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedbot.app import RunOptions
from feedbot.engine.daemon import Daemon
from feedbot.engine.journal import Journal
from feedbot.engine.ticking import Every
from feedbot.engine.work import Work
from feedbot.errors import DeliveryError, SourceError
from feedbot.model import Document, Memory
from feedbot.plugins import SourceSettings
from feedbot.settings import FeedSettings
from feedbot.store.store import Store
from tests.engine.world import RememberingSink, ScriptedSource, World
from tests.support.build import feed, item

TICK = 0.05


class Clock:
    """The time, which somebody may set to another one."""

    shift = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.shift


class Running:
    """A daemon at work on a world."""

    def __init__(self, world: World, store: Store, clock: Clock) -> None:
        self.world, self.clock, self._store = world, clock, store
        self.daemon = Daemon(self.work(), Journal(clock), tick=TICK)

    def work(self) -> Work:
        app = self.world.app(self.clock)
        return Work(app.cycle(self._store, RunOptions(), lease="daemon"), app.close)

    def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.01)


@contextmanager
def running(world: World) -> Iterator[Running]:
    store = Store.open(world.folder / "feedbot.db")
    it = Running(world, store, Clock())
    it.daemon.start()
    try:
        yield it
    finally:
        it.daemon.stop(5)
        store.close()


def hourly(number: int = 1) -> dict[str, SourceSettings]:
    return {f"s{n}": SourceSettings(type="scripted", interval=timedelta(hours=1)) for n in range(number)}


@pytest.mark.parametrize("shift", [timedelta(hours=-5), timedelta(hours=5), timedelta(days=20_000)])
def test_a_clock_that_is_set_delays_nothing(tmp_path: Path, shift: timedelta, caplog: pytest.LogCaptureFixture) -> None:
    world = World(tmp_path, sources=hourly())
    world.say(feed(item("a")), "s0")
    with running(world) as it, caplog.at_level(logging.WARNING, "feedbot"):
        it.until(lambda: len(ScriptedSource.polls) == 1)
        it.clock.shift = shift
        it.daemon.keep_time()
        it.until(lambda: len(ScriptedSource.polls) == 2)
        it.daemon.keep_time()
    assert caplog.text.count("the clock was set by") == 1


def test_what_was_missed_while_the_clock_was_wrong_is_done_once() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert Every(2).get_next_fire_time(datetime(1970, 1, 1, tzinfo=UTC), now) == now + timedelta(seconds=2)


def test_many_sources_that_hang_keep_the_healthy_ones_within_their_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ScriptedSource.poll
    timeout, concurrency = 0.2, 16

    def poll(self: ScriptedSource, memory: Memory, now: datetime) -> Document:
        if int(self.name[1:]) % 3 == 0:
            time.sleep(timeout)
        return said(self, memory, now)

    monkeypatch.setattr(ScriptedSource, "poll", poll)
    monkeypatch.setattr(ScriptedSource, "host", property(lambda self: self.name, lambda self, _: None), raising=False)
    world = World(tmp_path, sources=hourly(210), feedbot={"concurrency": concurrency})
    for name in world.sources:
        world.say(feed(item(f"{name}-a")), name)
    begun = time.monotonic()
    with running(world) as it:
        it.until(lambda: len({name for name in ScriptedSource.polls if int(name[1:]) % 3}) == 140)
        assert time.monotonic() - begun < 70 * timeout / concurrency * 1.2 + 10


def test_in_the_long_run_it_holds_no_more_memory_files_and_threads(tmp_path: Path) -> None:
    sources = {name: settings.model_copy(update={"interval": timedelta(0)}) for name, settings in hourly(40).items()}
    world = World(tmp_path, sources=sources, feeds={"all": FeedSettings(formats=("atom",))})
    for name in world.sources:
        world.say(feed(item(f"{name}-a")), name)

    def held() -> tuple[int, int, int]:
        gc.collect()
        return len(gc.get_objects()), len(os.listdir("/proc/self/fd")), threading.active_count()

    with running(world) as it:

        def poll_and_reload(times: int) -> None:
            polled = len(ScriptedSource.polls)
            it.until(lambda: len(ScriptedSource.polls) > polled + times)
            it.daemon.replace(it.work())

        poll_and_reload(60)
        poll_and_reload(60)
        before = held()
        for _ in range(4):
            poll_and_reload(60)
        after = held()
    assert after[0] - before[0] < 1000
    assert after[1] - before[1] <= 2
    assert after[2] - before[2] <= 32  # threads that read are made when needed


def test_a_configuration_that_was_replaced_is_let_go_of_at_once_whatever_failed_with_it(tmp_path: Path) -> None:
    often = {"interval": timedelta(0), "backfill": "all"}
    world = World(tmp_path, sources={name: one.model_copy(update=often) for name, one in hourly(2).items()})
    world.say(feed(item("a")), "s0")
    world.say(SourceError("it is away"), "s1")
    gc.disable()  # which comes by too seldom where ten thousand sources are configured
    try:
        with running(world) as it:
            work = it.work()
            it.daemon.replace(work)
            it.until(lambda: bool(RememberingSink.sent) and "s1" in ScriptedSource.polls)
            former = [weakref.ref(one) for one in (work, *(spec.source for spec in work.cycle.sources))]
            it.daemon.replace(it.work())
            del work
            it.until(lambda: all(one() is None for one in former))
    finally:
        gc.enable()


def test_a_sink_that_fails_is_not_well_again_until_something_was_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    often = {"interval": timedelta(0), "backfill": "all"}
    world = World(tmp_path, sources={name: one.model_copy(update=often) for name, one in hourly().items()})
    world.say(feed(item("a")), "s0")
    RememberingSink.errors = {"log": [DeliveryError("it is away")]}
    with running(world) as it, caplog.at_level(logging.INFO, "feedbot"):
        it.until(lambda: "sink log: it is away" in caplog.text)
        polled = len(ScriptedSource.polls)
        it.until(lambda: len(ScriptedSource.polls) > polled + 5)
        assert "well again" not in caplog.text
        it.clock.shift = timedelta(hours=1)
        it.until(lambda: "sink log: it is well again" in caplog.text)
