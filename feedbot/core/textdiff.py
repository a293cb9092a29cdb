"""Shows what an edit changed in the text of an entry."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from feedbot.core import html
from feedbot.core.text import one_line, shorten
from feedbot.model import Content

_MAX_LINES = 2000
_MAX_SHOWN = 100
_MAX_LINE = 500
_BEFORE = 80  # characters of a long line that are shown before what changed in it
_MAX_WORDS = 400  # that are compared within a line
_ALIKE = 0.3  # lines that share less than this part of their words are two lines, not one that was edited

Words = tuple[tuple[str, bool], ...]
"""Text in parts, each with whether it was changed."""


class Line(Struct, frozen=True):
    """A line of a difference. ``mark`` is "-", "+", " ", or "@" for a place; ``words`` are its text in parts."""

    mark: str
    words: Words

    @property
    def text(self) -> str:
        return "".join(text for text, _ in self.words)


def text_diff(before: Content, after: Content) -> str:
    """A unified diff of title and text as readers see them, a block a line; "" where they are equal.

    Of long lines it shows the part in which they differ.
    """
    lines = list(difflib.unified_diff(_lines(before), _lines(after), "before", "after", n=1, lineterm=""))
    shown = [shorten(line, _MAX_LINE) for line in [*lines[:2], *_from_changes(lines[2:])][:_MAX_SHOWN]]
    if len(lines) > _MAX_SHOWN:
        shown.append(f"… {len(lines) - _MAX_SHOWN} more lines")
    return "\n".join(shown)


def changed_words(before: Content, after: Content) -> list[Line]:
    """The lines of the same difference, with the words that changed in lines that were edited."""
    lines = list(difflib.unified_diff(_lines(before), _lines(after), n=1, lineterm=""))[2:]
    return list(_with_words([(line[:1], line[1:]) for line in lines]))


def _from_changes(lines: Sequence[str]) -> list[str]:
    """The same lines, but long ones that stand for each other begin shortly before they differ."""
    shown = list(lines)
    marks = [(line[:1], line[1:]) for line in lines]
    index = 0
    while index < len(lines):
        removed = _run(marks, index, "-")
        added = _run(marks, index + len(removed), "+")
        for number, (old, new) in enumerate(zip(removed, added, strict=False), start=index):
            if max(len(old), len(new)) >= _MAX_LINE:
                for place, line in ((number, old), (number + len(removed), new)):
                    shown[place] = f"{lines[place][0]}{_later(line, _common(old, new) - _BEFORE)}"
        index += max(len(removed) + len(added), 1)
    return shown


def _later(line: str, start: int) -> str:
    """A line from a place on, at a word where one is near."""
    if start <= 0:
        return line
    space = line.find(" ", start, start + _BEFORE // 2)
    return f"…{line[max(start, space + 1) :]}"


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many items two rows have in common at their beginning."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


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
    start = _common(one, other)
    end = _common(one[start:][::-1], other[start:][::-1])
    inner, others = one[start : len(one) - end], other[start : len(other) - end]
    parts: Sequence[tuple[str, int, int, int, int]] = [("replace", 0, len(inner), 0, len(others))]
    if max(len(inner), len(others)) <= _MAX_WORDS:
        parts = difflib.SequenceMatcher(None, inner, others, autojunk=False).get_opcodes()
    equal = start + end + sum(b - a for kind, a, b, _, _ in parts if kind == "equal")
    if 2 * equal < _ALIKE * (len(one) + len(other)):
        return ((old, True),), ((new, True),)
    left = [("".join(inner[a:b]), kind != "equal") for kind, a, b, _, _ in parts if b > a]
    right = [("".join(others[c:d]), kind != "equal") for kind, _, _, c, d in parts if d > c]
    before = [("".join(one[:start]), False)] if start else []
    behind = [("".join(one[len(one) - end :]), False)] if end else []
    return (*before, *left, *behind), (*before, *right, *behind)


def _lines(content: Content) -> list[str]:
    return [one_line(content.title), *html.to_lines(content.content or content.summary)[:_MAX_LINES]]
