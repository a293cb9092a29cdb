"""The queue between those who find work and those who do it. It is a hint: what is to be done stands in the state.

A job that is lost, late or done twice changes nothing. Its arguments are keys and names only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

POLL, DELIVER, PUBLISH = "poll", "deliver", "publish"
QUEUES = (POLL, DELIVER, PUBLISH)


class Batch(Struct, frozen=True):
    """Sources to be polled, by their keys, which were claimed under this lease."""

    pks: tuple[int, ...]
    lease: str


class Handlers(Struct, frozen=True, kw_only=True):
    """What does the jobs of each queue, in threads; none of them raises."""

    poll: Callable[[Batch], None]
    deliver: Callable[[str], None]
    publish: Callable[[], None]


class Queue(Protocol):
    """Holds jobs for workers on any number of machines."""

    def put_polls(self, connection: Any, batches: Sequence[Batch]) -> None:
        """Put jobs in the transaction that claimed what they poll."""

    def put(self, queue: str, name: str) -> None:
        """Put a job of delivering to the sink of a name, or of publishing; nothing where the same one waits already."""

    def start(self, handlers: Handlers, slots: Mapping[str, int]) -> None:
        """Begin to work off queues, so many jobs of each at once, in threads of its own."""

    def rescue(self) -> None:
        """Put back, or clear away, the jobs of workers that are no more."""

    def trouble(self) -> str:
        """What ended its work, "" while it goes on."""

    def stop(self, seconds: float) -> None:
        """Take up no more jobs, and wait so long for those that are being done."""
