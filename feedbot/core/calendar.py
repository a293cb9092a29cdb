"""When a digest goes out, and until when quiet hours last: schedules of the wall clock in a named time zone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import NamedTuple

_NICKNAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = 5
_QUIET = re.compile(r"(\d{1,2}):(\d\d)\s*-\s*(\d{1,2}):(\d\d)")
_MINUTE = timedelta(minutes=1)
_START = datetime(2024, 1, 1)  # noqa: DTZ001  any day does to see whether there is an occasion at all


class Quiet(NamedTuple):
    """Hours of the wall clock in which nothing goes out; over midnight where they begin after they end."""

    begin: time
    end: time

    def __contains__(self, moment: object) -> bool:
        """Whether a time of day is one of them."""
        assert isinstance(moment, time)
        if self.begin < self.end:
            return self.begin <= moment < self.end
        return moment >= self.begin or moment < self.end


@lru_cache(maxsize=256)
def parse_crontab(text: str) -> str:
    """The five fields of a crontab line, or of a name such as "@daily". Raises ValueError with what would be right."""
    line = text.strip()
    fields = _NICKNAMES.get(line.lower(), line)
    if fields.startswith("@"):
        raise ValueError(f'there is no schedule "{text}"; known are {", ".join(_NICKNAMES)}')
    if len(fields.split()) != _FIELDS:
        raise ValueError(
            f'expected the five fields of a crontab line (minute, hour, day, month, weekday), found "{text}"'
        )
    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(fields, _START))
    except CronSimError as error:
        what = str(error).removeprefix("Bad ")
        raise ValueError(f'"{text}" is no crontab line, or names a day that never comes: look at its {what}') from None
    except StopIteration:
        raise ValueError(f'"{text}" names a day that never comes') from None
    return _by_the_wall(fields)


@lru_cache(maxsize=256)
def parse_quiet(text: str) -> Quiet:
    """Read "22:00-07:00". Raises ValueError with what would be right."""
    match = _QUIET.fullmatch(text.strip())
    try:
        numbers = [int(number) for number in match.groups()] if match else []
        quiet = Quiet(time(numbers[0], numbers[1]), time(numbers[2], numbers[3])) if numbers else None
    except ValueError:
        quiet = None
    if quiet is None:
        raise ValueError(f'expected hours such as "22:00-07:00", found "{text}"')
    if quiet.begin == quiet.end:
        raise ValueError(f'the hours "{text}" begin when they end')
    return quiet


def next_occasion(crontab: str, after: datetime, zone: tzinfo) -> datetime:
    """The first occasion of a schedule after a moment, by the wall clock of a zone; in UTC.

    An occasion that the clock skips is at the first moment after the gap; one that it shows twice is at the first of
    them. Schedules of every hour or minute follow time as it passes. ``crontab`` is one that was read before.
    """
    from cronsim import CronSim  # which most configurations have no use for

    occasions = CronSim(parse_crontab(crontab), after.astimezone(zone))
    for occasion in occasions:
        moment = occasion.astimezone(UTC)
        if moment > after:  # the second showing of an hour begins where its first has ended
            return moment
    raise ValueError(f'"{crontab}" has no further occasion')


def awake(quiet: str, moment: datetime, zone: tzinfo) -> datetime:
    """The first moment from the given one on that is not in the quiet hours, which may be "" for none; in UTC."""
    local = moment.astimezone(zone)
    hours = parse_quiet(quiet) if quiet else None
    if hours is None or local.time() not in hours:
        return moment
    end = datetime.combine(local.date(), hours.end, zone).replace(fold=local.fold)
    if end.replace(tzinfo=None) <= local.replace(tzinfo=None):
        end = datetime.combine(local.date() + timedelta(days=1), hours.end, zone)
    if (passed := end.astimezone(UTC)) <= moment:  # the hour of the end is shown once more
        passed = end.replace(fold=1).astimezone(UTC)
    return _shown(end, passed, zone)


def due(digest: str, quiet: str, earliest: datetime, zone: tzinfo) -> datetime:
    """When a delivery that may go out from ``earliest`` on does so: with its digest, and not in quiet hours."""
    return awake(quiet, next_occasion(digest, earliest, zone) if digest else earliest, zone)


def _by_the_wall(fields: str) -> str:
    """The same schedule, such that all but those of every hour go by the wall clock: the library tells by a star."""
    minute, hour, *days = fields.split()
    if hour == "*":
        return " ".join((minute, hour, *days))
    return " ".join((minute.replace("*", "0-59"), hour.replace("*", "0-23"), *days))


def _shown(wall: datetime, moment: datetime, zone: tzinfo) -> datetime:
    """The moment of a wall clock time; where the clock skips it, the first moment after the gap."""
    if moment.astimezone(zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    before = wall.replace(fold=0).utcoffset()
    moment = min(wall.replace(fold=0).astimezone(UTC), wall.replace(fold=1).astimezone(UTC))
    while moment.astimezone(zone).utcoffset() == before:
        moment += _MINUTE
    return moment.replace(second=0, microsecond=0)
