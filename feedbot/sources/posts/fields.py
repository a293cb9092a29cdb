"""Reads what the front matter of a post says, in the many ways in which people say it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from typing import Any

from feedbot.core.dates import parse_date
from feedbot.core.text import one_line
from feedbot.sources.posts.frontmatter import FrontMatter, FrontMatterError, normal

MAX_TAGS = 64
_NO = frozenset({"", "false", "no", "off", "n", "0", "never", "none"})
_YES = frozenset({"true", "yes", "on", "y", "1", "always"})
_WORDS = (_NO | _YES) - {""}
_HIDING = (
    "draft", "drafts", "is_draft", "isDraft", "wip", "private", "hidden", "unlisted", "unpublished", "headless",
    "eleventyExcludeFromCollections", "password", "protected", "encrypted", "members_only",
)  # fmt: skip
_SHOWING = (
    "published", "publish", "is_published", "isPublished", "dg-publish", "public", "is_public", "isPublic", "listed",
    "visible",
)  # fmt: skip
_BUILT = ("render", "build.render", "build.list", "_build.render", "_build.list")
_STATUS = ("status", "publish_status", "post_status", "publishStatus")
_UNPUBLISHED = frozenset(
    {
        "draft", "drafts", "hidden", "private", "pending", "scheduled", "future", "unpublished", "unlisted", "wip",
        "in progress", "in review", "review", "idea", "todo", "trash", "internal", "archived", "deleted", "withdrawn",
        "disabled", "inactive",
    }
)  # fmt: skip
STATUS_KEYS = (*_HIDING, *_SHOWING, *_STATUS, "visibility")
_DECIDING = frozenset(normal(key.partition(".")[0]) for key in (*STATUS_KEYS, *_BUILT, "state"))
_FIRST_COMMIT = frozenset({"created", "git created"})
_LAST_COMMIT = frozenset({"last modified", "git last modified", "last-modified"})
_BUILD_TIME = frozenset({"today", "now"})
_MONTH_FIRST = re.compile(r"(\d{1,2})([-/])(\d{1,2})\2(\d{4})(?!\d)")
_YEAR = re.compile(r"\s*\d{4}")
_SHORT_DATE = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?!\d)")
_NAMED = ("name", "title", "label", "slug", "value")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_CODE = re.compile(
    r"^(`{3,}|~{3,}).*?(?:^\1[`~]*[ \t]*$|\Z)|(?<!`)(`++)[^\n]{1,2000}?(?<!`)\2(?!`)|<!--.*?(?:-->|\Z)|%%.*?(?:%%|\Z)",
    re.MULTILINE | re.DOTALL,
)
_WORD_TAG = re.compile(r"(?<!\S)#([\w/-]*[^\W\d_][\w/-]*)")

Commits = tuple[datetime, datetime]
"""When a file was first and last committed."""
Ask = Callable[[], Commits | None]
"""Asks for that, which may take its time."""


def text(value: Any) -> str:
    """A single value as one line of text, "" for lists, tables and nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return one_line(value) if isinstance(value, str) else ""


def texts(value: Any) -> tuple[str, ...]:
    """One value or a list of them, without what is empty."""
    values = value if isinstance(value, list) else [value]
    return tuple(shown for each in values if (shown := text(each)))


def is_draft(matter: FrontMatter, publish_if: Iterable[str] = ()) -> bool:
    """Whether a post is not to be published. Where in doubt it is not: what is left out can still be added.

    ``published`` may be a date (Hugo), which does not say no. Of ``publish_if`` one must say yes, if there is any.
    """
    if not publish_if and _DECIDING.isdisjoint(matter.values):
        return False  # as of most posts
    if any(_flag(matter.get(key)) is not False for key in _HIDING if matter.get(key) is not None):
        return True
    for key in _SHOWING:
        value = matter.get(key)
        if value not in (None, "") and _flag(value) is not True and not _is_date(value):
            return True
    if any(_flag(value) is False for key in _BUILT if (value := matter.get(key)) not in (None, "")):
        return True
    for key in (*_STATUS, "state"):  # which may be one of a country as well, and so is no key of ours alone
        status = text(matter.get(key)).lower()
        if status and (status in _NO or status.replace("-", " ").replace("_", " ") in _UNPUBLISHED):
            return True
    if text(matter.get("visibility")).lower() not in ("", "public"):
        return True
    asked = [matter.get(key) for key in publish_if]
    return bool(asked) and not any(_flag(value) is True or _is_date(value) for value in asked)


def date(
    matter: FrontMatter,
    keys: Iterable[str],
    zone: tzinfo,
    commits: Ask = lambda: None,
    *,
    month_first: bool = False,
) -> datetime | None:
    """The date in the first of ``keys`` that has one. Raises FrontMatterError for one that is none.

    "git Created", "Last Modified" and the like are those of ``commits``; what is made up when a site is built
    ("today") counts as not given, as true and false do.
    """
    for key in keys:
        value = matter.get(key)
        words = text(value).lower()
        if value in (None, "", [], {}) or isinstance(value, bool) or words in _WORDS:
            continue
        if words in _FIRST_COMMIT | _LAST_COMMIT | _BUILD_TIME:
            told = commits() if words not in _BUILD_TIME else None
            if told is not None:
                return told[words in _LAST_COMMIT]
            continue
        moment = written_date(text(value), zone, month_first=month_first)
        if moment is None:
            shown = repr(text(value)) if isinstance(value, str) else "a list or a table"
            raise FrontMatterError(f"{key} is {shown}, which is no date", matter.line(key), "write it as 2026-07-01")
        return moment
    return None


def written_date(text: str, zone: tzinfo, *, month_first: bool = False) -> datetime | None:
    """A date as posts have it, in UTC: midnight where no time is given, in ``zone`` where no zone is.

    With ``month_first``, 7/28/2026 is one too; elsewhere nobody can tell which number is the month.
    """
    if month_first:
        text = _MONTH_FIRST.sub(r"\4-\1-\3", text.strip(), count=1)
    padded = _SHORT_DATE.sub(lambda found: f"{found[1]}-{int(found[3]):02}-{int(found[4]):02}", text, count=1)
    moment = parse_date(padded, zone)
    return moment if moment is not None and 1970 <= moment.year <= 2200 else None


def tags(
    matter: FrontMatter,
    keys: Iterable[str],
    *,
    spaced: bool = False,
    more: Iterable[str] = (),
    dropped: Iterable[str] = (),
) -> tuple[str, ...]:
    """All tags of all ``keys``, then ``more``, without those ``dropped``: each once, whatever its case.

    They are lists, texts with commas or semicolons (with ``spaced`` with blanks, where a key stands for several), or
    tables whose keys are the tags.
    """
    found: dict[str, str] = {}
    for key in keys:
        blanks = spaced and (normal(key).endswith("s"))
        for tag in _tags(matter.get(key), blanks):
            found.setdefault(tag.casefold(), tag)
    for tag in more:
        found.setdefault(tag.casefold(), tag)
    for tag in dropped:
        found.pop(tag.casefold(), None)
    return tuple(found.values())[:MAX_TAGS]


def inline_tags(body: str) -> tuple[str, ...]:
    """The words of a text that are marked as tags, such as #this or #this/that; code and comments have none."""
    if "#" not in body:
        return ()
    return tuple(dict.fromkeys(match.strip("/") for match in _WORD_TAG.findall(_CODE.sub(" ", body))))


def image(matter: FrontMatter, keys: Iterable[str]) -> tuple[str, str]:
    """The key and address of a post's image: a text, the first of a list, or the ``src`` of a table."""
    key, value = matter.first(keys)
    if isinstance(value, list):
        value = value[0]
    if isinstance(value, dict):
        value = next((value[name] for name in ("src", "url", "path", "image") if name in value), None)
    return key, text(value) if isinstance(value, str) else ""


def language(value: Any) -> str:
    """A language tag (RFC 5646), "" for what does not look like one."""
    tag = text(value).replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else ""


def in_words(slug: str) -> str:
    """A slug as a title: ``my-first-post`` and ``2026/07/01/my-first-post`` are "My first post"."""
    words = " ".join(re.split(r"[-_\s]+", slug.rpartition("/")[2])).strip()
    return words[:1].upper() + words[1:]


def _flag(value: Any) -> bool | None:
    """What a value says where it says yes or no, else None."""
    if isinstance(value, list | dict):
        return None if value else False
    word = text(value).lower()
    return True if word in _YES else False if word in _NO else None


def _is_date(value: Any) -> bool:
    """Whether a text is meant to be a date; whether it is one is told where it is read."""
    return isinstance(value, str) and (bool(_YEAR.match(value)) or parse_date(value) is not None)


def _tags(value: Any, spaced: bool) -> Iterable[str]:
    if isinstance(value, str):
        separator = next((sign for sign in (";", ",") if sign in value), None if spaced else ",")
        value = value.split(separator)
    for each in value if isinstance(value, list | dict) else ():
        if isinstance(each, dict):
            each = next((each[name] for name in _NAMED if name in each), None)
        tag = text(each).removeprefix("#").strip()
        if tag:
            yield tag
