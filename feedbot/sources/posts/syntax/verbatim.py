"""Reads the blocks of templates in which nothing is read: highlighted code, comments, and what is shown raw."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock

from feedbot.sources.posts.syntax.tags import MAX_TAG, Desk

LIQUID = re.compile(r"\{%[-+~]?\s*(raw|verbatim|comment|highlight)\b[ \t]*[\"']?([\w+#.-]*)[^%\n]*%\}")
SHORTCODE = re.compile(r"\{\{([<%])\s*(highlight|comment)\b[ \t]*\"?([\w+#.-]*)[^{}\n]*[>%]\}\}")


def verbatim_plugin(md: MarkdownIt, desk: Desk, openings: Sequence[re.Pattern[str]]) -> None:
    """Make ``highlight`` a fence, leave ``comment`` out, and read no tags between ``raw`` and ``endraw``."""

    def block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        position = state.bMarks[start] + state.tShift[start]
        if not state.src.startswith("{", position) or state.is_code_block(start):
            return False
        limit = min(position + MAX_TAG, state.eMarks[start])
        opening = next((found for each in openings if (found := each.match(state.src, position, limit))), None)
        if opening is None or any(start in lines for lines in desk.post.literal_lines):
            return False
        shortcode = opening.re is SHORTCODE
        kind, language = (opening[2], opening[3]) if shortcode else (opening[1], opening[2])
        closing = rf"\{{\{{[<%]\s*/\s*{kind}\s*[>%]\}}\}}" if shortcode else rf"\{{%[-+~]?\s*end{kind}\s*[-+~]?%\}}"
        close = desk.post.search(re.compile(closing), state.src, opening.end(), state.eMarks[end - 1])
        if close is None or state.src[close.end() : state.eMarks[_line_of(state, close.start(), start)]].strip():
            return False
        last = _line_of(state, close.start(), start)
        if kind in ("raw", "verbatim"):
            if last == start or state.src[opening.end() : state.eMarks[start]].strip():
                return False
            if not silent:
                desk.post.literal_lines.append(range(start + 1, last))
                state.line = start + 1
            return True
        if not silent:
            state.line = last + 1
            if kind == "highlight":
                _fence(state, start, last, language, opening.end(), close.start())
        return True

    md.block.ruler.before("tags", "verbatim", block, {"alt": ["paragraph", "reference", "blockquote", "list"]})


def _fence(state: StateBlock, start: int, last: int, language: str, begin: int, end: int) -> None:
    token = state.push("fence", "code", 0)
    token.info, token.markup, token.map = language, "```", [start, last + 1]
    if start == last:
        token.content = state.src[begin:end].strip() + "\n"
        return
    same_line = state.src[begin : state.eMarks[start]].strip()
    before = state.src[state.bMarks[last] : end]
    token.content = (f"{same_line}\n" if same_line else "") + state.getLines(start + 1, last, state.blkIndent, True)
    token.content += before.rstrip() + "\n" if before.strip() else ""


def _line_of(state: StateBlock, position: int, start: int) -> int:
    return start + state.src.count("\n", state.eMarks[start], position)
