"""Reads the dates that posts and feeds carry, strictly: what is not understood is None, never a guess."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier janv gennaio gen enero ene januari janeiro stycznia ledna января ocak",
            "feb february februar février févr fév febbraio febrero februari fevereiro fev lutego února февраля şubat",
            "mar march märz mär mrz mars marzo maart mrt março marts marca března марта mart",
            "apr april avril avr aprile abril abr kwietnia dubna апреля nisan",
            "may mai maggio mag mayo mei maj maio maja května мая mayıs",
            "jun june juni juin giugno giu junio junho czerwca června июня haziran",
            "jul july juli juillet juil luglio lug julio julho lipca července июля temmuz",
            "aug august août agosto ago augustus augusti sierpnia srpna августа ağustos",
            "sep sept september septembre settembre set septiembre setembro września září сентября eylül",
            "oct october oktober okt octobre ottobre ott octubre outubro out października října октября ekim",
            "nov november novembre noviembre novembro listopada listopadu ноября kasım",
            (
                "dec december dezember dez décembre déc dicembre dic diciembre desember des dezembro grudnia prosince "
                "декабря aralık"
            ),
        ),
        start=1,
    )
    for name in names.split()
}
_ZONES = {
    "ut": 0, "utc": 0, "gmt": 0, "z": 0, "wet": 0, "west": 60, "bst": 60, "cet": 60, "cest": 120, "mez": 60,
    "mesz": 120, "eet": 120, "eest": 180, "msk": 180, "ist": 330, "jst": 540, "aest": 600, "aedt": 660,
    "est": -300, "edt": -240, "cst": -360, "cdt": -300, "mst": -420, "mdt": -360, "pst": -480, "pdt": -420,
    "akst": -540, "akdt": -480, "hst": -600, "brt": -180, "art": -180, "sast": 120, "trt": 180, "pkt": 300,
    "ict": 420, "wib": 420, "hkt": 480, "sgt": 480, "pht": 480, "awst": 480, "kst": 540, "acst": 570, "acdt": 630,
    "nzst": 720, "nzdt": 780,
} | dict.fromkeys("abcdefghiklmnopqrstuvwxy", 0)  # fmt: skip  # one letter says nothing (RFC 5322, 4.3)
_FARTHEST = timedelta(hours=14)
"""How far the clocks of a zone are from UTC at most (those of Kiribati)."""
_ISO = re.compile(
    r"(?P<year>\d{4})(?:[-/.]?(?P<month>\d{2})(?:[-/.]?(?P<day>\d{2}))?)?"
    r"(?:[Tt ]\s*(?P<hour>\d{1,2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?:[.,](?P<fraction>\d+))?)?)?"
    r"\s*(?P<zone>[Zz]|[+-]\d{2}:?\d{2}|[+-]\d{2}|[A-Za-z]{2,5})?"
)
_WRITTEN = re.compile(
    r"(?:[^\W\d]+(?:\.?,\s*|\.?\s+))?"
    r"(?:(?P<day>\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?P<month>[^\W\d]+)\.?,?[\s-]+"
    r"|(?P<month2>[^\W\d]+)\.?\s+(?P<day2>\d{1,2})(?:st|nd|rd|th)?,?\s+)"
    r"(?P<year>\d{4}|\d{2})"
    r"(?:,?\s+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?\s*(?P<half>[AaPp][Mm])?)?"
    r"\s*(?P<zone>[A-Za-z]{1,5}|(?:GMT|UTC)?[+-]\d{2}:?\d{2}|[+-]\d{1,2})?(?:\s*\(.*\))?"
)
_SHORT = re.compile(r"(\d{4})([/.-])(\d{1,2})\2(\d{1,2})(?!\d)")
# How dates are written out in Spanish and Portuguese, and in Chinese, Japanese and Korean.
_WITH_OF = re.compile(r"(\d{1,2})º? de ([^\W\d]+) del? (\d{4})", re.IGNORECASE)
_WITH_SIGNS = re.compile(
    r"(\d{4})[年년] ?(\d{1,2})[月월] ?(\d{1,2})[日일]"
    r"(?: ?[(\uff08]?(?:(?:星期|[周週])[一二三四五六日天]|[月火水木金土日](?:曜日?)?|[월화수목금토일](?:요일)?)"
    r"[)\uff09]?(?= |$))?"
)
_OF_UNIX = re.compile(r"[^\W\d]+ ([^\W\d]+) (\d{1,2}) (\d\d:\d\d:\d\d) ?([A-Za-z]*) (\d{4})")
# How nearly all feeds write a date: read without asking what else it might be.
_USUAL_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:[0-5]\d))?", re.A)
_USUAL_MAIL = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(\d\d?) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|([+-]\d\d)(\d\d))", re.A
)


def parse_date(text: str, zone: tzinfo = UTC) -> datetime | None:
    """Read a date of ISO 8601 / RFC 3339, RFC 822 or one written out ("8 July 2022"), in UTC.

    A date without a time is midnight, one without a zone is in ``zone``. Unknown zone names, impossible
    days and everything else that is not such a date give None.
    """
    return _usual(text, zone) or _any(text, zone)


def _usual(text: str, zone: tzinfo) -> datetime | None:
    """A date as nearly all are; None where only a closer look tells."""
    try:
        if _USUAL_ISO.fullmatch(text):
            moment = datetime.fromisoformat(text)
            if abs(moment.utcoffset() or timedelta()) > _FARTHEST:
                return None
            return (moment if len(text) > 10 else moment.replace(tzinfo=zone)).astimezone(UTC)
        if match := _USUAL_MAIL.fullmatch(text):
            day, month, year, hour, minute, second, hours, minutes = match.groups()
            moment = datetime(int(year), _MONTHS[month.lower()], int(day), int(hour), int(minute), int(second), 0, UTC)
            if hours and (hours, minutes) != ("+00", "00"):
                east = timedelta(hours=int(hours[1:]), minutes=int(minutes))
                if int(minutes) > 59 or east > _FARTHEST:
                    return None
                moment += east if hours[0] == "-" else -east
            return moment
    except (ValueError, OverflowError, KeyError):
        pass
    return None


def _any(text: str, zone: tzinfo) -> datetime | None:
    text = " ".join(text.split())
    if len(text) > 80:
        return None
    text = _SHORT.sub(lambda found: f"{found[1]}-{found[3]:0>2}-{found[4]:0>2}", text, count=1)
    text = _WITH_SIGNS.sub(lambda found: f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}", text, count=1)
    text = _WITH_OF.sub(r"\1 \2 \3", text, count=1)
    text = _OF_UNIX.sub(r"\2 \1 \5 \3 \4", text).strip()
    match = _ISO.fullmatch(text) or _WRITTEN.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    month = _month(part.get("month") or part.get("month2") or "1")
    offset = _zone(part["zone"], zone)
    if month is None or offset is None:
        return None
    hour = int(part["hour"] or 0)
    if part.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if part["half"].lower() == "pm" else 0)
    if hour > 24 or (hour == 24 and any(int(part[name] or 0) for name in ("minute", "second"))):
        return None
    year = int(part["year"])
    if len(part["year"]) == 2:  # RFC 2822, section 4.3
        year += 2000 if year < 50 else 1900
    fraction = (part.get("fraction") or "0")[:6].ljust(6, "0")
    try:
        day = date(year, month, int(part.get("day") or part.get("day2") or 1))
        # 24:00:00 is the end of the day in ISO 8601; 60 is a leap second.
        late = timedelta(days=1) if hour == 24 else timedelta()
        second = min(int(part["second"] or 0), 59)
        clock = time(hour % 24, int(part["minute"] or 0), second, int(fraction))
        return (datetime.combine(day, clock, tzinfo=offset) + late).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def rfc3339(moment: datetime) -> str:
    """Write a moment as RFC 3339 in UTC, with as many digits of a second as it has."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def in_words(moment: datetime | None, now: datetime) -> str:
    """Tell a moment as a person would: "12 min ago", "in 3 h", "never"."""
    if moment is None:
        return "never"
    seconds = (moment - now).total_seconds()
    distance = abs(seconds)
    if distance < 60:
        return "now"
    for size, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if distance >= size:
            words = f"{int(distance // size)} {name}"
            break
    return f"in {words}" if seconds > 0 else f"{words} ago"


def told(moment: datetime | None, now: datetime) -> str:
    """A moment to the minute, with how long ago that is: "2026-11-21 08:00 UTC (3 h ago)"."""
    return f"{moment:%Y-%m-%d %H:%M} UTC ({in_words(moment, now)})" if moment else "never"


def _month(text: str) -> int | None:
    if text.isdigit():
        return int(text)
    return _MONTHS.get(text.lower())


def _zone(text: str | None, default: tzinfo) -> tzinfo | None:
    if not text:
        return default
    name = text.lower()
    if name in _ZONES:
        return timezone(timedelta(minutes=_ZONES[name]))
    digits = re.fullmatch(r"(?:gmt|utc)?([+-])(\d{1,2}):?(\d{2})?", name)
    if digits is None:
        return None
    minutes = int(digits[2]) * 60 + int(digits[3] or 0)
    offset = timedelta(minutes=minutes)
    if offset > _FARTHEST or int(digits[3] or 0) > 59:
        return None
    return timezone(-offset if digits[1] == "-" else offset)
