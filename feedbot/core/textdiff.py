"""Shows what an edit changed in the text of an entry."""

from __future__ import annotations

import difflib

from feedbot.core import html
from feedbot.core.text import one_line, shorten
from feedbot.model import Content

_MAX_LINES = 2000
_MAX_SHOWN = 100
_MAX_LINE = 500


def text_diff(before: Content, after: Content) -> str:
    """A unified diff of title and text as readers see them, a block a line; "" where they are equal."""
    lines = list(difflib.unified_diff(_lines(before), _lines(after), "before", "after", n=1, lineterm=""))
    shown = [shorten(line, _MAX_LINE) for line in lines[:_MAX_SHOWN]]
    if len(lines) > _MAX_SHOWN:
        shown.append(f"… {len(lines) - _MAX_SHOWN} more lines")
    return "\n".join(shown)


def _lines(content: Content) -> list[str]:
    return [one_line(content.title), *html.to_lines(content.content or content.summary)[:_MAX_LINES]]
