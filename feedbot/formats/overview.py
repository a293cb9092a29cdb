"""Pages and lists of feeds: all of the output folder, or the parts that a feed is split into."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from msgspec import Struct

from feedbot.core.seal import sealed
from feedbot.core.text import one_line
from feedbot.formats.markup import Link, anchor, escape, page, path_href

_PAGE = "text/html"


class Row(Struct, frozen=True):
    """A feed to be listed. ``files``: media type and path of each of its formats; ``more``: label and path of pages."""

    title: str
    path: str
    number: int | None
    files: tuple[tuple[str, str], ...]
    description: str = ""
    more: tuple[tuple[str, str], ...] = ()


def index(rows: Sequence[Row], base: str, opml: str) -> bytes:
    """The page of all feeds of a folder, sealed. ``opml`` is the path of the list for readers, or ""."""
    named = f'<p class="dim">{escape(base)}</p>\n' if base else ""
    offer = f"<p>{anchor(opml, 'All of them for a feed reader (OPML)')}</p>\n" if opml else ""
    body = f"<header>\n<h1>Feeds</h1>\n{named}</header>\n{offer}{_list(rows, '', discoverable=True)}"
    return sealed(page("Feeds", "en", _alternates(rows, ""), body))


def contents(title: str, by: str, path: str, rows: Sequence[Row]) -> bytes:
    """The page at ``path`` that lists what a feed is split into by tag, author, year or source; sealed."""
    folder = posixpath.dirname(path)
    heading = f"{one_line(title)} by {by}"
    up = anchor(path_href(posixpath.relpath("/index.html", f"/{folder}")), "All feeds")
    body = (
        f'<header>\n<h1 dir="auto">{escape(heading)}</h1>\n</header>\n<nav>{up}</nav>\n'
        f"{_list(rows, folder, discoverable=False)}"
    )
    return sealed(page(heading, "en", (), body))


def sealed_list(opml: bytes) -> bytes:
    """An OPML list with its seal."""
    return sealed(opml.decode())


def _list(rows: Sequence[Row], folder: str, *, discoverable: bool) -> str:
    items = "".join(_item(row, folder, heading="h2" if discoverable else "strong") for row in rows)
    return f'<ul class="rows">\n{items}</ul>\n'


def _item(row: Row, folder: str, heading: str) -> str:
    links = _links(row, folder)
    title = escape(one_line(row.title))
    own = next((link.href for link in links if link.media_type == _PAGE), "")
    if own:
        title = f'<a href="{escape(own)}">{title}</a>'
    number = "" if row.number is None else f' <span class="dim">{row.number}</span>'
    described = f'<p class="dim">{escape(one_line(row.description))}</p>\n' if row.description else ""
    shown = [anchor(link.href, link.name) for link in links if link.media_type != _PAGE]
    shown += [anchor(path_href(_from(folder, path)), label) for label, path in row.more]
    return f'<li dir="auto"><{heading}>{title}</{heading}>{number}\n{described}<nav>{" ".join(shown)}</nav></li>\n'


def _links(row: Row, folder: str) -> list[Link]:
    return [Link(path_href(_from(folder, path)), "", media_type) for media_type, path in row.files]


def _alternates(rows: Sequence[Row], folder: str) -> list[tuple[Link, str]]:
    return [
        (link, f"{one_line(row.title)} ({link.name})")
        for row in rows
        for link in _links(row, folder)
        if link.media_type != _PAGE
    ]


def _from(folder: str, path: str) -> str:
    below = f"{folder}/"
    if path.startswith(below):  # as most do, of which there may be thousands
        return path.removeprefix(below)
    return posixpath.relpath(f"/{path}", f"/{folder}")
