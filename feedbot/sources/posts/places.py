"""Looks at the place where a blog lies, and tells whether it is as it was."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field
from msgspec.structs import asdict

from feedbot.errors import SourceError
from feedbot.paths import located
from feedbot.plugins import SourceContext
from feedbot.sources.posts import engineconfig
from feedbot.sources.posts.detect import Detected, detect, detect_at, tops
from feedbot.sources.posts.presets import Preset, wants_history
from feedbot.sources.posts.scan import FolderTree, scan
from feedbot.sources.posts.settings import PostsSettings
from feedbot.sources.posts.tree import Tree

if TYPE_CHECKING:
    from feedbot.sources.posts import gittree
    from feedbot.sources.posts.git import Access
    from feedbot.sources.posts.gittree import GitTree

    class Archive(gittree.Archive, Protocol):
        """A repository with a commit that is the newest."""

        def head(self) -> str: ...

        def fetch(self, commit: str) -> None: ...

        def renames(self, old: str, new: str, path: str = "") -> Mapping[str, str]: ...


class Look(Struct, frozen=True, kw_only=True):
    """What a look at a blog found that is not as it was. ``digest`` tells it from any other state of the blog.

    ``where`` makes of a file's name a path for a person. ``former`` tells the former names of posts that were renamed,
    ``engine`` the configuration files of the blog's own tool, ``extra`` what the next look goes by.
    """

    tree: Tree
    preset: str
    rules: Preset
    digest: str
    where: Callable[[str], str]
    engine: engineconfig.Files
    notes: tuple[str, ...] = ()
    former: Callable[[], Mapping[str, str]] = dict
    extra: Mapping[str, Any] = field(default_factory=dict)


class FolderPlace:
    """A folder, or a file of posts."""

    host = ""

    def __init__(self, settings: PostsSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context
        self._path = located(context.folder, settings.path)

    def look(self, salt: str, known: str, remembered: Mapping[str, Any], now: datetime) -> Look | None:
        """What is there now; None where it is as it was when ``known`` was its digest."""
        found = self._detected()
        rules = self._settings.rules(found.preset)
        top, engine = self._engine(found.preset)
        if self._path.suffix.lower() == ".json" and self._path.is_file():
            tree = scan(self._path.parent, (), (self._path.name,), (), now)
        else:
            data_top = top if rules.data_files else None
            tree = scan(self._path, rules.folders, rules.files, rules.authors_data, now, data_top)
        if wants_history(rules):
            tree = _Committed(**asdict(tree))
        digest = tree.digest(f"{salt}\n{found.preset}\n{engineconfig.digest(engine)}")
        if digest == known and _as_marked(tree, remembered):
            return None

        def where(name: str) -> str:
            return os.path.relpath(tree.where(name), self._context.folder)

        return Look(
            tree=tree,
            preset=found.preset,
            rules=rules,
            digest=digest,
            where=where,
            engine=engine,
            notes=_notes(found),
        )

    def _engine(self, preset: str) -> tuple[Path, engineconfig.Files]:
        """The top of the blog, which is the path or above it, with the configuration of its tool there."""
        return _topmost(self._path.resolve(), preset, lambda top: engineconfig.gather_in(top, preset))

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


class _Committed(FolderTree, frozen=True):
    """A folder that may be in a checkout, whose history tells of posts that do not say themselves when they began."""

    def commits(self) -> Mapping[str, tuple[datetime, datetime, str]]:
        """Read of git's log when a post asks for it. Nothing is told of a shallow clone, nor where there is none."""
        from feedbot.sources.posts.git import LocalRepository

        try:
            repository = LocalRepository(self.base)
            history = repository.history(repository.resolve("HEAD"), repository.below)
        except (SourceError, OSError):
            return {}
        told = {unicodedata.normalize("NFC", name): found for name, found in history.items()}
        return {name: (found.first, found.last, found.author) for name, found in told.items()}


class GitPlace:
    """A git repository; or another that is read like one, where ``repository`` is given."""

    def __init__(self, settings: PostsSettings, context: SourceContext, repository: Archive | None = None) -> None:
        from feedbot.sources.posts.git.address import parse_address

        self._settings = settings
        self._context = context
        self._given = repository
        self.host = parse_address(settings.git).host if repository is None else ""

    def look(self, salt: str, known: str, remembered: Mapping[str, Any], now: datetime) -> Look | None:  # noqa: ARG002
        """What is there now; None where it is as it was when ``known`` was its digest."""
        from feedbot.sources.posts.gittree import GitTree

        repository = self._given or self._repository()
        commit = repository.head()
        digest = hashlib.blake2b(f"{salt}\n{commit}".encode(), digest_size=16).hexdigest()
        if digest == known:
            return None
        repository.fetch(commit)
        tree = GitTree(repository, commit, self._context.cache / "images")
        path = "/".join(step for step in self._settings.path.split("/") if step not in ("", "."))
        found = self._detected(tree, path)
        rules = self._settings.rules(found.preset)
        top, engine = _engine_in(tree, path, found.preset)
        tree.choose(path, rules, top.as_posix())
        before = remembered.get("commit", "")
        return Look(
            tree=tree,
            preset=found.preset,
            rules=rules,
            digest=digest,
            where=tree.where,
            engine=engine,
            notes=_notes(found),
            # Asked for when the posts are read: how alike two files are takes the contents of both.
            former=lambda: repository.renames(before, commit, tree.folder) if before else {},
            extra={"commit": commit},
        )

    def _repository(self) -> Archive:
        from feedbot.sources.posts.git import Repository

        settings, context = self._settings, self._context
        access = access_to(
            settings,
            folder=context.folder,
            ca_file=context.ca_file,
            proxy=context.proxy,
            allow_private=context.allow_private,
        )
        timeout = settings.timeout.total_seconds() if settings.timeout else context.timeout
        return Repository(settings.git, context.cache / "git", branch=settings.branch, access=access, timeout=timeout)

    def _detected(self, tree: GitTree, path: str) -> Detected:
        if self._settings.preset != "auto":
            return Detected(self._settings.preset, "")
        start = f"{path}/" if path else ""
        return detect(tree.top(path), lambda name: tree.content(start + name))


def access_to(
    settings: PostsSettings, *, folder: Path, ca_file: Path | None, proxy: str, allow_private: Sequence[str]
) -> Access:
    """What opens the repository of a source: its own settings, paths read from ``folder``, and those of all sources."""
    from feedbot.sources.posts.git import Access

    return Access(
        token=settings.token.get_secret_value() if settings.token is not None else "",
        username=settings.username,
        key_file=located(folder, settings.key_file) if settings.key_file else None,
        ca_file=located(folder, settings.ca_file) if settings.ca_file else ca_file,
        proxy=proxy,
        allow_private=(*settings.allow_private, *allow_private),
    )


def _engine_in(tree: GitTree, path: str, preset: str) -> tuple[Path, engineconfig.Files]:
    """The top of a blog in a commit, which is the folder ``path`` or above it, with its tool's configuration there."""

    def files(top: Path) -> engineconfig.Files:
        return engineconfig.gather(preset, lambda name: tree.content((top / name).as_posix()))

    return _topmost(Path(path), preset, files)


def _topmost(place: Path, preset: str, files: Callable[[Path], engineconfig.Files]) -> tuple[Path, engineconfig.Files]:
    """The nearest folder in which the configuration of a tool is; without any, the one that ``place`` is in."""
    found = ((top, files(top)) for top in tops(place, preset))
    return next((each for each in found if each[1]), (place.parent, {}))


def _as_marked(tree: FolderTree, remembered: Mapping[str, Any]) -> bool:
    """Whether the images that posts show from outside of their folder are as they were."""
    return all(tree.mark(name) == mark for name, mark in remembered.get("beside", {}).items())


def _notes(found: Detected) -> tuple[str, ...]:
    """What was chosen for the person who left the choice."""
    return (found.note,) if found.reason else ()
