"""Bounds what the text of a paragraph may cost: brackets within brackets take Markdown's parser very long."""

from __future__ import annotations

import re

from feedbot.sources.posts.syntax.tags import Desk

MAX_DEEP = 1000
"""Brackets of a post that are opened within ``_DEEP`` others; a paragraph beyond is shown as it is written."""
_DEEP = 8
_BRACKET = re.compile(r"[\[\]]")


def is_too_deep(content: str, desk: Desk) -> bool:
    """Whether a paragraph has more brackets within each other than is left of the post's allowance."""
    if content.count("[") <= _DEEP:
        return False
    depth = deep = 0
    for match in _BRACKET.finditer(content):
        depth = depth + 1 if match[0] == "[" else max(0, depth - 1)
        deep += depth > _DEEP and match[0] == "["
    desk.post.deep += deep
    return deep > 0 and desk.post.deep > MAX_DEEP
