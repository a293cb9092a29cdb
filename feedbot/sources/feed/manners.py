"""How long a feed asks to be left alone: by its server's caching headers, and by its own head."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from feedbot.sources.feed.head import head_of

_TTL = re.compile(r"<ttl>\s*(\d{1,6})\s*</ttl>", re.IGNORECASE)
_PERIOD = re.compile(r"<(?:\w+:)?updatePeriod>\s*(\w+)\s*</", re.IGNORECASE)
_FREQUENCY = re.compile(r"<(?:\w+:)?updateFrequency>\s*(\d{1,4})\s*</", re.IGNORECASE)
_SKIP_HOURS = re.compile(r"<skipHours>(.{0,2000}?)</skipHours>", re.IGNORECASE | re.DOTALL)
_SKIP_DAYS = re.compile(r"<skipDays>(.{0,2000}?)</skipDays>", re.IGNORECASE | re.DOTALL)
_PERIODS = {"hourly": 1, "daily": 24, "weekly": 168, "monthly": 720, "yearly": 8760}
_LONGEST = timedelta(days=366)
"""What a server may say at most of how long its answer is fresh: no date is to come out that there is not."""
_OF_FRESHNESS = ("cache-control", "expires")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Wishes(NamedTuple):
    """What the head of a feed asks for: time between polls, and hours (UTC) and weekdays (0 is Monday) without."""

    spacing: timedelta | None = None
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()

    def as_json(self) -> dict[str, Any]:
        """What a poll leaves for the next one, whose answer may be without a body."""
        seconds = int(self.spacing.total_seconds()) if self.spacing else 0
        wishes = {"spacing": seconds, "hours": sorted(self.hours), "days": sorted(self.days)}
        return {name: value for name, value in wishes.items() if value}

    @classmethod
    def from_json(cls, wishes: Mapping[str, Any]) -> Wishes:
        seconds = wishes.get("spacing")
        spacing = timedelta(seconds=seconds) if seconds else None
        return cls(spacing, frozenset(wishes.get("hours", ())), frozenset(wishes.get("days", ())))


_NO_WISHES = Wishes()


def wishes_of(text: str) -> Wishes:
    """Read what stands before the first entry: ttl, skipHours and skipDays of RSS 2.0, the syndication module."""
    head = head_of(text)
    spacings = []
    if ttl := _TTL.search(head):
        spacings.append(timedelta(minutes=int(ttl[1])))
    if period := _PERIOD.search(head):
        frequency = _FREQUENCY.search(head)
        times = max(1, int(frequency[1])) if frequency else 1
        spacings.append(timedelta(hours=_PERIODS.get(period[1].lower(), 0)) / times)
    hours = {int(hour) % 24 for hour in re.findall(r"<hour>\s*(\d{1,2})\s*</hour>", _inside(_SKIP_HOURS, head))}
    named = re.findall(r"<day>\s*(\w+)\s*</day>", _inside(_SKIP_DAYS, head))
    days = {_DAYS.index(day.lower()) for day in named if day.lower() in _DAYS}
    # Who rules out every hour or day asks for the impossible, and is not heard.
    return Wishes(
        max(spacings, default=None) or None,
        frozenset(hours) if len(hours) < 24 else frozenset(),
        frozenset(days) if len(days) < 7 else frozenset(),
    )


def fresh_until(headers: Mapping[str, str], wishes: Wishes, interval: timedelta, now: datetime) -> datetime | None:
    """Before when the feed asks not to be polled again; None where the next poll in ``interval`` is welcome.

    ``headers`` have lower-case names; Cache-Control and Expires are read as RFC 9111, 4.2.1 says.
    """
    if wishes == _NO_WISHES and headers.keys().isdisjoint(_OF_FRESHNESS):
        return None
    bounds = [now + interval]
    if wishes.spacing:
        bounds.append(now + wishes.spacing)
    lifetime = _lifetime(headers, now)
    if lifetime is not None:
        bounds.append(now + min(max(lifetime, timedelta()), _LONGEST))
    due = max(bounds)
    for _ in range(7 * 24):
        if due.hour not in wishes.hours and due.weekday() not in wishes.days:
            break
        due = (due + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    return due if due > now + interval else None


def _lifetime(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    directives = headers.get("cache-control", "").lower()
    if "no-cache" in directives or "no-store" in directives:
        return None
    if age := re.search(r"\bmax-age=\"?(\d{1,9})", directives):
        spent = headers.get("age", "0")
        return timedelta(seconds=int(age[1]) - (int(spent) if spent.isdecimal() and len(spent) < 10 else 0))
    try:
        expires = parsedate_to_datetime(headers["expires"])
    except (KeyError, ValueError, OverflowError):
        return None
    if expires.tzinfo is None:
        expires = expires.replace(tzinfo=UTC)
    try:
        served = parsedate_to_datetime(headers["date"])
        served = served if served.tzinfo else served.replace(tzinfo=UTC)
    except (KeyError, ValueError, OverflowError):
        served = now
    return expires - served


def _inside(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
