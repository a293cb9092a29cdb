"""How sources that are due are parted into jobs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from feedbot.core.batching import LARGEST, batches, room

HOSTS = st.lists(st.sampled_from(["", "a", "b", "c", "d"]), max_size=3 * LARGEST)


@settings(max_examples=60)
@given(HOSTS, st.sets(st.sampled_from("abcd")), st.integers(0, 400), st.integers(0, 8))
def test_the_sources_of_a_host_are_in_one_job_and_none_of_a_busy_one(
    hosts: list[str], busy: set[str], most: int, slots: int
) -> None:
    due = list(enumerate(hosts))
    jobs = batches(due, busy, most, slots)
    taken = [key for job in jobs for key in job]
    assert len(taken) == len(set(taken)) <= most
    assert all(0 < len(job) <= LARGEST for job in jobs)
    for host in "abcd":
        having = [number for number, job in enumerate(jobs) for key in job if hosts[key] == host]
        assert len(set(having)) <= 1
        assert not (having and host in busy)


def test_all_hands_get_some_of_it_and_the_oldest_goes_first() -> None:
    due = [(key, f"h{key}") for key in range(40)]
    assert [len(job) for job in batches(due, (), 100, 4)] == [10, 10, 10, 10]
    assert batches(due, (), 3, 1) == [[0, 1, 2]]


def test_there_is_room_for_a_few_minutes_of_work_and_no_more() -> None:
    assert room(32, 0) == 640
    assert room(32, 600) == 40
    assert room(32, 5000) == room(0, 0) == 0
