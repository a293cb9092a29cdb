"""Leaves out the attributes that Python-Markdown and Pandoc give to what stands before: ``![](a.png){ width=300 }``."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline

_ONE = r"""(?:[#.][\w:-]+|[\w:-]+=(?:"[^"\n{}]*"|'[^'\n{}]*'|[^\s"'{}]+))"""
_LIST = re.compile(rf"(?:(?<=[)\]`*_$])|(?<=\$ ))\{{[ \t]*{_ONE}(?:[ \t]+{_ONE})*[ \t]*\}}")
_SPAN = re.compile(rf"\[([^\[\]]*)\](?={_LIST.pattern})")
MAX_LIST = 1000
"""Characters of a list, or of the words that one is given to."""


def attribute_lists_plugin(md: MarkdownIt) -> None:
    """Of ``[words]{.class}`` the words stay, with Markdown within."""

    def attributes(state: StateInline, _silent: bool) -> bool:
        match = _LIST.match(state.src, state.pos, min(state.pos + MAX_LIST, state.posMax))
        if match is None:
            return False
        state.pos = match.end()
        return True

    def span(state: StateInline, silent: bool) -> bool:
        if state.src[state.pos] != "[":
            return False
        match = _SPAN.match(state.src, state.pos, min(state.pos + MAX_LIST, state.posMax))
        if match is None:
            return False
        limit = state.posMax
        if not silent:
            state.pos, state.posMax = match.start(1), match.end(1)
            state.md.inline.tokenize(state)
        state.pos, state.posMax = match.end(), limit
        return True

    md.inline.ruler.before("link", "spans", span)
    md.inline.ruler.before("autolink", "attribute_lists", attributes)
