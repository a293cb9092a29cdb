"""Shows what an edit changed in the text of an entry."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from feedbot.core import html
from feedbot.core.text import one_line, shorten
from feedbot.model import Content

_MAX_LINES = 2000
_MAX_SHOWN = 100
_MAX_LINE = 500
_MAX_WORDS = 400  # a line
_ALIKE = 0.3  # lines that share less than this part of their words are two lines, not one that was edited

Words = tuple[tuple[str, bool], ...]
"""Text in parts, each with whether it was changed."""


@dataclass(frozen=True)
class Line:
    """A line of a difference. ``mark`` is "-", "+", " ", or "@" for a place; ``words`` are its text in parts."""

    mark: str
    words: Words

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.words)


def text_diff(before: Content, after: Content) -> str:
    """A unified diff of title and text as readers see them, a block a line; "" where they are equal."""
    lines = list(difflib.unified_diff(_lines(before), _lines(after), "before", "after", n=1, lineterm=""))
    shown = [shorten(line, _MAX_LINE) for line in lines[:_MAX_SHOWN]]
    if len(lines) > _MAX_SHOWN:
        shown.append(f"… {len(lines) - _MAX_SHOWN} more lines")
    return "\n".join(shown)


def changed_words(before: Content, after: Content) -> list[Line]:
    """The lines of the same difference, with the words that changed in lines that were edited."""
    lines = list(difflib.unified_diff(_lines(before), _lines(after), n=1, lineterm=""))[2:]
    return list(_with_words([(line[:1], line[1:]) for line in lines]))


def _with_words(lines: Sequence[tuple[str, str]]) -> Iterator[Line]:
    index = 0
    while index < len(lines):
        mark, text = lines[index]
        if mark != "-":
            yield Line(mark, ((f"@{text}" if mark == "@" else text, mark == "+"),))
            index += 1
            continue
        removed = _run(lines, index, "-")
        added = _run(lines, index + len(removed), "+")
        pairs = [_pair(old, new) for old, new in zip(removed, added, strict=False)]
        yield from (Line("-", old) for old, _ in pairs)
        yield from (Line("-", ((text, True),)) for text in removed[len(pairs) :])
        yield from (Line("+", new) for _, new in pairs)
        yield from (Line("+", ((text, True),)) for text in added[len(pairs) :])
        index += len(removed) + len(added)


def _run(lines: Sequence[tuple[str, str]], start: int, mark: str) -> list[str]:
    end = start
    while end < len(lines) and lines[end][0] == mark:
        end += 1
    return [text for _, text in lines[start:end]]


def _pair(old: str, new: str) -> tuple[Words, Words]:
    """Two lines that stand for each other, in parts that are equal and parts that differ."""
    one, other = re.findall(r"\s+|\w+|[^\w\s]", old), re.findall(r"\s+|\w+|[^\w\s]", new)
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    if max(len(one), len(other)) > _MAX_WORDS or matcher.ratio() < _ALIKE:
        return ((old, True),), ((new, True),)
    left: list[tuple[str, bool]] = []
    right: list[tuple[str, bool]] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        left += [("".join(one[a:b]), kind != "equal")] if b > a else []
        right += [("".join(other[c:d]), kind != "equal")] if d > c else []
    return tuple(left), tuple(right)


def _lines(content: Content) -> list[str]:
    return [one_line(content.title), *html.to_lines(content.content or content.summary)[:_MAX_LINES]]
