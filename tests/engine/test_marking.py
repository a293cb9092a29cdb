"""How it is written down what was sent: each message at once, those of a long backlog beside sending."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from feedbot.engine.marking import STREAK, UNMARKED, Marking
from feedbot.errors import LeaseLostError
from feedbot.model import DeliveryState
from feedbot.store.outbox import Outcome
from tests.support.build import NOW


class Disk:
    """Remembers what was written at once; writes nothing more while it is ``slow``."""

    def __init__(self) -> None:
        self.written: list[list[int]] = []
        self.quick = threading.Event()
        self.quick.set()
        self.lost: set[int] = set()

    def write(self, outcomes: Sequence[Outcome]) -> None:
        self.quick.wait(10)
        numbers = [pk for outcome in outcomes for pk in outcome.pks]
        self.written.append(numbers)
        if self.lost & set(numbers):
            raise LeaseLostError("another's by now")


def sent(number: int) -> Outcome:
    return Outcome(pks=[number], state=DeliveryState.SENT, at=NOW)


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def marking(disk: Disk) -> Iterator[Marking]:
    marking = Marking(disk.write)
    yield marking
    disk.quick.set()
    marking.close()


def streak(marking: Marking) -> None:
    """So many in a row that the next ones may be marked while others are sent."""
    for number in range(STREAK):
        marking.note(sent(number), fast=True)


def test_each_message_is_marked_before_the_next_is_sent(disk: Disk, marking: Marking) -> None:
    for number in range(STREAK):
        marking.note(sent(number), fast=True)
        assert disk.written[-1] == [number]


def test_those_of_a_long_backlog_are_all_marked_in_their_order(disk: Disk, marking: Marking) -> None:
    streak(marking)
    del disk.written[:]
    for number in range(200):
        marking.note(sent(number), fast=True)
    marking.settle()
    assert [number for together in disk.written for number in together] == list(range(200))


def test_of_a_long_backlog_the_next_is_sent_while_one_is_marked(disk: Disk, marking: Marking) -> None:
    streak(marking)
    disk.quick.clear()
    marking.note(sent(100), fast=True)  # does not wait for the disk
    disk.quick.set()
    marking.settle()
    assert disk.written[-1] == [100]


def test_no_more_are_sent_and_not_marked_than_two(disk: Disk, marking: Marking) -> None:
    streak(marking)
    disk.quick.clear()
    noted = []

    def send() -> None:
        for number in range(2 * UNMARKED):
            marking.note(sent(number), fast=True)
            noted.append(number)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    thread.join(0.1)
    assert len(noted) < UNMARKED
    disk.quick.set()
    thread.join(10)
    assert len(noted) == 2 * UNMARKED


def test_a_slow_one_is_marked_at_once_again(disk: Disk, marking: Marking) -> None:
    streak(marking)
    marking.note(sent(100), fast=False)
    assert disk.written[-1] == [100]


def test_what_cannot_be_marked_is_told_to_the_sender_and_costs_the_others_nothing(disk: Disk, marking: Marking) -> None:
    streak(marking)
    disk.lost = {100}
    disk.quick.clear()
    marking.note(sent(100), fast=True)
    disk.quick.set()
    with pytest.raises(LeaseLostError):
        marking.settle()
    with pytest.raises(LeaseLostError):
        marking.note(sent(101), fast=True)
    with pytest.raises(LeaseLostError):
        marking.settle()
    assert disk.written[-2:] == [[100], [101]]
