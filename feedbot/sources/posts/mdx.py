"""The rules by which Markdown reads what MDX adds: imports, comments, expressions and components."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from feedbot.sources.posts.syntax.tags import MARKER, MAX_TAG, Desk, Found, Markup, Notation, Post, Tag

_MAX_OPEN = 50
_MODULE = re.compile(
    r"import\s*(?:[\"']|[\w*{][^;]*?\bfrom\s*[\"'])|import\s*\{|"
    r"export\s+(?:default|const|let|var|async|function|class)\b|export\s*[{*]"
)
_IMPORT = re.compile(r"""^import\s+(\w+)\s+from\s*["']([^"'\n]+)["']""", re.MULTILINE)
_BRACES = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
_WITHIN = rf"""(?:[^<>"'{{}}]|"[^"]*"|'[^']*'|{_BRACES})*+"""
_TAG = re.compile(rf"<(/?)([A-Z][\w.]*|(?=/?>))({_WITHIN})>")
_ELEMENT = re.compile(rf"<([a-z][\w-]*)(\s{_WITHIN})>")
_ATTRIBUTE = re.compile(rf"""([A-Za-z_][\w:-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|({_BRACES})))?""")
_EXPRESSION = re.compile(rf"\s([\w:-]+)=({_BRACES})|\{{[^{{}}]*\}}")
_COMMENT = re.compile(r"\{\s*/\*(.*?)\*/\s*\}", re.DOTALL)
_LITERAL = re.compile(r"""\{\s*(?:"([^"\\]*)"|'([^'\\]*)'|`([^`\\$]*)`|(-?\d+(?:\.\d+)?))\s*\}""")
_IMPORTED = re.compile(r"""\{\s*(?:(\w+)(?:\.src)?|require\(\s*["']([^"']+)["']\s*\)(?:\.default)?)\s*\}""")
_MORE = re.compile(r"\s*(?:more|truncate|(?:end\s?)?excerpt)\s*", re.IGNORECASE)


def mdx_plugin(md: MarkdownIt, desk: Desk) -> None:
    """Take out imports and exports; what is in braces and components is for ``notations``."""

    def module(state: StateBlock, start: int, end: int, _silent: bool) -> bool:
        return _module(state, start, end, desk.post)

    md.disable("code")  # MDX has no indented code: what is indented is in a component
    md.block.ruler.before("table", "mdx_module", module)


def notations() -> tuple[Notation, ...]:
    """How MDX writes components, comments and expressions."""
    return (_Jsx(), _Element(), _Braces())


class _Jsx:
    """``<Name a="b" c={1}>``, ``</Name>``, ``<Name />``, and ``<>``, which has no name."""

    lead = "<"

    def scan(self, source: str, position: int, limit: int, post: Post) -> Found | None:
        following = source[position + 1 : position + 2]
        if not (following.isupper() or following in "/>"):
            return None
        match = post.match(_TAG, source, position, limit)
        if match is None:
            return None
        closing, name, within = match.groups()
        alone = within.endswith("/")
        kind: Literal["open", "close", "void"] = "close" if closing else "void" if alone else "open"
        return match.end(), Tag(name, kind, _attributes(within, post.imports), "jsx", post.line)


class _Element:
    """An HTML element with expressions in its attributes, which stay where they are literals."""

    lead = "<"

    def scan(self, source: str, position: int, limit: int, post: Post) -> Found | None:
        match = post.match(_ELEMENT, source, position, limit)
        if match is None or "{" not in match[2]:
            return None

        def attribute(found: re.Match[str]) -> str:
            value = _value(found[2], post.imports) if found[2] else None
            return "" if value is None else f' {found[1]}="{html.escape(value)}"'

        within = _EXPRESSION.sub(attribute, match[2])
        if match[1] == "img" and not re.search(r"\ssrc=", within):
            return match.end(), _attributes(match[2], post.imports).get("alt")
        return match.end(), Markup(f"<{match[1]}{within}>")


class _Braces:
    """``{/* comment */}`` and ``{expression}``, of which only what is written out is known."""

    lead = "{"

    def __init__(self) -> None:
        self._read: tuple[str, Mapping[int, int]] = ("", {})

    def scan(self, source: str, position: int, limit: int, post: Post) -> Found | None:
        comment = post.match(_COMMENT, source, position, limit)
        if comment is not None:
            return comment.end(), MARKER if _MORE.fullmatch(comment[1]) else None
        if self._read[0] is not source:
            self._read = (source, _closing(source))
        end = self._read[1].get(position)
        if end is None or end > limit:
            return None
        return end, _literal(source[position:end])


def _module(state: StateBlock, start: int, end: int, post: Post) -> bool:
    """Lines of JavaScript up to a blank one, with their brackets closed if they close at all."""
    if state.level or state.blkIndent or state.sCount[start]:
        return False
    begin = state.bMarks[start]
    if not _MODULE.match(state.src, begin, min(begin + MAX_TAG, state.eMarks[end - 1])):
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
    post.imports.update(_IMPORT.findall(state.src[begin : state.eMarks[state.line - 1]]))
    return True


def _attributes(source: str, imports: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, double, single, braces in _ATTRIBUTE.findall(source):
        value = _value(braces, imports) if braces else double or single
        if value:
            found.setdefault(name, value)
    return found


def _value(braces: str, imports: Mapping[str, str]) -> str | None:
    """What an expression in braces stands for: a literal, or a file that was imported."""
    literal = _literal(braces)
    if literal is not None:
        return literal
    imported = _IMPORTED.fullmatch(braces)
    if imported is None:
        return None
    return imported[2] or imports.get(imported[1])


def _literal(braces: str) -> str | None:
    match = _LITERAL.fullmatch(braces)
    return None if match is None else next(group for group in match.groups() if group is not None)


def _closing(source: str) -> Mapping[int, int]:
    """Where each opening brace of a text is closed, found in one pass."""
    opened: list[int] = []
    ends: dict[int, int] = {}
    for match in re.finditer(r"[{}]", source):
        if match[0] == "{":
            opened.append(match.start())
        elif opened:
            ends[opened.pop()] = match.end()
    return ends
