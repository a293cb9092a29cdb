"""Makes an entry fit to go out: cleaned, with absolute addresses, and bounded.

Entries are stored as they came, so that a better cleaner cures old ones too; whatever leaves feedbot, as a
feed, a message or JSON, goes through here first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from msgspec.structs import replace

from feedbot.core.address import ASSET_SCHEME, resolve
from feedbot.core.text import one_line, shorten
from feedbot.model import Author, Enclosure, Entry

ASSET = f"{ASSET_SCHEME}:"
"""How stored content names a file that feedbot publishes: ``feedbot-asset:NAME?ORIGINAL``."""

VERSION = 2
"""Raised when the same stored entry goes out in another way, so that feeds are made anew."""

MEDIA_FOLDER = "media"
MAX_TITLE = 1000
MAX_TAGS = 64
MAX_ENCLOSURES = 16
_ASSET_NAME = re.compile(rf"{ASSET}([0-9a-f]+\.[a-z0-9]+)")
_WEB = ("http://", "https://")

Clean = Callable[[str, str, str], str]
"""Makes HTML as stored fit to go out: ``clean`` below, or what remembers its answers."""


def clean(content: str, base: str, base_url: str) -> str:
    """Stored HTML as it may be published: ``base`` is the address of its entry, ``base_url`` as for ``present``."""
    from feedbot.core import html  # of which a run with nothing to publish has no need

    return html.clean(content, base, lambda address: _published(address, base_url, base))


def present(entry: Entry, base_url: str = "", summary_only: bool = False, clean: Clean = clean) -> Entry:
    """Give the entry as it may be published.

    ``base_url`` is where the published folder is served, so that copied images have an address; without
    one they keep their own. ``summary_only`` leaves the content out and makes sure of a summary.
    """
    base = entry.base or entry.url

    def absolute(address: str) -> str:
        return resolve(_published(address, base_url, base) or "", base) or ""

    content = clean(entry.content, base, base_url)
    summary = clean(entry.summary, base, base_url)
    if summary_only:
        from feedbot.core import html

        summary = summary or html.from_text(shorten(html.to_text(content), 500))
        content = ""
    return replace(
        entry,
        url=absolute(entry.url) if entry.url else "",
        title=shorten(one_line(entry.title), MAX_TITLE),
        authors=tuple(_author(author, base) for author in entry.authors[:MAX_TAGS]),
        tags=tuple(dict.fromkeys(tag for tag in map(one_line, entry.tags) if tag))[:MAX_TAGS],
        summary=summary,
        content=content,
        base="",
        language=one_line(entry.language),
        enclosures=tuple(
            Enclosure(url, one_line(enclosure.type), enclosure.length)
            for enclosure in entry.enclosures
            if (url := absolute(enclosure.url))
        )[:MAX_ENCLOSURES],
        image=absolute(entry.image) if entry.image else "",
    )


def asset_url(address: str, base_url: str, base: str) -> str | None:
    """The address of a copied file: below ``base_url``, or the one it had in the post, read against ``base``."""
    name, _, original = address.removeprefix(ASSET).partition("?")
    if base_url:
        return f"{base_url}{MEDIA_FOLDER}/{name}"
    return resolve(unquote(original), base)


def assets(entry: Entry) -> set[str]:
    """The names of the files that an entry as stored shows copies of."""
    return set(_ASSET_NAME.findall(f"{entry.content} {entry.summary} {entry.image}"))


def _published(address: str, base_url: str, base: str) -> str | None:
    """An address of stored content, where a copied file has that of its copy."""
    return asset_url(address, base_url, base) if address.startswith(ASSET) else address


def _author(author: Author, base: str) -> Author:
    url = resolve(author.url, base) or "" if author.url else ""
    return Author(one_line(author.name), url if url.startswith(_WEB) else "", one_line(author.email))
