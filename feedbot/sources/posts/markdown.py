"""Renders the Markdown of posts as HTML that means the same away from their site."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.html_block import html_block
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.html_inline import html_inline
from markdown_it.token import Token
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

from feedbot.core.text import one_line, storable
from feedbot.sources.posts.mdx import mdx_plugin
from feedbot.sources.posts.rawhtml import escape_pseudo, is_pseudo, rewrite

MAX_NESTING = 30
"""Levels of lists and quotes (a list is two), and of brackets within each other, which cost time."""
_MARKER = re.compile(r"<!--\s*(?:more|truncate|excerpt)\s*-->", re.IGNORECASE)
_WRITTEN_LINK = re.compile(r"(?:https?://|ftp://|mailto:|www\.)|[^@]+@", re.IGNORECASE)
_TASK = re.compile(r"\[([ xX])\] ")


@dataclass(frozen=True, slots=True)
class Addresses:
    """What to do with the addresses in a post: ``link`` and ``image`` answer with the one to publish.

    ``image`` is also given the line of the body, from 0; it answers None for an image to leave out.
    """

    link: Callable[[str], str]
    image: Callable[[str, int], str | None]


@dataclass(frozen=True, slots=True)
class Rendered:
    """A rendered post. ``opening`` is what stands before a ``<!-- more -->``; ``title`` its first heading.

    ``dropped`` counts components that have no meaning away from the site.
    """

    html: str
    opening: str
    title: str
    dropped: int


class Renderer:
    """Renders posts one after the other; making one takes longer than rendering a short post."""

    def __init__(self) -> None:
        self._markdown = _parser()
        self._mdx = _parser().use(mdx_plugin)

    def post(self, text: str, addresses: Addresses, *, title: str, anchor: str, mdx: bool = False) -> Rendered:
        """Render a body. A heading at its top that says the ``title`` again is left out.

        ``anchor`` keeps the footnotes of several posts on one page apart. Raises RecursionError for what is
        nested beyond reason.
        """
        parser = self._mdx if mdx else self._markdown
        env: dict[str, Any] = {"docId": anchor}
        tokens = parser.parse(text, env)
        heading = _first_heading(tokens)
        if _opens_with(tokens, title or heading):
            del tokens[:3]
        cut = next((at for at, token in enumerate(tokens) if _is_marker(token)), None)
        tokens = list(_adapted(tokens, addresses))
        opening = [] if cut is None else [_without_footnotes(token) for token in tokens[:cut]]
        return Rendered(
            storable(parser.renderer.render(tokens, parser.options, env)),
            storable(parser.renderer.render(opening, parser.options, env)),
            heading,
            env.get("dropped", 0),
        )

    def line(self, text: str, addresses: Addresses) -> str:
        """Render a text without paragraphs, such as a description."""
        tokens = list(_adapted(self._markdown.parseInline(text, {}), addresses))
        return storable(self._markdown.renderer.render(tokens, self._markdown.options, {})).strip()


def _parser() -> MarkdownIt:
    parser = MarkdownIt("gfm-like", {"maxNesting": MAX_NESTING})
    parser.use(footnote_plugin, inline=False).use(deflist_plugin)
    parser.block.ruler.at("html_block", _html_block, {"alt": ["paragraph", "reference", "blockquote"]})
    parser.inline.ruler.at("html_inline", _html_inline)
    return parser


def _html_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    position = state.bMarks[start] + state.tShift[start]
    return not is_pseudo(state.src, position) and html_block(state, start, end, silent)


def _html_inline(state: StateInline, silent: bool) -> bool:
    return not is_pseudo(state.src, state.pos) and html_inline(state, silent)


def _first_heading(tokens: Sequence[Token]) -> str:
    for token, content in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h1":
            return _plain(content.children or ())
    return ""


def _opens_with(tokens: Sequence[Token], title: str) -> bool:
    first = tokens[0] if tokens else None
    if first is None or first.type != "heading_open" or first.tag != "h1":
        return False
    return _plain(tokens[1].children or ()).casefold() == one_line(title).casefold()


def _plain(children: Iterable[Token]) -> str:
    breaks = ("softbreak", "hardbreak")
    shown = (" " if child.type in breaks else child.content for child in children if child.type != "html_inline")
    return one_line("".join(shown))


def _is_marker(token: Token) -> bool:
    return token.type == "html_block" and token.level == 0 and _MARKER.fullmatch(token.content.strip()) is not None


def _adapted(tokens: Iterable[Token], addresses: Addresses) -> Iterator[Token]:
    """The tokens with addresses to publish, tasks as characters, and what is no HTML as text."""
    line = 0
    before: list[str] = ["", ""]
    for token in tokens:
        line = token.map[0] if token.map else line
        if token.type == "html_block":
            token.content = _raw(token.content, addresses, line)
        elif token.type in ("th_open", "td_open"):
            _align(token)
        elif token.type == "inline":
            token.children = list(_inline(token.children or [], addresses, line))
            if before == ["list_item_open", "paragraph_open"]:
                _task(token.children)
        before = [before[1], token.type]
        yield token


def _inline(children: Sequence[Token], addresses: Addresses, line: int) -> Iterator[Token]:
    unwanted = False
    for at, child in enumerate(children):
        line += child.type in ("softbreak", "hardbreak")
        if child.markup == "linkify" and child.type == "link_open":
            # linkify-it takes any "name.tld" for an address, such as README.md and setup.py.
            unwanted = not _WRITTEN_LINK.match(children[at + 1].content)
        if child.markup == "linkify" and unwanted:
            continue
        if child.type == "link_open":
            child.attrSet("href", addresses.link(str(child.attrGet("href") or "")))
        elif child.type == "html_inline":
            child.content = _raw(child.content, addresses, line)
        elif child.type == "image":
            address = addresses.image(str(child.attrGet("src") or ""), line)
            if address is None:
                yield _text(_plain(child.children or ()))
                continue
            child.attrSet("src", address)
        yield child


def _raw(content: str, addresses: Addresses, line: int) -> str:
    content = rewrite(_MARKER.sub("", content), addresses.link, lambda address: addresses.image(address, line))
    return escape_pseudo(content)


def _align(cell: Token) -> None:
    style = str(cell.attrs.pop("style", ""))
    side = style.removeprefix("text-align:")
    if side in ("left", "center", "right"):
        cell.attrSet("align", side)


def _task(children: list[Token]) -> None:
    first = children[0] if children else None
    task = _TASK.match(first.content) if first is not None and first.type == "text" else None
    if first is not None and task is not None:
        first.content = ("☐ " if task[1] == " " else "☑ ") + first.content[task.end() :]


def _without_footnotes(token: Token) -> Token:
    if token.children and any(child.type == "footnote_ref" for child in token.children):
        return token.copy(children=[child for child in token.children if child.type != "footnote_ref"])
    return token


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def closing_line(link: str, title: str) -> str:
    """The line that tells where to find what was left out of a post."""
    if not link:
        return "<p>Some interactive content is only on the site.</p>\n"
    shown = html.escape(title, quote=False)
    return f'<p>Some interactive content is only on the site: <a href="{html.escape(link)}">{shown}</a></p>\n'
