"""Reads plain paragraphs quickly: what Markdown's own parser would make of them, at a fraction of what it costs.

Most of what people write is words, with an emphasised one, a piece of code or a link here and there. Whatever might
mean anything else in any dialect is left to the parser. What is read so is HTML already, in one token where there are
dozens otherwise; only links that may be given another address are tokens of their own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml, mdTrim
from markdown_it.renderer import RendererHTML
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
_ESCAPED = re.compile('[&<>"]')


def plain_text(content: str, md: MarkdownIt) -> list[Token] | None:
    """The tokens of a paragraph's text, of type ``plain`` what is words or HTML; None where it is not plain."""
    write = escapeHtml if _ESCAPED.search(content) else str
    tokens: list[Token] = []
    written: list[str] = []
    words: list[str] = []
    position, end = 0, len(content)
    while position < end:
        piece = _PIECE.match(content, position)
        if piece is None:
            return None
        position = piece.end()
        kind = piece.lastgroup
        if kind == "text":
            shown = piece[0]
            written.append(write(shown))
        elif kind == "line":
            shown = " "
            written.append("\n")
        elif kind == "code":
            shown = piece["code"]
            written.append(f"<code>{write(shown)}</code>")
        elif kind == "address":
            shown, address = piece["label"], piece["address"]
            if _USUAL_ADDRESS.fullmatch(address):
                written.append(f'<a href="{address}">{write(shown)}</a>')
            else:
                address = md.normalizeLink(address)
                if not md.validateLink(address):
                    return None
                tokens += (
                    _plain(written, words),
                    Token("link_open", "a", 1, attrs={"href": address}),
                    _plain([write(shown)], [shown]),
                    Token("link_close", "a", -1),
                )
                written, words = [], []
                continue
        else:
            shown, name = piece["stressed"], _STRESSED[len(piece["mark"])]
            written.append(f"<{name}>{write(shown)}</{name}>")
        words.append(shown)
    tokens.append(_plain(written, words))
    return tokens


def _plain(written: list[str], words: list[str]) -> Token:
    """A token of HTML that stands for words."""
    return Token("plain", "", 0, content="".join(words), meta={"html": "".join(written)})


def paragraphs_plugin(md: MarkdownIt) -> None:
    """Read a line of words that is a paragraph by itself before rules that would make nothing else of it."""
    md.block.ruler.before("table", "line", _line)
    md.add_render_rule("plain", _written)


def _written(_self: RendererHTML, tokens: Sequence[Token], at: int, _options: object, _env: object) -> str:
    return str(tokens[at].meta["html"])


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
