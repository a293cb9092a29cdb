"""Looks at the place where a blog lies, and tells whether it is as it was."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from feedbot.errors import SourceError
from feedbot.plugins import SourceContext
from feedbot.sources.posts.detect import Detected, detect, detect_at
from feedbot.sources.posts.presets import Preset
from feedbot.sources.posts.scan import FolderTree, scan
from feedbot.sources.posts.settings import PostsSettings
from feedbot.sources.posts.tree import Tree

if TYPE_CHECKING:
    from feedbot.sources.posts.git import Repository
    from feedbot.sources.posts.gittree import GitTree


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a look at a blog found that is not as it was. ``digest`` tells it from any other state of the blog.

    ``where`` makes of a file's name a path for a person. ``former`` has the former names of posts that were renamed,
    ``extra`` what the next look goes by.
    """

    tree: Tree
    preset: str
    rules: Preset
    digest: str
    where: Callable[[str], str]
    notes: tuple[str, ...] = ()
    former: Mapping[str, str] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)


class FolderPlace:
    """A folder, or a file of posts."""

    host = ""

    def __init__(self, settings: PostsSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._path = context.folder / Path(settings.path).expanduser()

    def look(self, salt: str, known: str, remembered: Mapping[str, Any], now: datetime) -> Look | None:
        """What is there now; None where it is as it was when ``known`` was its digest."""
        found = self._detected()
        rules = self._settings.rules(found.preset)
        if self._path.suffix.lower() == ".json" and self._path.is_file():
            tree = scan(self._path.parent, (), (self._path.name,), (), now)
        else:
            tree = scan(self._path, rules.folders, rules.files, rules.authors_data, now)
        digest = tree.digest(f"{salt}\n{found.preset}")
        if digest == known and _as_marked(tree, remembered):
            return None

        def where(name: str) -> str:
            return os.path.relpath(tree.where(name), self._context.folder)

        return Look(tree=tree, preset=found.preset, rules=rules, digest=digest, where=where, notes=_notes(found))

    def _detected(self) -> Detected:
        if self._settings.preset != "auto":
            return Detected(self._settings.preset, "")
        try:
            return detect_at(self._path)
        except OSError as error:
            missing = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
            raise SourceError(
                f"the folder {self._path} {missing}", "path is read from the folder of the configuration file"
            ) from error


class GitPlace:
    """A branch of a git repository."""

    def __init__(self, settings: PostsSettings, context: SourceContext) -> None:
        from feedbot.sources.posts.git.address import parse_address

        self._settings = settings
        self._context = context
        self.host = parse_address(settings.git).host

    def look(self, salt: str, known: str, remembered: Mapping[str, Any], now: datetime) -> Look | None:  # noqa: ARG002
        """What is there now; None where it is as it was when ``known`` was its digest."""
        from feedbot.sources.posts.gittree import GitTree

        repository = self._repository()
        commit = repository.head()
        digest = hashlib.blake2b(f"{salt}\n{commit}".encode(), digest_size=16).hexdigest()
        if digest == known:
            return None
        repository.fetch(commit)
        tree = GitTree(repository, commit, self._context.cache / "images")
        path = "/".join(step for step in self._settings.path.split("/") if step not in ("", "."))
        found = self._detected(tree, path)
        rules = self._settings.rules(found.preset)
        tree.choose(path, rules)
        before = remembered.get("commit", "")
        renamed = repository.renames(before, commit, tree.folder) if before else {}
        return Look(
            tree=tree,
            preset=found.preset,
            rules=rules,
            digest=digest,
            where=tree.where,
            notes=_notes(found),
            former=renamed,
            extra={"commit": commit},
        )

    def _repository(self) -> Repository:
        from feedbot.sources.posts.git import Access, Repository

        settings, context = self._settings, self._context
        key = context.folder / Path(settings.key_file).expanduser() if settings.key_file else None
        token = settings.token.get_secret_value() if settings.token is not None else ""
        access = Access(
            token=token,
            username=settings.username,
            key_file=key,
            ca_file=context.folder / Path(settings.ca_file).expanduser() if settings.ca_file else context.ca_file,
            allow_private=(*settings.allow_private, *context.allow_private),
        )
        timeout = settings.timeout.total_seconds() if settings.timeout else context.timeout
        return Repository(settings.git, context.cache / "git", branch=settings.branch, access=access, timeout=timeout)

    def _detected(self, tree: GitTree, path: str) -> Detected:
        if self._settings.preset != "auto":
            return Detected(self._settings.preset, "")
        start = f"{path}/" if path else ""
        return detect(tree.top(path), lambda name: tree.content(start + name))


def _as_marked(tree: FolderTree, remembered: Mapping[str, Any]) -> bool:
    """Whether the images that posts show from outside of their folder are as they were."""
    return all(tree.mark(name) == mark for name, mark in remembered.get("beside", {}).items())


def _notes(found: Detected) -> tuple[str, ...]:
    """What was chosen for the person who left the choice."""
    return (found.note,) if found.reason else ()
