"""Reads the shortcodes of Zola: ``{{ youtube(id="x") }}`` and ``{% quote(author="x") %} ... {% end %}``."""

from __future__ import annotations

import re

from feedbot.sources.posts.syntax.tags import Found, Post, Tag, attributes

_CALL = r"""\s*([A-Za-z_][\w:]*)\s*\(((?:[^"'()]|"[^"]*"|'[^']*')*+)\)\s*"""
_VALUE = re.compile(rf"\{{\{{{_CALL}\}}\}}")
_SHOWN = re.compile(r"\{([{%])/\*([^{}]*)\*/([}%])\}")
_BLOCK = re.compile(rf"\{{%-?(?:{_CALL}|\s*(end)\s*)-?%\}}")


class Call:
    """A shortcode without a body."""

    lead = "{{"

    def scan(self, source: str, position: int, limit: int, post: Post) -> Found | None:
        if source.startswith("/*", position + 2):
            return _shown(source, position, limit, post)
        match = post.match(_VALUE, source, position, limit)
        if match is None:
            return None
        return match.end(), Tag(match[1], "void", attributes(match[2]), "zola", post.line)


class Block:
    """A shortcode with a body; each ends with the same word."""

    lead = "{%"

    def scan(self, source: str, position: int, limit: int, post: Post) -> Found | None:
        if source.startswith("/*", position + 2):
            return _shown(source, position, limit, post)
        match = post.match(_BLOCK, source, position, limit)
        if match is None:
            return None
        if match[3]:
            return match.end(), Tag("", "close", scope="zola", line=post.line)
        return match.end(), Tag(match[1], "open", attributes(match[2]), "zola", post.line)


def _shown(source: str, position: int, limit: int, post: Post) -> Found | None:
    """A shortcode that is written to be shown: ``{{/* youtube(id="x") */}}``."""
    match = post.match(_SHOWN, source, position, limit)
    return None if match is None else (match.end(), f"{{{match[1]}{match[2]}{match[3]}}}")
