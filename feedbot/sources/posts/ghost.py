"""Reads the posts of a Ghost blog of the file that its settings export."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any, NamedTuple

from feedbot.core.dates import parse_date
from feedbot.core.text import one_line, storable
from feedbot.errors import SourceError
from feedbot.model import Author, Item, Problem
from feedbot.sources.posts.fields import language
from feedbot.sources.posts.permalink import MissingFieldError, absolute, expand

_SITE = "__GHOST_URL__"  # what an export has in place of the blog's own address
_HINT = "export it in the settings of the blog, as JSON"
_MAPPED = frozenset(
    {
        "id", "uuid", "comment_id", "title", "slug", "type", "page", "status", "visibility", "author", "author_id",
        "published_at", "updated_at", "created_at", "html", "plaintext", "markdown", "mobiledoc", "lexical",
        "feature_image", "image", "custom_excerpt", "locale", "language", "created_by", "updated_by", "published_by",
        "codeinjection_head", "codeinjection_foot", "amp", "newsletter_id", "email_recipient_filter",
    }
)  # fmt: skip

Row = Mapping[str, Any]


class Export(NamedTuple):
    """What an export has: its public posts, what is wrong with some, how many are not public, the blog's title."""

    items: tuple[Item, ...]
    problems: tuple[Problem, ...]
    skipped: int
    title: str


def read_export(data: bytes, site: str, *, where: str, source: str, permalink: str = "/{slug}/") -> Export:
    """Read the posts that everybody may: published, public, no pages.

    ``site`` is the address of the blog ("": posts have no address), ``where`` what problems call the file. Addresses
    of authors' mailboxes, which Ghost shows nobody, are left alone. Raises SourceError for what is no export.
    """
    tables = _Tables(_data(data, where))
    items, problems, skipped = [], [], 0
    for number, post in enumerate(tables.rows("posts"), start=1):
        if not _is_public(post):
            skipped += _is_post(post)
            continue
        slug = _text(post, "slug")
        name = f'{where}: "{_text(post, "title") or slug or number}"'
        if not slug or not _identity(post):
            problems.append(Problem(name, "it has no slug or no id", "export the blog anew"))
            continue
        try:
            item = _item(post, slug, tables, site.rstrip("/"), source, permalink)
        except MissingFieldError as missing:
            problems.append(Problem(name, f"its address {permalink} needs {{{missing.field}}}, which it does not have"))
            continue
        if not item.content:
            problems.append(Problem(name, "the export has no HTML of it", "save the post again in Ghost, and export"))
        if item.published is None:
            problems.append(Problem(name, "it has no date that can be read"))
        items.append(item)
    title = next((_text(row, "value") for row in tables.rows("settings") if row.get("key") == "title"), "")
    return Export(tuple(items), tuple(problems), skipped, title)


class _Tables:
    """The tables of an export, joined."""

    def __init__(self, data: Row) -> None:
        self._data = data
        self._users = {_identity(row): row for row in self.rows("users")}
        self._tags = {_identity(row): row for row in self.rows("tags")}
        self._authors_of = _joined(self.rows("posts_authors"), "author_id")
        self._tags_of = _joined(self.rows("posts_tags"), "tag_id")

    def rows(self, table: str) -> Iterator[Row]:
        rows = self._data.get(table)
        return (row for row in (rows if isinstance(rows, list) else ()) if isinstance(row, dict))

    def authors(self, post: Row) -> tuple[Author, ...]:
        """Its authors in order; in exports older than several authors the one that it has."""
        legacy = [str(post.get(key)) for key in ("author_id", "author") if post.get(key) is not None]
        rows = [self._users[key] for key in self._authors_of.get(_identity(post), legacy) if key in self._users]
        named = (Author(_text(row, "name") or _text(row, "slug"), _web(_text(row, "website"))) for row in rows)
        return tuple(dict.fromkeys(author for author in named if author.name))

    def tags(self, post: Row) -> tuple[str, ...]:
        """Its tags in order, without internal ones, which the site does not show."""
        rows = [self._tags[key] for key in self._tags_of.get(_identity(post), ()) if key in self._tags]
        names = (_text(row, "name") for row in rows if row.get("visibility") != "internal")
        return tuple(dict.fromkeys(name for name in names if name and not name.startswith("#")))


def _data(content: bytes, where: str) -> Row:
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise SourceError(f"{where}:{error.lineno}: it is not valid JSON: {error.msg}", _HINT) from None
    except (ValueError, RecursionError):
        raise SourceError(f"{where}: it is not valid JSON in UTF-8", _HINT) from None
    database = document.get("db") if isinstance(document, dict) else None
    first = database[0] if isinstance(database, list) and database else document
    data = first.get("data") if isinstance(first, dict) else None
    if not isinstance(data, dict) or not isinstance(data.get("posts"), list):
        raise SourceError(f"{where}: it is no export of a Ghost blog", _HINT)
    return data


def _item(post: Row, slug: str, tables: _Tables, site: str, source: str, permalink: str) -> Item:
    published = _date(post, "published_at") or _date(post, "created_at")
    url = (
        site + expand(permalink, lambda key: slug if key in ("slug", "path") else _text(post, key), published)
        if site
        else ""
    )
    return Item(
        id=url or f"tag:feedbot,2026:{source}/{slug}",
        keys=(f"id:{_identity(post)}",),
        url=url,
        title=_text(post, "title"),
        authors=tables.authors(post),
        published=published,
        updated=_date(post, "updated_at"),
        tags=tables.tags(post),
        summary=escape(_text(post, "custom_excerpt"), quote=False),
        content=_html(post, site),
        base=url,
        language=language(_text(post, "locale") or _text(post, "language")),
        image=absolute(site, (_text(post, "feature_image") or _text(post, "image")).replace(_SITE, site)),
        extra={
            storable(key): storable(value).replace(_SITE, site) if isinstance(value, str) else value
            for key, value in post.items()
            if key not in _MAPPED and isinstance(value, str | bool | int) and value not in ("", 0, False)
        },
    )


def _is_post(post: Row) -> bool:
    return _text(post, "type") in ("", "post") and post.get("page") in (None, 0, False, "0", "false")


def _is_public(post: Row) -> bool:
    """Whether everybody may read it; posts that went to members by mail alone ("sent") are not on the site."""
    return _is_post(post) and post.get("status") == "published" and _text(post, "visibility") in ("", "public")


def _html(post: Row, site: str) -> str:
    html = post.get("html")
    if isinstance(html, str) and html.strip():
        return storable(html).replace(_SITE, site)
    plain = post.get("plaintext")
    if not isinstance(plain, str):
        return ""
    paragraphs = (escape(part.strip(), quote=False) for part in storable(plain).split("\n\n") if part.strip())
    return "".join(f"<p>{part}</p>\n" for part in paragraphs)


def _joined(rows: Iterable[Row], other: str) -> Mapping[str, list[str]]:
    """What belongs to each post, in its order."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    for number, row in enumerate(rows):
        order = row.get("sort_order")
        place = (order if isinstance(order, int) else 0, number, str(row.get(other)))
        found.setdefault(str(row.get("post_id")), []).append(place)
    return {post: [key for _, _, key in sorted(places)] for post, places in found.items()}


def _identity(row: Row) -> str:
    """The id of a row; numbers in exports of old."""
    value = row.get("id")
    return one_line(str(value)) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _text(row: Row, key: str) -> str:
    value = row.get(key)
    return one_line(value) if isinstance(value, str) else ""


def _date(row: Row, key: str) -> datetime | None:
    value = row.get(key)
    if isinstance(value, int) and not isinstance(value, bool):  # milliseconds, in exports of old
        return datetime.fromtimestamp(value / 1000, UTC) if 0 <= value < 7_258_118_400_000 else None
    return parse_date(value) if isinstance(value, str) else None


def _web(address: str) -> str:
    return address if address.startswith(("https://", "http://")) else ""
