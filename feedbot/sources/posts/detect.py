"""Tells which tool a blog is made with, by what lies at the top of its folder or repository."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from feedbot.sources.posts.presets import PRESETS, Preset, PresetName

Read = Callable[[str], bytes]
"""The content of a file at the top or below, as much of it as is cheap to have. Raises OSError."""

_HUGO_NAMES = tuple(f"{stem}.{suffix}" for stem in ("hugo", "config") for suffix in ("toml", "yaml", "yml", "json"))
_HUGO_FOLDERS = ("archetypes", "layouts", "themes")
_HUGO_KEY = re.compile(rb"""^\s*["']?(?:baseURL|languageCode|defaultContentLanguage)["']?\s*[=:]""", re.M | re.I)
_ZOLA_KEY = re.compile(rb"^\s*base_url\s*=", re.MULTILINE)
_GHOST = re.compile(rb'\A\s*\{\s*"(?:db"\s*:\s*\[|meta"\s*:\s*\{\s*"exported_on")')
_PEEK = 64_000
_ABOVE = 3
_SHOWN = 2


class Detected(NamedTuple):
    """The preset for a blog, and in words what told so."""

    preset: PresetName
    reason: str

    @property
    def note(self) -> str:
        """For the line about the source: ``preset hugo (hugo.toml and content/ are there)``."""
        return f"preset {self.preset} ({self.reason})"


def detect(names: Collection[str], read: Read) -> Detected:
    """Choose a preset by the ``names`` at the top of a blog, hidden ones too; folders may end in a slash.

    ``read`` is asked only where a name alone could mean two tools.
    """
    top = _Top(names, read)
    for preset, look in _LOOKS:
        found = look(top) if callable(look) else top.matching(look)
        if found:
            return Detected(preset, _words([top.shown(name) for name in found]) + _HINTS.get(preset, ""))
    return Detected("generic", "nothing at its top tells what it is made with")


def detect_at(place: Path) -> Detected:
    """Choose a preset for a folder, or for a file of posts. What tells may lie above a folder that is the posts' own.

    Raises OSError where it cannot be looked at.
    """
    if place.is_file():
        return detect([place.name], lambda name: _peek(place.parent, name))
    found = _detect_in(place)
    if found.preset != "generic":
        return found
    resolved = place.resolve()
    for above in resolved.parents[:_ABOVE]:
        try:
            told = _detect_in(above)
        except OSError:
            break
        if told.preset != "generic" and above in tops(resolved, told.preset):
            return Detected(told.preset, f"{told.reason}, above it")
    return found


def tops(place: Path, preset: str) -> list[Path]:
    """Where the top of a blog made with a tool may be: at ``place`` (resolved), or above it where that has its posts.

    It may be a path on the disk or inside of a repository.
    """
    rules = PRESETS[preset]
    above = [each for each in place.parents[:_ABOVE] if _has_posts(place.relative_to(each), rules)]
    return [place, *above]


def _has_posts(path: Path, rules: Preset) -> bool:
    return path.as_posix() in rules.folders or path.parts[0] in rules.inputs


def _detect_in(folder: Path) -> Detected:
    with os.scandir(folder) as entries:
        names = [f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries]
    return detect(names, lambda name: _peek(folder, name))


def _peek(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.is_file():  # a pipe would be waited for
        raise OSError(0, "it is no regular file")
    with path.open("rb") as file:
        return file.read(_PEEK)


class _Top:
    """What lies at the top of a blog, without its posts, which may be many and tell nothing."""

    def __init__(self, names: Iterable[str], read: Read) -> None:
        told = (name for name in sorted(names) if not name.endswith((".md", ".mdx", ".markdown")))
        self._shown = {name.rstrip("/"): name for name in told}
        self._read = read

    def __contains__(self, name: str) -> bool:
        return name in self._shown

    def matching(self, pattern: str) -> list[str]:
        return [name for name in self._shown if re.fullmatch(pattern, name)]

    def having(self, *names: str) -> list[str]:
        return [name for name in names if name in self]

    def holds(self, name: str, pattern: re.Pattern[bytes]) -> bool:
        """Whether a file is there in which something stands."""
        try:
            return name in self and pattern.search(self._read(name)) is not None
        except OSError:
            return False

    def readable(self, path: str) -> bool:
        """Whether there is a file below the top."""
        try:
            return bool(self._read(path))
        except OSError:
            return False

    def shown(self, name: str) -> str:
        return self._shown[name]


def _zola(top: _Top) -> list[str]:
    """Zola's config.toml may be Hugo's as well, which calls its address otherwise."""
    if top.holds("config.toml", _ZOLA_KEY):
        return top.having("config.toml", "content", "templates")
    return top.having("zola.toml")


def _hugo(top: _Top) -> list[str]:
    found = top.having(*_HUGO_NAMES)[:1]
    if found and found[0].startswith("config."):
        beside = top.having(*_HUGO_FOLDERS)
        return [*found, *beside] if beside or top.holds(found[0], _HUGO_KEY) else []
    if not found and top.having("config") and top.having("content"):
        sure = top.having(*_HUGO_FOLDERS) or any(top.readable(f"config/_default/{name}") for name in _HUGO_NAMES)
        found = ["config"] if sure else []
    return [*found, *top.having("content")] if found else []


def _jekyll(top: _Top) -> list[str]:
    config, posts = top.matching(r"_config\.(?:ya?ml|toml)"), top.having("_posts")
    if posts or not config:
        return [*config, *posts]
    beside = top.having("_layouts", "_includes", "_sass", "Gemfile")
    return [*config, *beside] if beside else []


def _ghost(top: _Top) -> list[str]:
    named = top.matching(r".*\.ghost\..*\.json")
    return named or [name for name in top.matching(r"[^.].*\.json")[:3] if top.holds(name, _GHOST)]


def _words(names: list[str]) -> str:
    shown = names[:_SHOWN]
    return f"{' and '.join(shown)} {'is' if len(shown) == 1 else 'are'} there"


_LOOKS: tuple[tuple[PresetName, str | Callable[[_Top], list[str]]], ...] = (
    ("keystatic", r"keystatic\.config\.\w+"),
    ("astro", r"astro\.config\.\w+"),
    ("docusaurus", r"docusaurus\.config\.\w+"),
    ("eleventy", r"\.eleventy\.c?js|eleventy\.config\.\w+"),
    ("pelican", r"pelicanconf\.py"),
    ("quarto", r"_quarto\.ya?ml"),
    ("mkdocs", r"mkdocs\.ya?ml"),
    ("zola", _zola),
    ("hugo", _hugo),
    ("jekyll", _jekyll),
    ("obsidian", r"\.obsidian"),
    ("ghost", _ghost),
)
_HINTS: Mapping[str, str] = {"obsidian": ", so only notes with publish: true count"}
