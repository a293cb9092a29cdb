"""Makes a document of the exports of a blog that keeps its posts in a database: Ghost."""

from __future__ import annotations

from feedbot.errors import SourceError
from feedbot.model import Document, Item, Problem
from feedbot.sources.posts.ghost import read_export
from feedbot.sources.posts.tree import Tree

MAX_EXPORT = 200_000_000


def read_exports(tree: Tree, site: str, source: str, permalink: str) -> Document:
    """Read all posts of all exports. Raises SourceError where one cannot be read, so that nothing is removed."""
    items: list[Item] = []
    problems: list[Problem] = []
    skipped, title = 0, ""
    for file, data in tree.read(tree.posts, MAX_EXPORT):
        if isinstance(data, OSError):
            raise SourceError(f"{tree.where(file.name)} cannot be read: {data.strerror}")
        export = read_export(data, site, where=file.name, source=source, permalink=permalink)
        items += export.items
        problems += export.problems
        skipped += export.skipped
        title = title or export.title
    note = f"{len(items)} post{'' if len(items) == 1 else 's'}"
    return Document(
        items=tuple(items),
        complete=True,
        trusted_dates=True,
        problems=tuple(problems),
        notes=(f"{note}, {skipped} not public skipped" if skipped else note,),
        title=title,
        link=site,
    )
