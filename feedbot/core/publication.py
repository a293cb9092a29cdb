"""What a format is told of a feed beyond its channel: where it stands among its files, and where entries came from."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from msgspec import field
from msgspec.structs import asdict

from feedbot.model import Channel


class Origin(NamedTuple):
    """The feed that a source reads: its title, the page it belongs to, its own address; each may be ""."""

    title: str = ""
    link: str = ""
    url: str = ""


class Withdrawn(NamedTuple):
    """An entry that was in the feed and is gone from its source."""

    id: str
    at: datetime


class Sibling(NamedTuple):
    """A file that carries the same feed in another format: its path below the output folder."""

    kind: str
    path: str
    media_type: str


class Related(NamedTuple):
    """A page to go on to, by its path below the output folder."""

    label: str
    path: str


class Publication(Channel, frozen=True, kw_only=True):
    """A channel with its place in the output folder.

    ``path`` is that of its files without their extension, as are ``current``, ``previous`` and ``next`` (RFC 5005:
    the feed itself, the archive page before this one and the one after); "" where there is none. ``archived``: this
    is an archive page. ``origins`` are the feeds of sources, by the source's name. ``base`` is where the folder is
    served, or "". ``stylesheet`` is the address of a style sheet, relative to the file.
    """

    path: str = ""
    base: str = ""
    stylesheet: str = ""
    archived: bool = False
    current: str = ""
    previous: str = ""
    next: str = ""
    origins: Mapping[str, Origin] = field(default_factory=dict)
    withdrawn: tuple[Withdrawn, ...] = ()
    siblings: tuple[Sibling, ...] = ()
    related: tuple[Related, ...] = ()


def as_publication(channel: Channel) -> Publication:
    """The channel itself where it is a publication, else one of which no more is known."""
    if isinstance(channel, Publication):
        return channel
    return Publication(**asdict(channel))


def address(publication: Publication, path: str, extension: str) -> str:
    """The absolute address of another page of the feed in the same format; "" where there is none."""
    return f"{publication.base}{path}.{extension}" if path and publication.base else ""


def relative(publication: Publication, path: str) -> str:
    """How a file of the publication links to a path of the output folder."""
    return posixpath.relpath(f"/{path}", f"/{posixpath.dirname(publication.path)}")
