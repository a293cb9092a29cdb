"""When a source is polled next, and when a delivery is tried again. ``chance`` is a number in [0, 1)."""

from __future__ import annotations

from datetime import datetime, timedelta

from feedbot.model import SourceState

SLACK = 0.9
"""A source is due when this part of its interval has passed, so that a cron job of the same period never skips."""
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
FIRST_BACKOFF = timedelta(minutes=1)

# The schedule of the Standard Webhooks specification.
_RETRIES = tuple(timedelta(seconds=seconds) for seconds in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400))
MAX_REFUSALS = 3
LONGEST_WAIT = _RETRIES[-1] * 1.2
"""No delivery waits longer than this for its next try, unless the clock was set back."""


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


def back_off(failures: int, interval: timedelta, chance: float) -> timedelta:
    """How long to leave a source alone after so many failures in a row: doubling up to a day, with jitter."""
    wait = max(interval, FIRST_BACKOFF) * 2.0 ** min(max(failures - 1, 0), 20)
    return min(wait, DAY) * (0.9 + 0.2 * chance)


def retry_after(attempts: int, chance: float) -> timedelta | None:
    """How long to wait after the n-th failed try of a delivery (with 20 % jitter); None when it was the last."""
    if attempts > len(_RETRIES):
        return None
    return _RETRIES[attempts - 1] * (0.8 + 0.4 * chance)
