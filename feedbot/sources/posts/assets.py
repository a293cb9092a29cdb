"""Tells what becomes of the images beside posts: copies named by their content, links, or nothing."""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Callable
from typing import Literal
from urllib.parse import quote, unquote, urljoin, urlsplit

from msgspec import Struct, field

from feedbot.core.present import ASSET
from feedbot.model import Problem
from feedbot.sources.posts.tree import IMAGES

Mode = Literal["copy", "link", "drop"]


class Images(Struct):
    """The images of one post, whose file is ``name``.

    ``copy`` answers with the name of an image's copy, or after "!" with why there is none, in words. ``base`` is
    where the site has the images beside this post, where that is not beside its address.
    """

    name: str
    mode: Mode
    base: str
    copy: Callable[[str], str]
    problems: list[Problem] = field(default_factory=list)

    def image(self, line: int, address: str) -> str | None:
        """The address for an image: ``feedbot-asset:NAME?ORIGINAL`` (percent-encoded) for a copy.

        It stays as it is where it is not relative, no image or not there (a problem); None drops it.
        """
        relative = relative_path(address)
        if not relative:
            return address
        if self.mode == "drop":
            return None
        if self.mode == "link":
            return self._linked(address)
        if not relative.lower().endswith(IMAGES):
            return address
        copied = self.copy(beside(self.name, relative))
        if not copied.startswith("!"):
            return f"{ASSET}{copied}?{quote(address, safe='')}" if copied else address
        problem = Problem(
            f"{self.name}:{line}",
            f"the image {address} {copied[1:]}",
            "put it there; until then the post shows it from where the site would have it",
        )
        if problem not in self.problems:
            self.problems.append(problem)
        return address

    def link(self, address: str) -> str:
        """The address for a link to an image: that of its copy, where there is one."""
        if self.mode == "copy":
            copied = self.copy(beside(self.name, relative_path(address)))
            return f"{ASSET}{copied}?{quote(address, safe='')}" if copied and not copied.startswith("!") else address
        return self._linked(address) if self.mode == "link" else address

    def _linked(self, address: str) -> str:
        return urljoin(self.base, address) if self.base else address


def is_image(address: str) -> bool:
    """Whether a relative address leads to an image."""
    return relative_path(address).lower().endswith(IMAGES)


def beside(name: str, relative: str) -> str:
    """The name of a file that the post ``name`` names from its own folder."""
    return unicodedata.normalize("NFC", posixpath.normpath(posixpath.join(posixpath.dirname(name), relative)))


def relative_path(address: str) -> str:
    """The file path in an address that is relative to the post's own folder, else ""."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme or parts.netloc or parts.path.startswith("/"):
        return ""
    return unquote(parts.path)
