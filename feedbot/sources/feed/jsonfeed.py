"""Reads JSON Feed 1.0 and 1.1 (https://www.jsonfeed.org/version/1.1/)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from feedbot.core.dates import parse_date
from feedbot.core.html import from_text
from feedbot.core.text import one_line, storable
from feedbot.errors import SourceError
from feedbot.model import Author, Enclosure, Item
from feedbot.sources.feed.address import Bases, is_web
from feedbot.sources.feed.parsed import (
    MAX_ENTRIES,
    MAX_TITLE,
    TOO_MANY,
    Parsed,
    identifier,
    language_tag,
    length_in_bytes,
    plain_title,
    plausible,
    texts,
    within_limits,
)
from feedbot.sources.feed.parts import Parts, changed, memory_of, separate

_VERSION = re.compile(r"https?://(?:www\.)?jsonfeed\.org/version/|1(\.[01])?$", re.IGNORECASE)
_TOO_DEEP = "this JSON is nested too deeply, or has numbers too large, to be a feed"


def looks_like_json(text: str, content_type: str) -> bool:
    """Whether a document is JSON rather than XML, by how it begins, or by its type where it begins like neither."""
    start = text[:1_000].lstrip("\ufeff \t\r\n")[:1]
    return start in ("{", "[") or ("json" in content_type.lower() and start != "<")


def read(
    text: str, url: str, now: datetime, *, memory: Mapping[str, Any] = MappingProxyType({}), by_id: bool = True
) -> Parsed:
    """Read a JSON Feed that came from ``url``. Raises SourceError where it is none.

    ``memory`` is what its last reading left, so that only the items that changed are made; ``by_id``: entries are
    named by their id, else their link.
    """
    feed = _loaded(text)
    version = feed.get("version")
    entries = feed.get("items")
    if not isinstance(entries, list) or not (version is None or _VERSION.match(str(version))):
        raise SourceError(
            "this is JSON, but no JSON Feed",
            'a feed has a "version" that begins with https://jsonfeed.org/version/ and a list of "items"',
        )
    objects = [entry for entry in entries[:MAX_ENTRIES] if isinstance(entry, dict)]
    parts = _parts(feed, objects, url)
    notes = _passed_over(entries, objects)

    def read_without(known: Collection[str]) -> Parsed:
        new = [entry for entry, digest in zip(objects, parts.entries, strict=True) if digest not in known]
        return _made(feed, new, notes, url, now)

    parsed = changed(parts, memory, read_without)
    if parsed is None:
        whole = _made(feed, objects, notes, url, now)
        parsed = replace(whole, memory=memory_of(parts, whole.items, by_id=by_id))
    return parsed


def _loaded(text: str) -> Mapping[str, Any]:
    try:
        feed = json.loads(text.lstrip("\ufeff"))
    except json.JSONDecodeError as error:
        raise SourceError(f"broken JSON at {error.lineno}:{error.colno}: {error.msg}") from None
    except (RecursionError, ValueError):
        raise SourceError(_TOO_DEEP) from None
    if not isinstance(feed, dict):
        raise SourceError("this is JSON, but no JSON Feed", "a feed is an object")
    return feed


def _parts(feed: Mapping[str, Any], objects: list[dict[str, Any]], url: str) -> Parts:
    """A digest of each item, and of what else is in the feed, but for the extensions, which are not read."""
    frame = {key: value for key, value in feed.items() if key != "items" and not key.startswith("_")}
    try:
        return separate(_bytes(frame), map(_bytes, objects), url)
    except (RecursionError, ValueError):
        raise SourceError(_TOO_DEEP) from None


def _bytes(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _passed_over(entries: list[Any], objects: list[dict[str, Any]]) -> tuple[str, ...]:
    number = min(len(entries), MAX_ENTRIES) - len(objects)
    notes = (f"passed over what is no object among the items: {number}",) if number else ()
    return (*notes, TOO_MANY) if len(entries) > MAX_ENTRIES else notes


def _made(
    feed: Mapping[str, Any], objects: list[dict[str, Any]], notes: tuple[str, ...], url: str, now: datetime
) -> Parsed:
    """These items of the feed, as entries."""
    home = Bases(url).absolute(feed.get("home_page_url"))
    bases = Bases(url, home)
    items, cut_down = within_limits([_item(entry, feed, bases, now) for entry in objects])
    return Parsed(items=items, title=plain_title(_text(feed, "title")), link=home, notes=(*cut_down, *notes))


def _item(entry: Mapping[str, Any], feed: Mapping[str, Any], bases: Bases, now: datetime) -> Item:
    page, external = bases.absolute(entry.get("url")), bases.absolute(entry.get("external_url"))
    link = page or external
    own_id = _id(entry.get("id"))
    if not link and is_web(own_id):
        link = own_id
    content = _text(entry, "content_html") or from_text(_text(entry, "content_text"))
    summary = from_text(_text(entry, "summary"))
    published = plausible(parse_date(_text(entry, "date_published")), now)
    updated = plausible(parse_date(_text(entry, "date_modified")), now)
    return Item(
        id=own_id,
        url=link,
        title=plain_title(_text(entry, "title")[: 2 * MAX_TITLE]),
        authors=_authors(entry, bases) or _authors(feed, bases),
        published=published or updated,
        updated=updated,
        tags=_tags(entry.get("tags")),
        summary=summary if content and summary != content else "",
        content=content or summary,
        base=bases.of_content("", page),
        language=language_tag(entry.get("language")) or language_tag(feed.get("language")),
        enclosures=_enclosures(entry, bases),
        image=bases.absolute(entry.get("image")) or bases.absolute(entry.get("banner_image")),
        extra=texts({"external_url": external if external != link else ""}),
    )


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    return storable(value) if isinstance(value, str) else ""


def _id(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return identifier(value)


def _authors(values: Mapping[str, Any], bases: Bases) -> tuple[Author, ...]:
    listed = values.get("authors")
    people = listed if isinstance(listed, list) and listed else [values.get("author")]
    authors = [
        Author(name=one_line(_text(person, "name")), url=bases.absolute(person.get("url")))
        for person in people
        if isinstance(person, dict)
    ]
    return tuple(dict.fromkeys(author for author in authors if author.name or author.url))


def _tags(values: object) -> tuple[str, ...]:
    if not isinstance(values, list):
        return ()
    lines = (one_line(value) for value in values if isinstance(value, str))
    return tuple(dict.fromkeys(line for line in lines if line))


def _enclosures(entry: Mapping[str, Any], bases: Bases) -> tuple[Enclosure, ...]:
    attached = entry.get("attachments")
    found: dict[str, Enclosure] = {}
    for one in attached if isinstance(attached, list) else ():
        url = bases.absolute(one.get("url")) if isinstance(one, dict) else ""
        if url:
            size = length_in_bytes(one.get("size_in_bytes"))
            found.setdefault(url, Enclosure(url, one_line(_text(one, "mime_type")), size))
    return tuple(found.values())
