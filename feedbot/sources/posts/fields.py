"""Reads what the front matter of a post says, in the many ways in which people say it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, tzinfo
from typing import Any

from feedbot.core.dates import parse_date
from feedbot.core.text import one_line
from feedbot.sources.posts.frontmatter import FrontMatter, FrontMatterError

MAX_TAGS = 64
_NO = frozenset({"", "false", "no", "off", "n", "0"})
_UNPUBLISHED = frozenset({"draft", "hidden", "private", "pending", "scheduled", "unpublished"})
_NAMED = ("name", "title", "label", "slug", "value")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")


def text(value: Any) -> str:
    """A single value as one line of text, "" for lists, tables and nothing."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return one_line(value) if isinstance(value, str) else ""


def texts(value: Any) -> tuple[str, ...]:
    """One value or a list of them, without what is empty."""
    values = value if isinstance(value, list) else [value]
    return tuple(shown for each in values if (shown := text(each)))


def is_draft(matter: FrontMatter) -> bool:
    """Whether a post is not to be published. Where in doubt it is not: what is left out can still be added.

    ``published`` may be a date (Hugo); it only counts where it says no.
    """
    draft = matter.get("draft")
    if draft is not None and text(draft).lower() not in _NO:
        return True
    for key in ("published", "publish"):
        value = text(matter.get(key)).lower()
        if value and value in _NO:
            return True
    return text(matter.get("status")).lower() in _UNPUBLISHED


def date(matter: FrontMatter, keys: Iterable[str], zone: tzinfo) -> datetime | None:
    """The date in the first of ``keys`` that has one. Raises FrontMatterError for one that is none."""
    dated = [key for key in keys if not isinstance(matter.get(key), bool)]
    key, value = matter.first(dated)
    if not key:
        return None
    moment = parse_date(text(value), zone)
    if moment is None or not 1970 <= moment.year <= 2200:
        shown = repr(text(value)) if isinstance(value, str) else "a list or a table"
        raise FrontMatterError(f"{key} is {shown}, which is no date", matter.line(key), "write it as 2026-07-01")
    return moment


def tags(matter: FrontMatter, keys: Iterable[str]) -> tuple[str, ...]:
    """All tags of all ``keys``: lists, texts with commas, or tables whose keys are the tags; each once."""
    found: dict[str, str] = {}
    for key in keys:
        for tag in _tags(matter.get(key)):
            found.setdefault(tag.casefold(), tag)
    return tuple(found.values())[:MAX_TAGS]


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
    """A slug as a title: ``my-first-post`` is "My first post"."""
    words = " ".join(re.split(r"[-_\s]+", slug)).strip()
    return words[:1].upper() + words[1:]


def _tags(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        value = value.split(",")
    for each in value if isinstance(value, list | dict) else ():
        if isinstance(each, dict):
            each = next((each[name] for name in _NAMED if name in each), None)
        tag = text(each).removeprefix("#").strip()
        if tag:
            yield tag
