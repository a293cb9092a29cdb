"""Where the files of a feed are, below the output folder."""

from __future__ import annotations

import posixpath

from feedbot.engine.publishing import FeedSpec
from feedbot.plugins import Format

STYLESHEET = "feed.css"


def paths(spec: FeedSpec) -> dict[str, Format]:
    """The files of a feed itself."""
    return page_paths(spec, spec.name) | dict.fromkeys(spec.aliases, next(iter(spec.formats.values())))


def page_paths(spec: FeedSpec, path: str) -> dict[str, Format]:
    """The files of one of its pages, a format each."""
    return {f"{path}.{form.extension}": form for form in spec.formats.values()}


def folders(spec: FeedSpec) -> set[str]:
    """The folders that its files are in."""
    below = {f"{spec.name}/{by}" for by in spec.split} | ({f"{spec.name}/archive"} if spec.archive else set())
    return {posixpath.dirname(path) for path in paths(spec)} | below
