"""The source of posts that lie in a folder or a git repository."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar

from msgspec.structs import replace

from feedbot import faults
from feedbot.model import Document, Memory
from feedbot.plugins import SourceContext, SourceSettings
from feedbot.sources.posts import engineconfig
from feedbot.sources.posts.engineconfig import EngineConfig
from feedbot.sources.posts.places import FolderPlace, GitPlace, Look
from feedbot.sources.posts.settings import PostsSettings

RENDERER_VERSION = 6
"""Raised whenever the same post is read or rendered in another way, so that all are read anew."""

_NOT_CONTENT = {*SourceSettings.model_fields, "token", "username", "key_file", "ca_file", "allow_private", "timeout"}


class PostsSource:
    """Reads of a blog's own files those that changed since the last poll."""

    Settings: ClassVar[type[SourceSettings]] = PostsSettings

    def __init__(self, settings: PostsSettings, context: SourceContext, place: GitPlace | None = None) -> None:
        self._settings = settings
        self._context = context
        self._place = place or (GitPlace(settings, context) if settings.git else FolderPlace(settings, context))
        self.kind = f"posts ({settings.preset}{', git' if settings.git else ''})"
        self.host = self._place.host
        text = f"{RENDERER_VERSION}\n{context.timezone}\n{settings.model_dump_json(exclude=_NOT_CONTENT)}"
        self._salt = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def poll(self, memory: Memory, now: datetime) -> Document:
        """Read what changed since ``memory``, or say that nothing did, which takes no more than a look.

        Raises SourceError where the blog cannot be read or has no post in it, so that nothing is removed.
        """
        remembered = memory.extra if memory.extra.get("salt") == self._salt else {}
        known = "" if _due(remembered, now) else memory.digest
        look = self._place.look(self._salt, known, remembered, now)
        if look is None:
            return Document(not_modified=True, memory=memory)
        faults.reach("fetched")
        document, extra, whole = self._read(look, remembered, now)
        memory = Memory(digest=look.digest if whole else "", extra={"salt": self._salt, **look.extra, **extra})
        problems = tuple(replace(problem, where=_at(problem.where, look)) for problem in document.problems)
        places = {entry: _at(place, look) for entry, place in document.places.items()}
        notes = (*document.notes, *look.notes)
        return replace(document, memory=memory, problems=problems, places=places, notes=notes)

    def _read(self, look: Look, remembered: Mapping[str, Any], now: datetime) -> tuple[Document, dict[str, Any], bool]:
        """The document, what is to be remembered, and whether everything could be opened."""
        # Markdown and YAML take their time to import, which a blog that did not change need not pay.
        from feedbot.sources.posts.blog import read_blog
        from feedbot.sources.posts.exports import read_exports
        from feedbot.sources.posts.index import unpacked
        from feedbot.sources.posts.outline import Site
        from feedbot.sources.posts.press import Plan

        settings = self._settings
        said = engineconfig.read(look.preset, look.engine)
        if look.preset == "ghost":
            return read_exports(look.tree, settings.site, self._context.name, look.rules.permalink), {}, True
        plan = Plan(
            site=Site(
                settings.site or said.site,
                look.rules,
                self._context.timezone,
                look.tree.folder,
                now,
                said if not settings.permalink else replace(said, permalink="", sections={}),
            ),
            source=self._context.name,
            assets=settings.assets,
            assets_base=settings.assets_base,
            known={},
            components=settings.components,
        )
        shape = f"{look.preset} {engineconfig.digest(look.engine)}".strip()
        index = unpacked(remembered.get("index", "") if remembered.get("shape") == shape else "")
        reading = read_blog(look.tree, plan, index, now, former=look.former, progress=self._context.progress)
        notes = (*reading.document.notes, *_told(said, settings), *_unread(look))
        document = replace(reading.document, title=said.title, notes=notes)
        if not (index.files and remembered.get("sure") and settings.withdraw_after == 1):
            document = replace(document, gone=None)
        if settings.withdraw_after > 1:  # what was gone at the last reading already is to be missed again
            document = replace(document, not_modified=False)
        # What cannot be read is not in the index, and what is missing but not withdrawn yet must be missed again.
        sure = reading.whole and not look.tree.refused and settings.withdraw_after == 1
        extra: dict[str, Any] = {"shape": shape, "index": reading.index.packed(), "sure": sure}
        if (wake := reading.index.wake) is not None:
            extra["wake"] = wake
        if reading.beside:
            extra["beside"] = dict(reading.beside)
        return document, extra, reading.whole


def _told(said: EngineConfig, settings: PostsSettings) -> Iterator[str]:
    """What is taken of the configuration of the blog's tool, and what of it could not be understood."""
    taken = [key for key in ("site", "permalink") if getattr(said, key) and not getattr(settings, key)]
    taken += ["permalinks"] if said.sections and not settings.permalink else []
    if taken:
        yield f"{' and '.join(taken)} from {said.file}"
    if unclear := [key for key in said.unclear if not getattr(settings, key, "")]:
        yield f"{' and '.join(unclear)} in {said.file} cannot be understood: set it here"


def _unread(look: Look) -> Iterator[str]:
    """What may say something of posts, and is not read as it would have to be run."""
    if programs := look.tree.data.programs:
        more = f"and {len(programs) - 1} more are programs" if len(programs) > 1 else "is a program"
        yield f"{look.where(programs[0])} {more} and not run: what is said there of posts is not known"


def _due(remembered: Mapping[str, Any], now: datetime) -> bool:
    """Whether the date of a post has come that was to come, or to end."""
    wake = remembered.get("wake")
    return wake is not None and now.timestamp() >= wake


def _at(where: str, look: Look) -> str:
    """The place of a problem as a path that a person can open."""
    name, _, line = where.partition(":")
    return look.where(name) + (line and f":{line}")
