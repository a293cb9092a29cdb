"""The source of posts that lie in a folder as Markdown files."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from feedbot import faults
from feedbot.model import Document, Memory, Problem
from feedbot.plugins import SourceContext, SourceSettings
from feedbot.sources.posts.scan import Scan, scan
from feedbot.sources.posts.settings import PostsSettings

RENDERER_VERSION = 1
"""Raised whenever the same post is read or rendered in another way, so that all are read anew."""


class PostsSource:
    """Reads a blog from its own files, all of it each time that any of them changed."""

    Settings: ClassVar[type[SourceSettings]] = PostsSettings
    host = ""

    def __init__(self, settings: PostsSettings, context: SourceContext) -> None:
        self.kind = f"posts ({settings.preset})"
        self._settings = settings
        self._context = context
        self._rules = settings.rules()
        self._root = context.folder / Path(settings.path).expanduser()
        text = f"{RENDERER_VERSION}\n{context.timezone}\n{settings.model_dump_json()}"
        self._salt = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def poll(self, memory: Memory, now: datetime) -> Document:
        """Read all posts, or say that none changed since ``memory``, which takes no more than looking at the folder.

        Raises SourceError where the folder cannot be read or has no post in it, so that nothing is removed.
        """
        rules = self._rules
        found = scan(self._root, rules.folders, rules.files, rules.authors_data)
        digest = found.digest(now, self._salt)
        if digest == memory.digest:
            return Document(not_modified=True, memory=memory)
        faults.reach("fetched")
        # Markdown and YAML take their time to import, which a blog that did not change need not pay.
        from feedbot.sources.posts.blog import read_blog
        from feedbot.sources.posts.outline import Site

        document = read_blog(
            found,
            Site(self._settings.site, rules, self._context.timezone),
            source=self._context.name,
            assets=self._settings.assets,
            memory=Memory(digest=digest),
        )
        return replace(document, problems=tuple(self._located(problem, found) for problem in document.problems))

    def _located(self, problem: Problem, found: Scan) -> Problem:
        """A problem whose place is a path that a person can open, from the folder of the configuration."""
        name, _, line = problem.where.partition(":")
        path = next((file.path for file in found.authors if file.name == name), found.base / name)
        return replace(problem, where=os.path.relpath(path, self._context.folder) + (line and f":{line}"))
