"""Finds the images beside posts that are published with the feeds, named by their content."""

from __future__ import annotations

import hashlib
import os
import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote, urlsplit

from feedbot.core.present import ASSET
from feedbot.model import Problem
from feedbot.sources.posts.scan import IMAGES, Found, inside

MAX_IMAGE = 20_000_000

Mode = Literal["copy", "link", "drop"]


@dataclass
class Assets:
    """The images that one reading of a blog met. ``files`` maps each name to publish to where the file is."""

    mode: Mode
    root: str
    files: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)

    def image(self, post: Found, line: int, address: str) -> str | None:
        """The address for an image of a post: ``feedbot-asset:NAME?ORIGINAL`` (percent-encoded) for a copy.

        It stays as it is where it is not relative, no image or not there (a problem); None drops it.
        """
        relative = relative_path(address)
        if not relative or self.mode == "link":
            return address
        if self.mode == "drop":
            return None
        if not _is_image(relative):
            return address
        copied = self._copied(post, relative)
        if copied.startswith(ASSET):
            return f"{copied}?{quote(address, safe='')}"
        problem = Problem(
            f"{post.name}:{line}",
            f"the image {address} {copied}",
            "the post is published without it until it is put there",
        )
        if problem not in self.problems:
            self.problems.append(problem)
        return address

    def link(self, post: Found, address: str) -> str:
        """The address for a link: that of the copy where it leads to an image beside the post."""
        relative = relative_path(address)
        if self.mode != "copy" or not relative or not _is_image(relative):
            return address
        copied = self._copied(post, relative)
        return f"{copied}?{quote(address, safe='')}" if copied.startswith(ASSET) else address

    def _copied(self, post: Found, relative: str) -> str:
        """The name of the copy, or in words why there is none."""
        try:
            path = os.path.realpath(Path(post.path).parent / relative)
            if not inside(path, self.root):
                return "is outside of the folder"
            if path not in self._names:
                if not Path(path).is_file():
                    return "does not exist"
                if Path(path).stat().st_size > MAX_IMAGE:
                    return f"is larger than {MAX_IMAGE // 1_000_000} MB"
                with Path(path).open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()[:32]
                self._names[path] = digest + posixpath.splitext(relative)[1].lower()
        except (OSError, ValueError) as error:
            return f"cannot be read: {getattr(error, 'strerror', None) or error}"
        self.files[self._names[path]] = path
        return ASSET + self._names[path]


def relative_path(address: str) -> str:
    """The file path in an address that is relative to the post's own folder, else ""."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if parts.scheme or parts.netloc or parts.path.startswith("/"):
        return ""
    return unquote(parts.path)


def _is_image(path: str) -> bool:
    return posixpath.splitext(path)[1].lower().removeprefix(".") in IMAGES
