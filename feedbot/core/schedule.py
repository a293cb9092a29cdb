"""When a source is polled next, and when a delivery is tried, or tried again. ``chance`` is a number in [0, 1)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from feedbot.model import SourceState

SLACK = 0.9
"""A source is due when this part of its interval has passed, so that a cron job of the same period never skips."""
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
FIRST_BACKOFF = timedelta(minutes=1)

# The schedule of the Standard Webhooks specification.
_RETRIES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
_SPANS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}
MAX_REFUSALS = 3
LONGEST_WAIT = _RETRIES[-1] * 1.2
"""No delivery waits longer than this for its next try, unless the clock was set back."""


class Rate(NamedTuple):
    """How many messages a sink may be given in any span of this length."""

    number: int
    span: timedelta


def parse_rate(text: str) -> Rate:
    """Read "5/s", "30/m" or "100/h". Raises ValueError with what would be right."""
    match = re.fullmatch(r"(\d{1,6})\s*/\s*(s|m|min|h)", text.strip().lower())
    if match is None or int(match[1]) < 1:
        raise ValueError(f'expected a number a second, minute or hour, such as "30/m", found "{text}"')
    return Rate(int(match[1]), _SPANS[match[2][0]])


def next_slot(rate: Rate, given: Sequence[datetime], now: datetime) -> datetime:
    """When the next message may go out, after those that were given at these times, oldest first."""
    if len(given) < rate.number:
        return now
    return max(now, min(given[-rate.number], now) + rate.span)


def is_due(state: SourceState | None, interval: timedelta, now: datetime) -> bool:
    """Whether a source is polled now; at once where the clock was set back, whose times mean nothing any more."""
    if state is None or state.last_poll is None or state.last_poll > now:
        return True
    if state.not_before is not None and now < state.not_before <= now + WEEK:
        return False
    return now >= state.last_poll + interval * SLACK


def next_poll(last_poll: datetime, interval: timedelta, not_before: datetime | None) -> datetime:
    """When a source is due next, for a person to see."""
    due = last_poll + interval
    return max(due, not_before) if not_before else due


def not_before(fresh_until: datetime | None, now: datetime) -> datetime | None:
    """Until when a source that asks for it is left alone: a day at most, whatever its server was set up to say."""
    if fresh_until is None or fresh_until <= now:
        return None
    return min(fresh_until, now + DAY)


def rhythm(dates: Sequence[datetime], now: datetime, least: timedelta, most: timedelta) -> timedelta:
    """How often to poll a source that is polled as often as it is worth it.

    ``dates`` are those of its newest entries. Four polls fall into the usual time between two entries, or into
    the time since the last one where it has fallen silent.
    """
    past = sorted((date for date in dates if date <= now), reverse=True)
    if len(past) < 2:
        return most
    usual = (past[0] - past[-1]) / (len(past) - 1)
    return min(max(max(usual, now - past[0]) / 4, least), most)


def back_off(failures: int, interval: timedelta, chance: float) -> timedelta:
    """How long to leave a source alone after so many failures in a row: doubling up to a day, with jitter.

    It only adds: what is less than the interval would be the interval again, for half of those that fail together.
    """
    wait = max(interval, FIRST_BACKOFF) * 2.0 ** min(max(failures - 1, 0), 20)
    return min(wait, DAY) * (1.0 + 0.1 * chance)


def retry_after(attempts: int, chance: float) -> timedelta | None:
    """How long to wait after the n-th failed try of a delivery (with 20 % jitter); None when it was the last."""
    if attempts > len(_RETRIES):
        return None
    return _RETRIES[attempts - 1] * (0.8 + 0.4 * chance)
