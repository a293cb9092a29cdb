"""Which changes are worth a notification, when, and which wait for a person to look at them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from feedbot.core.diff import Addition
from feedbot.core.outbox import OPEN, Standing
from feedbot.model import ChangeKind, DeliveryState, EditKind

UpdateRule = Literal["never", "text", "markup", "any"]

RESTLESS = 4
"""An entry edited in so many polls in a row differs at every poll (a counter, a token), and is no news."""
FEW = 5
"""Of fewer entries than this it means nothing that most of them look new, or are gone."""

_FAR_AHEAD = timedelta(days=14)
_NEAR = timedelta(days=4)

_COUNTS: dict[UpdateRule, frozenset[EditKind]] = {
    "never": frozenset(),
    "text": frozenset({EditKind.TEXT}),
    "markup": frozenset({EditKind.TEXT, EditKind.MARKUP}),
    "any": frozenset({EditKind.TEXT, EditKind.MARKUP, EditKind.METADATA}),
}


class Announcement(Struct, frozen=True):
    """The new entries to announce, by index; why each is or is not; whether they wait for a person, and why."""

    chosen: frozenset[int]
    why: Mapping[int, str]
    held: str = ""


def announce_new(
    added: Sequence[Addition],
    *,
    first_poll: bool,
    backfill: int | Literal["all"],
    flood_limit: int,
    oldest: datetime | None = None,
    looks_new: bool = False,
    announced: frozenset[int] = frozenset(),
    moved_after: datetime | None = None,
) -> Announcement:
    """Choose among a poll's new entries; ``announced`` are those that another program has told of, by index.

    What is dated before ``oldest`` is not announced. The first good poll of a source announces its ``backfill``
    newest entries. Later on all are announced, and held back where there are more than ``flood_limit``, or where
    most of the source ``looks_new``. Of a source that was of another type when it was last read, at ``moved_after``,
    what has no date or one before that day was there already, beyond what was listed then.
    """
    why = {i: "adopted" if i in announced else "old" if _before(a, oldest) else "" for i, a in enumerate(added)}
    if moved_after is not None:
        day = moved_after.replace(hour=0, minute=0, second=0, microsecond=0)
        why |= {i: "moved" for i, a in enumerate(added) if a.item.published is None or a.item.published < day}
    left = [index for index, reason in why.items() if not reason]
    if first_poll:
        newest = sorted(left, key=lambda i: _age(added[i].item.published, i))
        chosen = frozenset(newest if backfill == "all" else newest[:backfill])
        return Announcement(chosen, why | {i: "backfill" if i in chosen else "first poll" for i in left})
    held = "flood" if len(left) > flood_limit else "looks new" if looks_new and left else ""
    return Announcement(frozenset(left), why | dict.fromkeys(left, held or "new"), held)


def most_looks_new(added: Sequence[Addition], *, listed: int, there: int, last_poll: datetime | None) -> bool:
    """Whether most of a known source looks new, as after a move that changed all names.

    ``listed`` is how many entries its last document had, ``there`` how many known ones this one has. What is dated
    after the last poll is rightly new, however many of the older entries it pushes out of a feed.
    """
    odd = sum(1 for a in added if a.item.published is None or last_poll is None or a.item.published <= last_poll)
    return listed >= FEW <= odd and (listed - there) * 2 > listed and odd * 2 > len(added) + there


def too_many(number: int, *, flood_limit: int) -> bool:
    """Whether so many updates in one poll wait for a person."""
    return number > flood_limit


def too_many_gone(number: int, *, known: int, flood_limit: int) -> bool:
    """Whether so many withdrawals in one poll, of so many known entries, wait for a person."""
    return number > flood_limit or (number >= FEW and number * 2 > known)


def is_the_same_source(shared: int, *, listed: int, listed_before: int) -> bool:
    """Whether a new source is one that was read under another name: at least half of either's entries are shared."""
    return shared * 2 >= max(listed, listed_before, 1)


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


def swapped(date: datetime | None, now: datetime) -> datetime | None:
    """The date that was meant where one far ahead has day and month in the wrong order, as far as one can tell.

    So it is where the same numbers the other way round give a day close to now. A midnight of east of Greenwich
    is the evening before in UTC, so that the day after counts as well.
    """
    if date is None or date - now < _FAR_AHEAD:
        return None
    days = (date, date + timedelta(hours=14)) if date.hour >= 10 else (date,)
    for day in days:
        if day.day <= 12:
            meant = day.replace(day=day.month, month=day.day)
            if abs(meant - now) <= _NEAR:
                return meant
    return None


def restless(former: int, edited_at: datetime | None, last_poll: datetime | None) -> int:
    """How many polls in a row an entry was edited in, with the present one, given how many it was before."""
    in_a_row = edited_at is not None and last_poll is not None and edited_at >= last_poll
    return former + 1 if in_a_row else 1


def counts_as_update(kind: EditKind, rule: UpdateRule) -> bool:
    """Whether an edit is announced on routes that ask for updates."""
    return kind in _COUNTS[rule]


class Shift(Struct, frozen=True):
    """A delivery that was not sent yet, and waits longer now that its entry was edited again."""

    pk: int
    not_before: datetime


class Notice(Struct, frozen=True):
    """When a sink is told of an update, against which revision it is shown, and which open delivery tells it.

    No ``base``: against the revision before. ``within``: the announcement or notice that was not sent yet, and
    carries the entry as it is by then.
    """

    not_before: datetime
    base: int | None = None
    within: int | None = None


def shifts(standing: Iterable[Standing], settle: timedelta, now: datetime) -> tuple[Shift, ...]:
    """How an edit moves the deliveries of its entry that were never tried: to ``settle`` after now."""
    waiting = (one for one in standing if one.state is DeliveryState.PENDING and not one.attempts)
    return tuple(Shift(one.pk, max(one.not_before, now + settle)) for one in waiting if settle)


def notice(standing: Iterable[Standing], settle: timedelta, interval: timedelta, now: datetime) -> Notice:
    """How a sink is told of an update, given its deliveries of the same entry.

    While its announcement, or an earlier update, was not sent, that one tells the newest state; a second message
    would be one too many. Between two notices lies ``interval``.
    """
    own = list(standing)
    for one in own:
        dead = one.state is DeliveryState.DEAD
        if one.unsent and (one.change is ChangeKind.NEW or (one.change is ChangeKind.UPDATED and not dead)):
            return Notice(one.not_before, within=one.pk)
    told = [one for one in own if one.told]
    updates = [one.done_at or now for one in told if one.change is ChangeKind.UPDATED]
    after = max((at + interval for at in updates if at <= now), default=now)
    base = max((one.carried for one in told if one.carried is not None), default=None)
    return Notice(max(now + settle, after), base)


def waiting_notices(standing: Sequence[Standing]) -> dict[int, int]:
    """The notices of edits that were not sent yet, with the revisions that they are shown against.

    One that tells that an entry is back, to whom its withdrawal was told, is not among them.
    """
    own = by_sink(standing)
    waiting = (one for one in standing if one.change is ChangeKind.UPDATED and one.state in OPEN and not one.partly)
    return {one.pk: one.base for one in waiting if one.base is not None and not told_of_withdrawal(own(one.sink))}


def dropped_notice(standing: Sequence[Standing]) -> int | None:
    """Against which revision the notice of an edit was to be shown that was dropped as the entry was withdrawn.

    None where there is none, or the sink was told of anything since.
    """
    last = max((one.pk for one in standing if one.told), default=0)
    dropped = (one for one in standing if one.change is ChangeKind.UPDATED and one.gone_first and one.pk > last)
    return next((one.base for one in dropped), None)


def told_of_withdrawal(standing: Iterable[Standing]) -> bool:
    """Whether the last that a sink heard of an entry is that it was withdrawn."""
    told = [one for one in standing if one.told]
    return bool(told) and max(told, key=lambda one: one.pk).change is ChangeKind.WITHDRAWN


def waits_for_announcement(standing: Iterable[Standing]) -> bool:
    """Whether a sink's announcement of an entry was not sent yet, so that it need not hear of its withdrawal."""
    new = [one for one in standing if one.change is ChangeKind.NEW]
    return bool(new) and all(one.unsent or (one.gone_first and not one.partly) for one in new)


def never_told(standing: Iterable[Standing]) -> bool:
    """Whether a sink was to hear of an entry that was withdrawn first."""
    own = [one for one in standing if one.change is ChangeKind.NEW]
    return bool(own) and all(one.gone_first and not one.partly for one in own)


def by_sink(standing: Iterable[Standing]) -> Callable[[str], list[Standing]]:
    """The deliveries of one entry, to ask for those of a sink."""
    grouped: dict[str, list[Standing]] = {}
    for one in standing:
        grouped.setdefault(one.sink, []).append(one)
    return lambda sink: grouped.get(sink, [])


def _before(added: Addition, oldest: datetime | None) -> bool:
    return oldest is not None and added.item.published is not None and added.item.published < oldest


def _age(published: datetime | None, position: int) -> tuple[float, int]:
    # A document lists the newest first, as a rule: its order decides where dates do not.
    return (-published.timestamp() if published else float("inf"), position)
