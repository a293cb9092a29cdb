"""The rules by which Markdown reads what MDX adds: imports, comments, expressions and components."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, MutableMapping
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

MARKER = "<!-- more -->"
_MAX_TAG = 4000
_MAX_FAILURES = 200
_MAX_OPEN = 50
_MODULE = re.compile(
    r"import\s*(?:[\"']|[\w*{][^;]*?\bfrom\s*[\"'])|import\s*\{|"
    r"export\s+(?:default|const|let|var|async|function|class)\b|export\s*[{*]"
)
_ATTRIBUTES = r"""(?:[^<>"'{}]|"[^"]*"|'[^']*'|\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*+"""
_TAG = re.compile(rf"<(/?)([A-Z][\w.]*|(?=>))({_ATTRIBUTES})>")
_ELEMENT = re.compile(rf"<([a-z][\w-]*)(\s{_ATTRIBUTES})>")
_EXPRESSION = re.compile(r"\s[\w:-]+=\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\{[^{}]*\}")
_COMMENT = re.compile(r"\{\s*/\*(.*?)\*/\s*\}", re.DOTALL)
_LITERAL = re.compile(r"""\{\s*(?:"([^"\\]*)"|'([^'\\]*)'|`([^`\\$]*)`|(-?\d+(?:\.\d+)?))\s*\}""")
_MORE = re.compile(r"\s*(?:more|truncate|excerpt)\s*", re.IGNORECASE)


def mdx_plugin(md: MarkdownIt) -> None:
    """Take out imports, exports, comments and expressions, unwrap components with children, drop the others.

    Code is never touched, for it is Markdown's own rules that find it. ``env["dropped"]`` counts components.
    """
    md.disable("code")  # MDX has no indented code: what is indented is in a component
    md.block.ruler.before("table", "mdx_module", _module)
    md.block.ruler.before("table", "mdx_block", _block, {"alt": ["paragraph", "reference", "blockquote"]})
    md.inline.ruler.before("autolink", "mdx_inline", _inline)


def _module(state: StateBlock, start: int, end: int, _silent: bool) -> bool:
    """Lines of JavaScript up to a blank one, with their brackets closed if they close at all."""
    if state.level or state.blkIndent or state.sCount[start]:
        return False
    begin = state.bMarks[start]
    if not _MODULE.match(state.src, begin, min(begin + _MAX_TAG, state.eMarks[end - 1])):
        return False
    depth, blank = 0, end
    for line in range(start, end):
        text = state.src[state.bMarks[line] : state.eMarks[line]]
        depth += sum(text.count(mark) for mark in "{[(") - sum(text.count(mark) for mark in "}])")
        if state.isEmpty(line):
            blank = min(blank, line)
            if depth <= 0 or line - blank > _MAX_OPEN:
                break
    state.line = line if depth <= 0 and state.isEmpty(line) else blank if depth > 0 else end
    return True


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Components or comments that have their lines to themselves."""
    position = state.bMarks[start] + state.tShift[start]
    # In a quote or a list, further lines have markers of their own: only the first is looked at.
    limit = state.eMarks[end - 1] if state.level == 0 else state.eMarks[start]
    dropped, marker, following = 0, False, state.src[position : position + 1]
    while following not in ("", "\n"):
        if following not in ("<", "{"):
            return False
        match = _at(state.env, _COMMENT if following == "{" else _TAG, state.src, position, limit)
        if match is None:
            return False
        if match.re is _TAG:
            dropped += _is_dropped(match)
        else:
            marker = marker or _MORE.fullmatch(match[1]) is not None
        position = _after_blanks(state.src, match.end())
        following = state.src[position : position + 1]
    if not silent:
        state.env["dropped"] = state.env.get("dropped", 0) + dropped
        state.line = start + 1 + state.src.count("\n", state.bMarks[start], position)
        if marker:
            state.push("html_block", "", 0).content = MARKER
    return True


def _inline(state: StateInline, silent: bool) -> bool:
    """A component, an element with expressions in it, a comment or an expression within a paragraph."""
    opening = state.src[state.pos]
    if opening == "<":
        match = _at(state.env, _TAG, state.src, state.pos, state.posMax)
        if match is not None:
            if not silent:
                state.env["dropped"] = state.env.get("dropped", 0) + _is_dropped(match)
            state.pos = match.end()
            return True
        match = _at(state.env, _ELEMENT, state.src, state.pos, state.posMax)
        if match is None or "{" not in match[2]:
            return False
        if not silent and not (match[1] == "img" and re.search(r"\ssrc=\{", match[2])):
            state.push("html_inline", "", 0).content = f"<{match[1]}{_EXPRESSION.sub('', match[2])}>"
        state.pos = match.end()
        return True
    if opening != "{":
        return False
    end = _closing(state).get(state.pos)
    if end is None:
        return False
    literal = _LITERAL.fullmatch(state.src, state.pos, end)
    if not silent and literal is not None:
        state.append_pending(next(group for group in literal.groups() if group is not None))
    state.pos = end
    return True


def _at(
    env: MutableMapping[str, Any], pattern: re.Pattern[str], source: str, position: int, limit: int
) -> re.Match[str] | None:
    """Match here, unless that was in vain too often: a hostile post must not make each ``<`` cost a look ahead."""
    failures: Counter[re.Pattern[str]] = env.setdefault("mdx_failures", Counter())
    if failures[pattern] > _MAX_FAILURES:
        return None
    match = pattern.match(source, position, min(position + _MAX_TAG, limit))
    failures[pattern] += match is None
    return match


def _is_dropped(tag: re.Match[str]) -> bool:
    return tag[3].endswith("/")


def _after_blanks(source: str, position: int) -> int:
    while source[position : position + 1] in (" ", "\t"):
        position += 1
    return position


def _closing(state: StateInline) -> Mapping[int, int]:
    """Where each opening brace of this text is closed, found in one pass that is kept with the text."""
    source, ends = state.env.get("mdx_braces", ("", {}))
    if source is not state.src:
        opened: list[int] = []
        ends = {}
        for match in re.finditer(r"[{}]", state.src):
            if match[0] == "{":
                opened.append(match.start())
            elif opened:
                ends[opened.pop()] = match.end()
        state.env["mdx_braces"] = (state.src, ends)
    found: Mapping[int, int] = ends
    return found
