"""Makes the address of a post, from the site's pattern or from what its front matter says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote, urlsplit

from feedbot.core.dates import parse_date

_FIELD = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}")
_FORMAT = re.compile(r"(?:%[YmdjHMSBbyAaUW%]|[\w./-])+")
_PATHS = frozenset({"slug", "path"})
_KEPT = "%/:?#[]@!$&'()*+,;=~"


class MissingFieldError(LookupError):
    """A pattern names a field that a post does not have."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def check_pattern(pattern: str) -> str:
    """The pattern, starting with a slash; ``""`` stays so. Raises ValueError with what is wrong with it."""
    if not pattern:
        return pattern
    rest = _FIELD.sub("", pattern)
    if "{" in rest or "}" in rest:
        raise ValueError(f'{pattern!r} has a brace that is not closed; write fields as in "/{{year}}/{{slug}}/"')
    if "://" in pattern or ":" in rest:
        raise ValueError(f'{pattern!r} is no pattern; write it from the site on, as "/{{year}}/{{slug}}/"')
    for name, form in _FIELD.findall(pattern):
        if form and (name.strip() != "date" or not _FORMAT.fullmatch(form)):
            raise ValueError(f"{{{name}:{form}}} is no field; only a date has a form, as {{date:%Y}}")
    return pattern if pattern.startswith("/") else f"/{pattern}"


def expand(pattern: str, field: Callable[[str], str], date: datetime | None) -> str:
    """Fill a pattern with percent-encoded values. Raises MissingFieldError where a field is missing or empty.

    ``field`` answers with the text of a field, "" where there is none; ``date`` (in the zone in which the site
    counts its days) gives year, month, day and ``{date:%Y}``.
    """

    def value(match: re.Match[str]) -> str:
        name, form = match[1].strip(), match[2]
        if name in ("year", "month", "day", "date"):
            if date is None:
                raise MissingFieldError(name)
            text = _dated(date, name, form)
        else:
            text = field(name)
        steps = [step for step in text.split("/") if step not in ("", ".", "..")] if name in _PATHS else [text]
        encoded = "/".join(quote(step, safe="~") for step in steps)
        if not encoded:
            raise MissingFieldError(name)
        return encoded

    return _FIELD.sub(value, pattern)


def absolute(site: str, address: str) -> str:
    """The address of something on the site: an absolute one as it is, else from the site's own path on.

    "" for what is no address: another scheme, a template, a name without a slash, or no site to start from.
    """
    address = quote(address.strip(), safe=_KEPT)
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme or parts.netloc:
        return address if parts.scheme in ("http", "https") and parts.netloc else ""
    if not site or "/" not in address or ":" in parts.path or "%7B" in address:
        return ""
    path = "/" + address.lstrip("/")
    under = urlsplit(site).path
    if under and path.startswith(f"{under}/"):  # given from the host on already
        return site.removesuffix(under) + path
    return site + path


def dated_name(name: str) -> tuple[str, str]:
    """Split ``2026-07-01-a-post`` into the date and the slug; the date is "" where there is none."""
    match = re.fullmatch(r"(\d{4}-\d{2}-\d{2})[-_](.+)", name, re.DOTALL)
    if match is None or parse_date(match[1]) is None:
        return "", name
    return match[1], match[2]


def _dated(date: datetime, name: str, form: str | None) -> str:
    if form:
        return date.strftime(form)
    return {"year": f"{date.year:04}", "month": f"{date.month:02}", "day": f"{date.day:02}"}.get(
        name, date.date().isoformat()
    )
