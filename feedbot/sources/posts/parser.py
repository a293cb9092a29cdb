"""Builds the parser of a dialect: Markdown's own rules, bounded and made quicker, and those of each syntax."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.html_block import html_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_core.linkify import linkify
from markdown_it.rules_core.text_join import text_join
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.html_inline import html_inline
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

from feedbot.sources.posts import mdx as mdx_rules
from feedbot.sources.posts.rawhtml import is_pseudo
from feedbot.sources.posts.syntax import liquid, verbatim, zola
from feedbot.sources.posts.syntax.admonitions import alerts_plugin, colons_plugin, marks_plugin
from feedbot.sources.posts.syntax.attributelists import attribute_lists_plugin
from feedbot.sources.posts.syntax.bounds import is_too_deep
from feedbot.sources.posts.syntax.components import Components
from feedbot.sources.posts.syntax.destinations import destinations_plugin
from feedbot.sources.posts.syntax.dialect import Dialect
from feedbot.sources.posts.syntax.maths import maths_plugin
from feedbot.sources.posts.syntax.percent import Percent
from feedbot.sources.posts.syntax.plain import paragraphs_plugin, plain_text
from feedbot.sources.posts.syntax.shortcodes import Shortcodes
from feedbot.sources.posts.syntax.tags import Desk, Notation, tags_plugin
from feedbot.sources.posts.syntax.wikilinks import wikilinks_plugin

MAX_NESTING = 30
"""Levels of lists and quotes (a list is two), and of brackets within each other, which cost time."""
_HEADING_ID = re.compile(r"[ \t]+\{[ \t]*[#.:][^{}]*\}$")
_WRITTEN_OUT = re.compile("www\\.|@|mailto:", re.IGNORECASE)


def build(dialect: Dialect, components: Components, desk: Desk, *, mdx: bool) -> MarkdownIt:
    """The parser of a dialect. Its rules leave what they gather in ``desk.post``."""
    on = dialect.syntaxes
    parser = MarkdownIt("gfm-like", {"maxNesting": MAX_NESTING})
    parser.use(footnote_plugin, inline=bool(on & {"callouts", "wikilinks"})).use(deflist_plugin)
    parser.block.ruler.at("html_block", _html_block, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.inline.ruler.at("html_inline", _html_inline)
    parser.core.ruler.at("inline", lambda state: _inline(state, desk))
    parser.core.ruler.at("linkify", _linkify)
    parser.core.ruler.at("text_join", _text_join)
    parser.use(alerts_plugin)
    if on & {"admonitions", "callouts"}:
        parser.use(colons_plugin, desk)
        if not mdx:
            parser.use(attribute_lists_plugin)
    if "admonitions" in on:
        parser.use(marks_plugin)
    if "wikilinks" in on:
        parser.use(wikilinks_plugin, desk)
    if "math" in on:
        parser.use(maths_plugin)
    notations = _notations(dialect, mdx=mdx)
    if notations:
        tags_plugin(parser, desk, notations, components.stands_in_text)
        destinations_plugin(parser, desk, notations)
    openings = [
        pattern for name, pattern in (("liquid", verbatim.LIQUID), ("shortcodes", verbatim.SHORTCODE)) if name in on
    ]
    if openings:
        verbatim.verbatim_plugin(parser, desk, openings)
    if mdx:
        mdx_rules.mdx_plugin(parser, desk)
    parser.use(paragraphs_plugin)
    return parser


def _notations(dialect: Dialect, *, mdx: bool) -> Sequence[Notation]:
    on = dialect.syntaxes
    found: list[Notation] = []
    if "shortcodes" in on:
        found += [zola.Call(), zola.Block(), Shortcodes()]
    if "liquid" in on or "markdoc" in on:
        found.append(Percent(liquid="liquid" in on, markdoc="markdoc" in on, site=dialect.site))
    if "liquid" in on:
        found += [liquid.Output(dialect.site), liquid.Attributes(), liquid.Comment()]
    return (*found, *(mdx_rules.notations() if mdx else ()))


def _html_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    position = state.bMarks[start] + state.tShift[start]
    return not is_pseudo(state.src, position) and html_block(state, start, end, silent)


def _html_inline(state: StateInline, silent: bool) -> bool:
    return not is_pseudo(state.src, state.pos) and html_inline(state, silent)


def _inline(state: StateCore, desk: Desk) -> None:
    """Read the text of each paragraph, unless that would take too long."""
    heading, linkified = False, _is_linkified(state)
    for token in state.tokens:
        if token.type != "inline":
            heading = token.type == "heading_open"
            continue
        if heading and token.content.endswith("}"):
            token.content = _HEADING_ID.sub("", token.content)
        if token.map:
            desk.post.line = token.map[0]
        token.children = []
        written_out = linkified and _WRITTEN_OUT.search(token.content)
        plain = None if written_out else plain_text(token.content, state.md)
        if plain is not None:
            token.children, token.meta["plain"] = plain, True
        elif is_too_deep(token.content, desk):
            desk.post.warn("a paragraph has too many brackets within each other and is shown as it is written")
            token.children.append(Token("text", "", 0, content=token.content))
        else:
            state.md.inline.parse(token.content, state.md, state.env, token.children)
        if token.meta.get("strong"):
            token.children = [Token("strong_open", "strong", 1), *token.children, Token("strong_close", "strong", -1)]


def _linkify(state: StateCore) -> None:
    """Make links of what is written out. Addresses with ``://`` are read with the text already."""
    if not _is_linkified(state):
        return
    kept = state.tokens
    state.tokens = [token for token in kept if token.type == "inline" and _WRITTEN_OUT.search(token.content)]
    if state.tokens:
        linkify(state)
    state.tokens = kept


def _is_linkified(state: StateCore) -> bool:
    """Whether a post may have addresses written out that are to be links."""
    return "@" in state.src or any(start in state.src.lower() for start in ("www.", "mailto:"))


def _text_join(state: StateCore) -> None:
    """Join texts side by side, of which those that were read as plain have none."""
    kept = state.tokens
    state.tokens = [token for token in kept if token.type == "inline" and not token.meta.get("plain")]
    if state.tokens:
        text_join(state)
    state.tokens = kept
