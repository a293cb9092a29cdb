"""Reads the tags of Markdoc and of Liquid, Jinja and Nunjucks, which share their brackets: ``{% tag %}``."""

from __future__ import annotations

import posixpath
import re

from feedbot.sources.posts.syntax.tags import Found, Post, Tag, attributes

_TAG = re.compile(r"""\{%[-+~]?((?:[^"'%]|"[^"]*"|'[^']*'|%(?!\}))*+)%\}""")
_NAME = re.compile(r"(/?)\s*([A-Za-z][\w.-]*)")
_VERBATIM = re.compile(r"\{%[-+~]?\s*(raw|verbatim|comment|highlight)\b([^%]*)%\}")
_CONTROL = frozenset(
    "if unless else elsif elif elseif case when for empty tablerow assign capture cycle increment decrement break "
    "continue set block extends macro import from call filter layout paginate liquid echo autoescape with raw verbatim "
    "comment".split()
)
_INCLUDES = frozenset({"include", "include_relative", "include_cached", "render", "partial"})


class Percent:
    """Tags in ``{% %}``: those of Markdoc, of Liquid, or of both."""

    lead = "{%"

    def __init__(self, *, liquid: bool, markdoc: bool, site: str) -> None:
        self._liquid = liquid
        self._markdoc = markdoc
        self._site = site

    def scan(self, source: str, position: int, limit: int, post: Post) -> Found | None:
        if self._liquid and (verbatim := _verbatim(source, position, limit, post)) is not None:
            return verbatim
        match = post.match(_TAG, source, position, limit)
        if match is None:
            return None
        inside = match[1].rstrip("-+~").strip()
        named = _NAME.match(inside)
        if named is None or re.match(r"[\w-]+\s*=", inside):  # a variable, or an annotation of what stands before
            return match.end(), None
        name, rest = named[2], inside[named.end() :]
        if self._liquid and not named[1]:
            if name in ("post_url", "link"):
                return match.end(), self._address(rest.strip(), post, path=name == "link")
            if name in _INCLUDES:
                return match.end(), _included(rest, post)
            if name.removeprefix("end") in _CONTROL:
                return match.end(), None
            if name.startswith("end") and len(name) > 3:
                return match.end(), Tag(name[3:], "close", scope="%", line=post.line)
        if named[1]:
            return match.end(), Tag(name, "close", scope="%", line=post.line)
        void = self._markdoc and rest.endswith("/")
        given = attributes(rest.removesuffix("/") if void else rest)
        return match.end(), Tag(name, "void" if void else "open", given, "%", post.line)

    def _address(self, name: str, post: Post, *, path: bool) -> str:
        found = post.by_name(name)
        if found is None and path and not name.startswith("_") and self._site:
            return f"{self._site}/{name.lstrip('/')}"
        return found if found is not None else post.address(name)


def _verbatim(source: str, position: int, limit: int, post: Post) -> Found | None:
    """What Liquid does not look into, within a paragraph."""
    match = _VERBATIM.match(source, position, limit)
    if match is None:
        return None
    end = post.search(re.compile(rf"\{{%[-+~]?\s*end{match[1]}\s*[-+~]?%\}}"), source, match.end(), limit)
    if end is None:
        return None
    inside = source[match.end() : end.start()]
    return end.end(), None if match[1] == "comment" else inside


def _included(rest: str, post: Post) -> Tag | None:
    """A file of the site's own, taken for the component of its name: ``{% include youtube.html id="x" %}``."""
    given = attributes(rest)
    file = given.pop("0", "")
    name = posixpath.basename(file).partition(".")[0]
    return Tag(name, "void", given, "include", post.line, file) if name else None
