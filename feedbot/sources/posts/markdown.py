"""Renders the Markdown of posts as HTML that means the same away from their site."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.token import Token
from msgspec import Struct

from feedbot.core.text import one_line, storable
from feedbot.sources.posts.parser import build
from feedbot.sources.posts.permalink import title_slug
from feedbot.sources.posts.rawhtml import PLACE, escape_pseudo, rewrite, without_frames
from feedbot.sources.posts.syntax.components import Components
from feedbot.sources.posts.syntax.dialect import Dialect
from feedbot.sources.posts.syntax.placing import placed
from feedbot.sources.posts.syntax.tags import Desk, Post

_MARKER = re.compile(r"<!--\s*(?:more|truncate|(?:end[\s-]?)?excerpt|read[\s-]?more)\s*-->", re.IGNORECASE)
_WRITTEN_LINK = re.compile(r"(?:https?://|ftp://|mailto:|www\.)|[^@]+@", re.IGNORECASE)
_CONTENTS = re.compile(r"\[{1,2}_?TOC_?\]{1,2}", re.IGNORECASE)
_LISTED = re.compile(r"[ \t]*\{:\s*toc\b", re.IGNORECASE)
_LISTING = re.compile(r"^(?:\{|%7B)(author|category|tag|index)(?:\}|%7D)(.*)", re.IGNORECASE)
_BRACED = re.compile(r"\{[.=\s]*([A-Za-z][\w+#-]*+)(?!\s*=)")  # how Pandoc and Quarto name the language of code
_TASK = re.compile(r"\[([ xX])\] ")


class Addresses(Struct, frozen=True):
    """What to do with the addresses in a post: ``link`` and ``image`` answer with the one to publish.

    ``image`` is also given the line of the body, from 0; it answers None for an image to leave out.
    ``by_name`` answers with the address of the post that a template or a wiki link names, None for none. ``root`` is
    the path of the site, which addresses from the root of the content start with.
    """

    link: Callable[[str], str]
    image: Callable[[str, int], str | None]
    by_name: Callable[[str], str | None] = lambda _: None
    root: str = ""


class Warned(Struct, frozen=True):
    """Something of a post that is not published as it is written; ``line`` is that of the body, from 0."""

    line: int
    sentence: str


class Rendered(Struct, frozen=True):
    """A rendered post. ``opening`` is what stands before a ``<!-- more -->``, else its first paragraph where that
    is asked for; ``title`` its first heading.

    ``dropped`` counts components that have no meaning away from the site.
    """

    html: str
    opening: str
    title: str
    dropped: int
    warnings: tuple[Warned, ...] = ()


class Renderer:
    """Renders posts one after the other; making one takes longer than rendering a short post."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._components = Components(dialect.components)
        self._desk = Desk()

    def post(
        self, text: str, addresses: Addresses, *, title: str, anchor: str, mdx: bool = False, paragraph: bool = False
    ) -> Rendered:
        """Render a body; ``mdx`` tells that its file is named as one of MDX.

        With ``paragraph``, one without a marker opens with its first paragraph.

        A heading at its top that says the ``title`` again is left out. ``anchor`` keeps the footnotes of several
        posts on one page apart. Raises RecursionError for what is nested beyond reason.
        """
        parser = self._mdx if mdx and "mdx" in self._dialect.syntaxes else self._markdown
        env: dict[str, Any] = {"docId": anchor}
        post = self._desk.post = Post(addresses.by_name)
        tokens = parser.parse(text, env)
        heading = _first_heading(tokens)
        if _opens_with(tokens, title or heading):
            del tokens[:3]
        tokens = _without_contents(tokens, text.split("\n")) if "toc" in text.lower() else tokens
        tokens = list(_adapted(placed(tokens, self._components, post), addresses, post))
        opening = _opening(tokens) or (_first_paragraph(tokens) if paragraph else ())
        opening = [_without_footnotes(token) for token in opening]
        return Rendered(
            storable(parser.renderer.render(tokens, parser.options, env)),
            storable(parser.renderer.render(opening, parser.options, env)),
            heading,
            post.dropped,
            tuple(Warned(line, sentence) for sentence, line in post.warnings.items()),
        )

    def line(self, text: str, addresses: Addresses) -> str:
        """Render a text without paragraphs, such as a description."""
        post = self._desk.post = Post(addresses.by_name)
        tokens = placed(self._markdown.parseInline(text, {}), self._components, post)
        adapted = list(_adapted(tokens, addresses, post))
        return storable(self._markdown.renderer.render(adapted, self._markdown.options, {})).strip()

    @cached_property
    def _markdown(self) -> MarkdownIt:
        return build(self._dialect, self._components, self._desk, mdx="mdx-in-md" in self._dialect.syntaxes)

    @cached_property
    def _mdx(self) -> MarkdownIt:
        return build(self._dialect, self._components, self._desk, mdx=True)


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


def _without_contents(tokens: Sequence[Token], lines: Sequence[str]) -> list[Token]:
    """Leave out where a tool puts a table of contents: a paragraph of ``[TOC]``, a list of one with ``{:toc}``."""
    left_out: set[int] = set()
    for at, token in enumerate(tokens):
        if token.type == "inline" and token.level == 1 and _CONTENTS.fullmatch(token.content):
            left_out.update(range(at - 1, at + 2))
        elif token.type == "inline" and token.level == 3 and token.map and tokens[at + 3].type.endswith("list_close"):
            below = lines[token.map[0] + 1 : token.map[1] + 1]
            if tokens[at - 3].type.endswith("list_open") and any(map(_LISTED.match, below)):
                left_out.update(range(at - 3, at + 4))
    return [token for at, token in enumerate(tokens) if at not in left_out]


def _opening(tokens: Sequence[Token]) -> Sequence[Token]:
    """What stands before the first marker; it may end the text of a paragraph."""
    for at, token in enumerate(tokens):
        if token.level == 0 and token.type == "html_block" and token.meta.get("marker"):
            return tokens[:at]
        if token.level == 1 and token.type == "inline" and tokens[at - 1].type == "paragraph_open":
            children = token.children or []
            cut = next((index for index, child in enumerate(children) if child.meta.get("marker")), None)
            if cut is not None:
                return [*tokens[:at], token.copy(children=children[:cut]), tokens[at + 1]]
    return ()


def _first_paragraph(tokens: Sequence[Token]) -> Sequence[Token]:
    """The first paragraph with text in it, outside of quotes, lists and the like."""
    for at, token in enumerate(tokens):
        paragraph = token.level == 1 and token.type == "inline" and tokens[at - 1].type == "paragraph_open"
        if paragraph and _plain(child for child in token.children or () if child.type != "image"):
            return tokens[at - 1 : at + 2]
    return ()


def _adapted(tokens: Iterable[Token], addresses: Addresses, post: Post) -> Iterator[Token]:
    """The tokens with addresses to publish, tasks as characters, and what is no HTML as text."""
    line = 0
    before: list[str] = ["", ""]
    for token in tokens:
        line = token.map[0] if token.map else line
        if token.type == "html_block":
            _raw(token, addresses, line, post)
        elif token.type == "fence" and token.info.startswith("{"):
            braced = _BRACED.match(token.info)
            token.info = braced[1] if braced else ""
        elif token.type in ("th_open", "td_open"):
            _align(token)
        elif token.type == "inline":
            token.children = list(_inline(token.children or [], addresses, line, post))
            if before == ["list_item_open", "paragraph_open"]:
                _task(token.children)
        before = [before[1], token.type]
        yield token


def _inline(children: Sequence[Token], addresses: Addresses, line: int, post: Post) -> Iterator[Token]:
    unwanted = False
    for at, child in enumerate(children):
        line += child.type in ("softbreak", "hardbreak")
        if child.markup == "linkify" and child.type == "link_open":
            # linkify-it takes any "name.tld" for an address, such as README.md and setup.py.
            unwanted = not _WRITTEN_LINK.match(children[at + 1].content)
        if child.markup == "linkify" and unwanted:
            continue
        if child.type == "link_open":
            child.attrSet("href", _href(str(child.attrGet("href") or ""), addresses))
        elif child.type == "html_inline":
            _raw(child, addresses, line, post)
        elif child.type == "image":
            source = str(child.attrGet("src") or "")
            address = addresses.image(_placed(source, addresses), line) if source else None
            if address is None:
                yield _text(_plain(child.children or ()))
                continue
            child.attrSet("src", address)
        yield child


def _href(address: str, addresses: Addresses) -> str:
    """The address of a link; Zola and Pelican write links to files from the root of the content on."""
    if address[:1] not in ("@", "{", "%", "|"):
        return addresses.link(address)
    if listing := _LISTING.match(address):
        kind, name = listing[1].lower(), title_slug(unquote(listing[2]), ascii_only=True)
        return f"{addresses.root}/{kind}/{name}.html" if name else f"{addresses.root}/"
    file = PLACE.sub("", address, count=1)
    if not file.startswith(("@/", "/")):
        return addresses.link(file)
    name, hash_mark, anchor = file.removeprefix("@").lstrip("/").partition("#")
    found = addresses.by_name(unquote(name))
    return (f"{addresses.root}/{name}" if found is None else found) + hash_mark + anchor


def _placed(source: str, addresses: Addresses) -> str:
    """The address of an image, which Pelican may write from the root of the content on."""
    file = PLACE.sub("", source, count=1)
    return addresses.root + file if file != source and file.startswith("/") else file


def _raw(token: Token, addresses: Addresses, line: int, post: Post) -> None:
    content = token.content
    if "<!--" in content and _MARKER.search(content):
        content = _MARKER.sub("", content)
        token.meta["marker"] = not content.strip()
    content = without_frames(content, lambda sentence: post.warn(sentence, line))
    content = rewrite(
        content,
        lambda address: _href(address, addresses),
        lambda address: addresses.image(_placed(address, addresses), line),
    )
    token.content = escape_pseudo(content)


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
