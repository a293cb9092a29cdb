"""The watch over a connection."""

from __future__ import annotations

import threading
import time

from feedbot.sinks.deadline import Deadline


def test_what_takes_too_long_is_cut_once_and_what_comes_after_it_is_not() -> None:
    # given
    cuts: list[float] = []
    cut = threading.Event()

    def note() -> None:
        cuts.append(time.monotonic())
        cut.set()

    deadline = Deadline(0.1, note)
    # when
    with deadline:
        assert cut.wait(5)
        time.sleep(0.15)
        assert deadline.late
    with deadline:
        quick = not deadline.late
    time.sleep(0.25)
    deadline.close()
    # then
    assert len(cuts) == 1
    assert quick


def test_many_in_turn_share_a_thread_which_ends_with_them() -> None:
    # given
    cuts: list[None] = []
    deadline = Deadline(0.1, lambda: cuts.append(None))
    # when
    for _ in range(8):
        with deadline:
            time.sleep(0.03)
            watching = [thread for thread in threading.enumerate() if thread.name == "deadline"]
    deadline.close()
    # then
    (thread,) = watching[-1:]
    thread.join(5)
    assert not thread.is_alive()
    assert cuts == []


def test_it_can_be_taken_up_again_after_its_end() -> None:
    cut = threading.Event()
    deadline = Deadline(0.05, cut.set)
    with deadline:
        pass
    deadline.close()
    with deadline:
        assert cut.wait(5)
    deadline.close()
