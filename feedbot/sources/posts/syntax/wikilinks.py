"""Reads what notes of Obsidian hold: ``[[links]]``, ``![[embeds]]``, ``==marks==``, ``%%comments%%``, ``^ids``."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline

from feedbot.core.text import slug
from feedbot.sources.posts.syntax.tags import Desk
from feedbot.sources.posts.tree import IMAGES

_LINK = re.compile(r"(!?)\[\[([^\[\]|\n]*?)(\\?\|([^\[\]\n]*))?\]\]")
_SIZE = re.compile(r"\d+(?:x\d+)?")
_ID = re.compile(r"(?:^|(?<=[ \t\n]))\^[A-Za-z0-9-]+[ \t]*$")


def wikilinks_plugin(md: MarkdownIt, desk: Desk) -> None:
    """Links lead to posts of that name, else their words stay; embedded notes become links."""

    def link(state: StateInline, silent: bool) -> bool:
        if not state.src.startswith(("[[", "![["), state.pos):
            return False
        match = desk.post.match(_LINK, state.src, state.pos, state.posMax)
        if match is None:
            return False
        if not silent:
            _push(state, desk, match)
        state.pos = match.end()
        return True

    def comment(state: StateBlock, start: int, end: int, silent: bool) -> bool:
        """A comment that starts a line, over as many as it takes."""
        position = state.bMarks[start] + state.tShift[start]
        if not state.src.startswith("%%", position) or state.is_code_block(start):
            return False
        close = desk.post.search(_COMMENT_END, state.src, position + 2, state.eMarks[end - 1])
        if close is None:
            return False
        last = start + state.src.count("\n", state.eMarks[start], close.start())
        if state.src[close.end() : state.eMarks[last]].strip():
            return False
        if not silent:
            state.line = last + 1
        return True

    md.inline.ruler.before("link", "wikilinks", link)
    md.inline.ruler.before("link", "comments", _comment)
    md.inline.ruler.before("link", "marks", _mark)
    md.block.ruler.before("table", "comments", comment, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    md.core.ruler.after("block", "block_ids", _without_ids)


_COMMENT_END = re.compile("%%")


def _push(state: StateInline, desk: Desk, match: re.Match[str]) -> None:
    target, text = match[2].strip(), (match[4] or "").strip()
    name, _, heading = target.partition("#")
    if match[1] and name.lower().endswith(IMAGES):
        token = state.push("image", "img", 0)
        token.attrs = {"src": state.md.normalizeLink(name), "alt": ""}
        words = "" if _SIZE.fullmatch(text) else text
        token.content, token.children = words, []
        state.md.inline.parse(words, state.md, state.env, token.children)
        return
    shown = text or target.strip("#").replace("#", " > ")
    address = (desk.post.by_name(name) or "") if name else ""
    if name and not address:
        desk.post.warn(f'there is no post "{name}" to link to')
        state.append_pending(shown)
        return
    anchor = "" if heading.startswith("^") else slug(heading, fallback="")
    state.push("link_open", "a", 1).attrs = {"href": address + (f"#{anchor}" if anchor else "")}
    state.push("text", "", 0).content = shown
    state.push("link_close", "a", -1)


def _comment(state: StateInline, _silent: bool) -> bool:
    if not state.src.startswith("%%", state.pos):
        return False
    end = state.src.find("%%", state.pos + 2, state.posMax)
    if end < 0:
        return False
    state.pos = end + 2
    return True


def _mark(state: StateInline, silent: bool) -> bool:
    """``==words==`` as ``<mark>``, with Markdown within."""
    start, limit = state.pos + 2, state.posMax
    if not state.src.startswith("==", state.pos) or state.src[start : start + 1] in ("", " ", "\n", "="):
        return False
    end = state.src.find("==", start, limit)
    if end < 0 or state.src[end - 1] in " \n":
        return False
    if not silent:
        state.push("mark_open", "mark", 1).markup = "=="
        state.pos, state.posMax = start, end
        state.md.inline.tokenize(state)
        state.push("mark_close", "mark", -1).markup = "=="
    state.pos, state.posMax = end + 2, limit
    return True


def _without_ids(state: StateCore) -> None:
    if "^" in state.src:
        for token in state.tokens:
            if token.type == "inline" and "^" in token.content:
                token.content = _ID.sub("", token.content).rstrip()
