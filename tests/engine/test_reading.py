"""Reading side by side: sources that hang leave threads to those that are well."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from feedbot.engine.reading import Readers, SourceSpec
from feedbot.model import Document, Memory, SourceState
from feedbot.plugins import SourceSettings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Made:
    """A source that answers at once, or hangs until it is let go."""

    Settings = SourceSettings
    kind = "made"

    def __init__(self, host: str, let_go: threading.Event | None) -> None:
        self.host = host
        self._let_go = let_go

    def poll(self, memory: Memory, now: datetime) -> Document:
        if self._let_go is not None:
            self._let_go.wait(20)
        return Document(items=(), memory=memory, not_modified=True)


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def spec(name: str, let_go: threading.Event | None = None) -> SourceSpec:
    settings = SourceSettings(type="made")
    return SourceSpec(name=name, settings=settings, source=Made(name, let_go), digest="")  # type: ignore[arg-type]


def add(readers: Readers, *specs: SourceSpec, failures: int = 0) -> None:
    readers.add(specs, {each.name: SourceState(name=each.name, failures=failures) for each in specs})


def test_failing_sources_that_hang_leave_threads_to_what_becomes_due(let_go: threading.Event) -> None:
    readers = Readers(lambda: NOW, concurrency=8, per_host=2, failing_share=0.25)
    add(readers, *(spec(f"bad{number}", let_go) for number in range(30)), failures=1)
    assert list(readers.finished(0.05)) == []

    add(readers, *(spec(f"good{number}") for number in range(100)))
    begun = time.monotonic()
    done = {reading.spec.name for reading in readers.finished(0.2)}
    while time.monotonic() < begun + 5 and len(done) < 100:
        done |= {reading.spec.name for reading in readers.finished(0.2)}

    assert done == {f"good{number}" for number in range(100)}
    let_go.set()
    rest = {reading.spec.name for reading in readers.finished()}
    assert rest == {f"bad{number}" for number in range(30)}
    assert not readers.names
    readers.close()


def test_where_no_more_is_to_come_failing_sources_have_all_threads(let_go: threading.Event) -> None:
    readers = Readers(lambda: NOW, concurrency=8, per_host=2)
    add(readers, *(spec(f"bad{number}", let_go) for number in range(30)), failures=1)
    assert list(readers.finished(0.05)) == []
    assert sum(thread.name.startswith("poll") for thread in threading.enumerate()) >= 8
    readers.close()


def test_what_is_well_is_read_before_what_failed() -> None:
    readers = Readers(lambda: NOW, concurrency=1, per_host=2)
    add(readers, spec("failed"), failures=3)
    add(readers, spec("well"), spec("new"))
    assert [reading.spec.name for reading in readers.finished()] == ["well", "new", "failed"]
    readers.close()


def test_a_steady_stream_of_answers_does_not_outlast_the_time_given() -> None:
    readers = Readers(lambda: NOW, concurrency=2, per_host=2)
    add(readers, *(spec(f"s{number}") for number in range(3000)))
    begun = time.monotonic()
    first = list(readers.finished(0.01))
    assert time.monotonic() - begun < 1
    assert 0 < len(first) < 3000
    assert len(first) + len(list(readers.finished())) == 3000
    readers.close()


def test_what_is_ready_when_nothing_waits_is_given_whatever_the_time(let_go: threading.Event) -> None:
    readers = Readers(lambda: NOW, concurrency=20, per_host=2)
    add(readers, *(spec(f"s{number}", let_go) for number in range(30)))
    assert list(readers.finished(0.05)) == []
    readers.drop()
    let_go.set()
    time.sleep(0.2)

    assert len(list(readers.finished(0))) == 20
    readers.close()
