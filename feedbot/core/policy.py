"""Which changes are worth a notification, and which wait for a person to look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from feedbot.core.diff import Addition
from feedbot.model import EditKind

UpdateRule = Literal["never", "text", "markup", "any"]

RESTLESS = 4
"""An entry edited in so many polls in a row differs at every poll (a counter, a token), and is no news."""

_COUNTS: dict[UpdateRule, frozenset[EditKind]] = {
    "never": frozenset(),
    "text": frozenset({EditKind.TEXT}),
    "markup": frozenset({EditKind.TEXT, EditKind.MARKUP}),
    "any": frozenset({EditKind.TEXT, EditKind.MARKUP, EditKind.METADATA}),
}


@dataclass(frozen=True)
class Announcement:
    """The new entries to announce, by index, and whether they wait for a person."""

    chosen: frozenset[int]
    held: bool = False


def announce_new(
    added: Sequence[Addition],
    *,
    first_poll: bool,
    backfill: int | Literal["all"],
    flood_limit: int,
    announced: frozenset[int] = frozenset(),
) -> Announcement:
    """Choose among a poll's new entries; ``announced`` are those that another program has told of, by index.

    The first good poll of a source announces its ``backfill`` newest entries. Later on all are announced,
    and held back where there are more than ``flood_limit``.
    """
    everything = frozenset(range(len(added))) - announced
    if not first_poll:
        return Announcement(everything, held=len(everything) > flood_limit)
    if backfill == "all":
        return Announcement(everything)
    newest = sorted(everything, key=lambda i: _age(added[i].item.published, i))
    return Announcement(frozenset(newest[:backfill]))


def oldest_first(added: Sequence[Addition], *, newest_on_top: bool) -> list[int]:
    """The order in which new entries are announced, by index: by date, or as the document has them.

    ``newest_on_top`` tells that the document lists the newest first, as feeds do.
    """
    order = list(range(len(added)))
    if newest_on_top:
        order.reverse()
    dates = [addition.item.published.timestamp() for addition in added if addition.item.published]
    if len(dates) == len(added):
        order.sort(key=dates.__getitem__)
    return order


def due_and_scheduled(added: Sequence[Addition], now: datetime) -> tuple[tuple[Addition, ...], tuple[Addition, ...]]:
    """Part the new entries that are there from those whose date is still to come."""
    due: list[Addition] = []
    scheduled: list[Addition] = []
    for addition in added:
        date = addition.item.published
        (due if date is None or date <= now else scheduled).append(addition)
    return tuple(due), tuple(scheduled)


def restless(former: int, edited_at: datetime | None, last_poll: datetime | None) -> int:
    """How many polls in a row an entry was edited in, with the present one, given how many it was before."""
    in_a_row = edited_at is not None and last_poll is not None and edited_at >= last_poll
    return former + 1 if in_a_row else 1


def counts_as_update(kind: EditKind, rule: UpdateRule) -> bool:
    """Whether an edit is announced on routes that ask for updates."""
    return kind in _COUNTS[rule]


def _age(published: datetime | None, position: int) -> tuple[float, int]:
    # A document lists the newest first, as a rule: its order decides where dates do not.
    return (-published.timestamp() if published else float("inf"), position)
