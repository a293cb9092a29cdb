"""Reads notes that stand out: ``:::note``, ``::: {.callout-tip}``, ``!!! note``, ``??? note``, ``> [!NOTE]``."""

from __future__ import annotations

import html
import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from feedbot.sources.posts.syntax.tags import Desk, Tag, attributes, push_tag

_KINDS = frozenset(
    "note tip info warning danger caution important success hint attention error question help faq failure fail "
    "missing bug example quote cite abstract summary tldr todo check done secondary seealso".split()
)
_COLONS = re.compile(r":{3,}[ \t]*(?:\{([^{}]*)\}|([A-Za-z][\w-]*)?(?:\[(.*)\])?(?:\{([^{}]*)\})?[ \t]*(.*?))[ \t]*:*$")
_MARKS = re.compile(r'(!!!|\?\?\?\+?|===[!+]*)[ \t]+(?:([\w-]+)(?:[ \t]+[\w-]+)*)?[ \t]*(?:"(.*)")?[ \t]*$')
_ALERT = re.compile(r"\[!([A-Za-z][\w-]*)(?:\|[^\]]*)?\]([+-]?)(?:[ \t]+([^\n]*))?(?:\n|$)")
_HEADING = re.compile(r"#{1,6}[ \t]+(.+?)[ \t]*#*$")
_ENDS = ["paragraph", "reference", "blockquote", "list"]


def colons_plugin(md: MarkdownIt, desk: Desk) -> None:
    """``:::kind Title`` up to ``:::``; those of a kind that is not known are unwrapped."""

    def block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        position, limit = state.bMarks[start] + state.tShift[start], state.eMarks[start]
        if not state.src.startswith(":::", position) or state.is_code_block(start):
            return False
        line = state.src[position:limit].rstrip()
        match = _COLONS.match(line)
        if match is None:
            return False
        if silent:
            return True
        state.line = start + 1
        source = f"<p>{html.escape(line)}</p>\n"
        if not line.strip(": \t"):
            push_tag(state, Tag("", "close", {}, ":::", start, source), desk.post)
            return True
        kind, title = _described(match)
        if kind is None:
            push_tag(state, Tag("", "open", {}, ":::", start, source), desk.post)
            return True
        following = _HEADING.match(state.src, state.bMarks[start + 1], state.eMarks[start + 1]) if not title else None
        if following is not None and start + 1 < end:
            title, state.line = following[1], start + 2
        around = _around(kind)
        push_tag(state, Tag("", "open", {"before": around[0], "after": around[1]}, ":::", start, source), desk.post)
        _title(state, kind, title, start)
        return True

    md.block.ruler.before("fence", "colons", block, {"alt": _ENDS})


def marks_plugin(md: MarkdownIt) -> None:
    """``!!! kind "Title"``, ``??? kind`` and ``=== "Tab"``, with what is indented below."""

    def block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        position, limit = state.bMarks[start] + state.tShift[start], state.eMarks[start]
        if state.src[position : position + 3] not in ("!!!", "???", "===") or state.is_code_block(start):
            return False
        match = _MARKS.match(state.src[position:limit])
        if match is None or not (match[2] or match[3]) or (match[1][0] == "=" and (match[2] or not match[3])):
            return False
        if silent:
            return True
        last = start + 1
        while last < end and (state.isEmpty(last) or state.sCount[last] >= state.blkIndent + 4):
            last += 1
        kind = "details" if match[1][0] == "?" else "tab" if match[1][0] == "=" else (match[2] or "note")
        title = match[3] if match[3] is not None else _capital(match[2] or "")
        before, after = _around(kind)
        state.push("html_block", "", 0).content = before
        if title:
            _title(state, kind, title, start)
        old = state.lineMax, state.parentType, state.blkIndent
        state.lineMax, state.parentType, state.blkIndent = last, "admonition", state.blkIndent + 4
        state.md.block.tokenize(state, start + 1, last)
        state.lineMax, state.parentType, state.blkIndent = old
        state.push("html_block", "", 0).content = after
        state.line = last
        return True

    md.block.ruler.before("fence", "marks", block, {"alt": _ENDS})


def alerts_plugin(md: MarkdownIt) -> None:
    """``> [!NOTE] Title``, which is a quote with a title; one that can be folded (``[!NOTE]-``) is shown open."""

    def core(state: StateCore) -> None:
        if "[!" in state.src:
            state.tokens = [each for at, token in enumerate(state.tokens) for each in _alert(state.tokens, at, token)]

    md.core.ruler.after("block", "alerts", core)


def _alert(tokens: list[Token], at: int, token: Token) -> list[Token]:
    if token.type != "paragraph_open" or at == 0 or tokens[at - 1].type != "blockquote_open":
        return [token]
    content = tokens[at + 1]
    match = _ALERT.match(content.content)
    if match is None:
        return [token]
    title = _titled(match[3] or _capital(match[1]), token.map[0] if token.map else 0)
    content.content = content.content[match.end() :]
    token.hidden = tokens[at + 2].hidden = not content.content
    return [*title, token]


def _described(match: re.Match[str]) -> tuple[str | None, str]:
    """The kind of a ``:::`` block, None for one that is only a box, and its title."""
    braced, name, bracketed, options, rest = match.groups()
    if braced is not None:
        given = attributes(braced)
        classes = [value.lstrip(".") for key, value in given.items() if key.isdigit()]
        kind = next((each.removeprefix("callout-") for each in classes if each.startswith("callout-")), None)
        if kind is None:
            kind = next((each for each in classes if each in _KINDS or each == "details"), None)
        if kind is not None and given.get("collapse") == "true":
            return "details", given.get("title") or _capital(kind)
        return kind, given.get("title", "")
    title = bracketed or rest or attributes(options or "").get("title", "")
    kind = (name or "").lower()
    return (kind if kind in _KINDS or kind == "details" else None), title


def _around(kind: str) -> tuple[str, str]:
    if kind == "details":
        return "<details>", "</details>\n"
    return ("", "") if kind == "tab" else ("<blockquote>\n", "</blockquote>\n")


def _title(state: StateBlock, kind: str, title: str, line: int) -> None:
    if kind == "details":
        state.tokens += _titled(title or "Details", line, tag="summary", strong=False)
    else:
        state.tokens += _titled(title or _capital(kind), line)


def _titled(title: str, line: int, *, tag: str = "p", strong: bool = True) -> list[Token]:
    inline = Token("inline", "", 0, content=title, map=[line, line + 1], children=[], meta={"strong": strong})
    return [Token("title_open", tag, 1, block=True), inline, Token("title_close", tag, -1, block=True)]


def _capital(kind: str) -> str:
    return kind.replace("-", " ").capitalize()
