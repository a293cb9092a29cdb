"""Reads plain paragraphs quickly: what Markdown's own parser would make of them, at a fraction of what it costs.

Most of what people write is words, with an emphasised one, a piece of code or a link here and there. Whatever might
mean anything else in any dialect is left to the parser.
"""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.common.utils import mdTrim
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

# Characters no rule begins with, and those that mean nothing for what follows them.
_WORDS = (
    r"(?:[^\n!$%&*:<=\[\\\]^_`{}~]++|:(?!//)|!(?!\[)|%(?!%)|=(?!=)|&(?![#A-Za-z])|(?<=[A-Za-z0-9])_(?=[A-Za-z0-9]))++"
)
_PIECE = re.compile(
    rf"""(?P<text>{_WORDS})
    |(?P<line>(?<![ \t])\n(?![ \t]))
    |`(?P<code>[^ `\n][^`\n]*+)`(?!`)
    |\[(?P<label>{_WORDS})\]\((?P<address>[!-%'*-;=?-\[\]-z|~]++)\)
    |(?<![^ \n])(?P<mark>\*\*?|__?)(?=[A-Za-z0-9])(?P<stressed>{_WORDS})(?<=[A-Za-z0-9])(?P=mark)(?=[ \n.,;?)]|\Z)
    """,
    re.VERBOSE,
)
_USUAL_ADDRESS = re.compile(r"https?://[a-z0-9]+(?:[.-][a-z0-9]+)*+(?:/[A-Za-z0-9/._~-]*+)?(?:\#[A-Za-z0-9_-]++)?")
_BEGINS_PARAGRAPH = re.compile(r"[^\W\d_]|\*\*?[^\W\d_]|`[^`\n]")
_BULLET = re.compile(r"[-*+] [^\s]")
_STRESSED = {1: "em", 2: "strong"}


def plain_text(content: str, md: MarkdownIt) -> list[Token] | None:
    """The tokens of a paragraph's text; None where it is not plain."""
    tokens: list[Token] = []
    position, end = 0, len(content)
    while position < end:
        piece = _PIECE.match(content, position)
        if piece is None:
            return None
        position = piece.end()
        kind = piece.lastgroup
        if kind == "text":
            _add(tokens, piece["text"])
        elif kind == "line":
            tokens.append(Token("softbreak", "br", 0))
        elif kind == "code":
            tokens.append(Token("code_inline", "code", 0, content=piece["code"], markup="`"))
        elif kind == "address":
            address = piece["address"]
            if not _USUAL_ADDRESS.fullmatch(address):
                address = md.normalizeLink(address)
                if not md.validateLink(address):
                    return None
            tokens += (
                Token("link_open", "a", 1, attrs={"href": address}),
                Token("text", "", 0, level=1, content=piece["label"]),
                Token("link_close", "a", -1),
            )
        else:
            _stress(tokens, piece["mark"], piece["stressed"])
    return tokens


def paragraphs_plugin(md: MarkdownIt) -> None:
    """Read a line of words that is a paragraph by itself before rules that would make nothing else of it."""
    md.block.ruler.before("table", "line", _line)


def _line(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    position = state.bMarks[start] + state.tShift[start]
    if silent or not _BEGINS_PARAGRAPH.match(state.src, position) or state.is_code_block(start):
        return False
    if not _ends(state, start + 1, state.lineMax):
        return False
    state.line = start + 1
    state.push("paragraph_open", "p", 1).map = [start, start + 1]
    token = state.push("inline", "", 0)
    token.content = mdTrim(state.src[position : state.eMarks[start]])
    token.map, token.children = [start, start + 1], []
    state.push("paragraph_close", "p", -1)
    return True


def _ends(state: StateBlock, following: int, end: int) -> bool:
    """Whether a paragraph surely ends before a line: at the end, a blank line or the next item of its list."""
    if following >= end:
        return True
    begin = state.bMarks[following] + state.tShift[following]
    if begin < state.eMarks[following]:
        return state.sCount[following] == 0 < state.blkIndent and _BULLET.match(state.src, begin) is not None
    if following + 1 >= end:
        return True
    # After the blank line there may be what makes a term of this one.
    after = state.bMarks[following + 1] + state.tShift[following + 1]
    return not state.src.startswith((":", "~"), after)


def _add(tokens: list[Token], text: str) -> None:
    if tokens and tokens[-1].type == "text":
        tokens[-1].content += text
    else:
        tokens.append(Token("text", "", 0, content=text))


def _stress(tokens: list[Token], mark: str, text: str) -> None:
    name = _STRESSED[len(mark)]
    if name == "strong":
        _add(tokens, "")  # the parser leaves the place of one of two marks behind
    tokens.append(Token(f"{name}_open", name, 1, markup=mark))
    tokens.append(Token("text", "", 0, level=1, content=text))
    tokens.append(Token(f"{name}_close", name, -1, markup=mark))
    if name == "strong":
        _add(tokens, "")
