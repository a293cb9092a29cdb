"""Makes the address of a post, from the site's pattern or from what its front matter says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from urllib.parse import quote, urlsplit

from feedbot.core.dates import parse_date

_FIELD = re.compile(r"\{([^{}:]+)(?::([^{}]*))?\}(/?)")
_FORMAT = re.compile(r"(?:%[YmdjHMSBbyAaUVW%]|[\w./-])+")
_TEMPLATE = re.compile(
    r"""\{\{-?\s*([\w.]+)\s*(?:\|\s*(\w+)\s*(?::\s*["']([^"']*)["']|\(\s*["']([^"']*)["']\s*\))?\s*)?-?\}\}"""
)
_PATHS = frozenset({"slug", "path", "page", "dir", "section", "categories"})
_KEPT = "%/:?#[]@!$&'()*+,;=~"
_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
_STYLES = {  # Jekyll's words for whole patterns
    "date": "/:categories/:year/:month/:day/:title:output_ext",
    "pretty": "/:categories/:year/:month/:day/:title/",
    "ordinal": "/:categories/:year/:y_day/:title:output_ext",
    "weekdate": "/:categories/:year/W:week/:short_day/:title:output_ext",
    "none": "/:categories/:title:output_ext",
}
_TOKENS = {  # of Jekyll and Hugo
    "categories": "{categories?}", "year": "{year}", "month": "{month}", "day": "{day}", "y_day": "{date:%j}",
    "yearday": "{date:%j}", "short_year": "{date:%y}", "long_month": "{date:%B}", "monthname": "{date:%B}",
    "short_month": "{date:%b}", "long_day": "{date:%A}", "weekdayname": "{date:%A}", "short_day": "{date:%a}",
    "week": "{date:%V}", "hour": "{date:%H}", "minute": "{date:%M}", "second": "{date:%S}", "title": "{slug}",
    "slug": "{slug}", "slugorfilename": "{slug}", "slugorcontentbasename": "{slug}", "filename": "{slug}",
    "contentbasename": "{slug}", "name": "{slug}", "section": "{section?}", "sections": "{section?}/{dir?}",
    "path": "{path}", "output_ext": ".html",
}  # fmt: skip


class MissingFieldError(LookupError):
    """A pattern names a field that a post does not have."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def check_site(address: str) -> str:
    """The address of a site without a slash at its end; ``""`` stays so. Raises ValueError for what is none."""
    parts = urlsplit(address)
    if address and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError(f'"{address}" is no address of a site; write it as "https://example.org"')
    return address.rstrip("/")


def check_pattern(pattern: str) -> str:
    """The pattern, starting with a slash; ``""`` stays so. Raises ValueError with what is wrong with it.

    Patterns of Jekyll and Hugo ("pretty", "/:year/:slug/") become ones with fields.
    """
    if not pattern:
        return pattern
    if "://" in pattern:
        raise ValueError(f'{pattern!r} is no pattern; write it from the site on, as "/{{year}}/{{slug}}/"')
    pattern = of_tokens(pattern) or pattern
    rest = _FIELD.sub("", pattern)
    if "{" in rest or "}" in rest:
        raise ValueError(f'{pattern!r} has a brace that is not closed; write fields as in "/{{year}}/{{slug}}/"')
    if ":" in rest:
        raise ValueError(f'{pattern!r} has a field that is not known; write fields as in "/{{year}}/{{slug}}/"')
    for name, form, _ in _FIELD.findall(pattern):
        if form and (name.strip() != "date" or not _FORMAT.fullmatch(form)):
            raise ValueError(f"{{{name}:{form}}} is no field; only a date has a form, as {{date:%Y}}")
    return pattern if pattern.startswith("/") else f"/{pattern}"


def of_tokens(pattern: str) -> str:
    """A pattern of Jekyll or Hugo as one with fields; "" where it is none that is known."""
    pattern = _STYLES.get(pattern.strip(), pattern)
    found = re.findall(r":([a-z_]+)", pattern)
    if "{" in pattern or not found or not set(found) <= _TOKENS.keys():
        return ""
    return re.sub(r":([a-z_]+)", lambda token: _TOKENS[token[1]], pattern)


def expand(pattern: str, field: Callable[[str], str], date: datetime | None) -> str:
    """Fill a pattern with percent-encoded values. Raises MissingFieldError where a field is missing or empty.

    ``field`` answers with the text of a field, "" where there is none; ``date`` (in the zone in which the site
    counts its days) gives year, month, day and ``{date:%Y}``. ``{field?}`` may be missing, and takes the slash
    behind it along.
    """

    def value(match: re.Match[str]) -> str:
        name, form, slash = match[1].strip(), match[2], match[3]
        optional = name.endswith("?")
        name = name.removesuffix("?")
        if name in ("year", "month", "day", "date"):
            text = _dated(date, name, form) if date is not None else ""
        else:
            text = field(name)
        steps = [step for step in text.split("/") if step not in ("", ".", "..")] if name in _PATHS else [text]
        encoded = "/".join(quote(step, safe="~") for step in steps)
        if not encoded and optional:
            return ""
        if not encoded:
            raise MissingFieldError(name)
        return encoded + ("/" if name == "page" and text.endswith("/") else slash)

    return _FIELD.sub(value, pattern)


def filled(template: str, field: Callable[[str], str], date: datetime | None) -> str:
    """Fill a template of Eleventy's, ``/{{ title | slugify }}/``; "" where it asks for more than is known.

    ``field`` and ``date`` are as for ``expand``. Of filters those are known that make a slug, or write a date.
    """

    def value(match: re.Match[str]) -> str:
        name, kind, form = match[1], match[2], match[3] or match[4] or ""
        if name == "page.date" and date is not None and kind == "date" and _FORMAT.fullmatch(form):
            return date.strftime(form)
        text = field({"page.fileSlug": "slug"}.get(name, name)) if form == "" else ""
        if kind is not None:
            text = title_slug(text, ascii_only=True) if kind in ("slug", "slugify") else ""
        return quote(text, safe="~/") or "{{"

    text = re.sub(r"(?<!:)//+", "/", _TEMPLATE.sub(value, template))
    return "" if "{{" in text or "{%" in text else text


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
    match = re.fullmatch(rf"({_DAY})(?:T[\d:.]+Z?)?[-_](.+)", name, re.DOTALL)
    day = _padded(match[1]) if match else ""
    return (day, match[2]) if match and day else ("", name)


def dated_path(path: str) -> tuple[str, str]:
    """Find a date in a path (``2026-07-01-a-post``, ``2026/07/01/a-post``, ``a/2026-07-01``) and put it in front.

    Gives the date, "" where there is none, and the path as ``2026/07/01/a-post``.
    """
    match = re.fullmatch(
        r"(?P<folder>(?:.*/)?)(?P<day>\d{4}([-/])\d{1,2}\3\d{1,2})(?:[-_/](?P<rest>.+))?", path, re.DOTALL
    )
    day = _padded(match["day"].replace("/", "-")) if match else ""
    if not match or not day:
        return "", path
    return day, f"{day.replace('-', '/')}/{match['folder']}{match['rest'] or ''}".rstrip("/")


def title_slug(title: str, *, ascii_only: bool) -> str:
    """A slug as the tools written in Python make it of a title: Pelican's in ASCII, MkDocs' in any letters."""
    if ascii_only:
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
        return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain).strip().lower())
    return re.sub(r"[^\w\- ]", "", unicodedata.normalize("NFC", title)).strip().lower().replace(" ", "-")


def plain_name(name: str) -> str:
    """A file name as Astro, Hugo and Zola put it into an address."""
    return re.sub(r"[^\w./#+~@-]", "", re.sub(r"\s+", "-", name.strip().lower()))


def section(folder: str, folders: tuple[str, ...], inputs: tuple[str, ...]) -> str:
    """The part of the posts' folder that belongs to their addresses: "posts" of ``content/posts``.

    ``folder`` may be a path from anywhere; ``inputs`` are the first folders of a tool, which do not belong.
    """
    path = f"/{folder.strip('/')}/"
    ours = next((known for known in folders if path.endswith(f"/{known}/")), "")
    if not ours:
        top = max((f"/{each}/" for each in inputs if f"/{each}/" in path), key=path.rfind, default="")
        ours = path[path.rfind(top) :].strip("/") if top else ""
    first, _, rest = ours.partition("/")
    return rest if first in inputs else ours


def _dated(date: datetime, name: str, form: str | None) -> str:
    if form:
        return date.strftime(form)
    return {"year": f"{date.year:04}", "month": f"{date.month:02}", "day": f"{date.day:02}"}.get(
        name, date.date().isoformat()
    )


def _padded(day: str) -> str:
    year, month, date = day.split("-")
    padded = f"{year}-{int(month):02}-{int(date):02}"
    return padded if parse_date(padded) is not None else ""
