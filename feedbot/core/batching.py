"""How sources that are due are parted among workers."""

from __future__ import annotations

from collections.abc import Collection, Iterable

LARGEST = 100
"""Sources in a job at most: few enough for a job to be done soon, many enough for the queue to cost little."""
_AHEAD = 20
"""Sources that may be claimed for each one that can be read at a time."""


def room(readers: int, claimed: int) -> int:
    """How many more sources may be claimed, where so many can be read at once and so many are claimed already.

    What waits in the queue is a few minutes of work at most, even where every server keeps silent until its time is up.
    """
    return max(0, readers * _AHEAD - claimed)


def batches(due: Iterable[tuple[int, str]], busy: Collection[str], most: int, slots: int) -> list[list[int]]:
    """Part sources, given by key and host, oldest first, into jobs for so many hands: at most ``most`` of them.

    The sources of a host go into one job, and none goes out whose host is ``busy`` with another, so that whoever has
    the job can keep to how many requests the host is to bear at once. A source without a host stands for itself.
    """
    groups: dict[str, list[int]] = {}
    taken = 0
    for key, host in due:
        if taken >= most:
            break
        own = groups.setdefault(host or f"{key}", [])
        if host not in busy and len(own) < LARGEST:
            own.append(key)
            taken += 1
    size = min(max(-(-taken // max(slots, 1)), 1), LARGEST)
    jobs: list[list[int]] = []
    for group in filter(None, groups.values()):
        if jobs and len(jobs[-1]) + len(group) <= size:
            jobs[-1] += group
        else:
            jobs.append(group)
    return jobs
