"""What is read quickly is read as Markdown's own parser reads it, in every dialect."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from feedbot.sources.posts.parser import build
from feedbot.sources.posts.presets import PRESETS
from feedbot.sources.posts.syntax.components import Components
from feedbot.sources.posts.syntax.dialect import Dialect
from feedbot.sources.posts.syntax.plain import plain_text
from feedbot.sources.posts.syntax.tags import Desk

PRESET_NAMES = sorted(PRESETS)
WORDS = (
    "a bc Word snake_case _ __ * ** ` `` ~~ é ß, 日本 ... (x) ( ) [ ] ! ![ $5 $ & && &amp; a: :// http:// www.x.org "
    "x@y.org = == % %% ^ [^1] \\ < > <b> {{ }} {% [a](b) [a](https://x.org/y_z) [a_b](/c?d=1&e=%20) [*a*](b) *x* _x_ "
    "**x** __x__ *a b* `c` `c ` ` c` [ö](https://ö.org) [a](javascript:b) [a](HTTPS://X.org) # - + 1. | : ~"
)
BLANKS = ("\n", " ", "  ", "  \n", "\n ", "\t", "\u00a0", "\u2003", "\x0b")
LINES = (
    "", "", "Words here", "*a* b", "`c` d", "**b** e", "- item", "- *a*", "  - inner", "* x", "+ y", "1. one",
    "  more", "    code", ": term", "~ term", "> quote", "> - in it", "---", "===", "| a | b |", "|---|---|", "a | b",
    "--- | ---", "# head", "```", "[a]: /b", "<div>", "import a from 'b'", "export const a = 1", "%%", ":::",
    "!!! note", "{{< a >}}", "{% b %}", "[^1]: note", "   Three", "\tTab", "-", "- ", "*", "a\u00a0", "~~~", "$$",
    "import x", "***",
)  # fmt: skip
TEXT = st.lists(st.sampled_from((*WORDS.split(), *BLANKS)), max_size=12).flatmap(
    lambda words: st.sampled_from([" ", ""]).map(lambda between: between.join(words))
)
BODY = st.lists(st.sampled_from(LINES), max_size=12).map("\n".join)


@cache
def parser(preset: str, *, quick: bool = True) -> tuple[MarkdownIt, Desk]:
    syntaxes, desk = frozenset(PRESETS[preset].syntax), Desk()
    found = build(Dialect(syntaxes, {}, ""), Components({}), desk, mdx="mdx" in syntaxes)
    if not quick:
        found.block.ruler.disable("line")
    return found, desk


def html(tokens: list[Token], markdown: MarkdownIt) -> str:
    assert isinstance(markdown.renderer, RendererHTML)
    return markdown.renderer.renderInline(tokens, markdown.options, {})


def words(tokens: list[Token]) -> str:
    return "".join(" " if token.type == "softbreak" else token.content for token in tokens)


def links(tokens: list[Token]) -> list[str]:
    """The links that may be given another address: those that are relative are."""
    return [str(token.attrGet("href")) for token in tokens if token.type == "link_open"]


def shown(tokens: list[Token]) -> str:
    return "\n".join(str(token.as_dict()) for token in tokens)


@given(TEXT, st.sampled_from(PRESET_NAMES))
def test_plain_text_is_written_as_the_parser_would_have_it(text: str, preset: str) -> None:
    markdown, _ = parser(preset)

    quick = plain_text(text, markdown)

    if quick is not None:
        slow: list[Token] = []
        markdown.inline.parse(text, markdown, {}, slow)
        assert html(quick, markdown) == html(slow, markdown)
        assert words(quick) == words(slow)
        assert links(quick) == [link for link in links(slow) if not link.startswith("http")]


@given(BODY, st.sampled_from(PRESET_NAMES))
def test_paragraphs_of_one_line_give_the_tokens_of_the_parser(body: str, preset: str) -> None:
    tokens = []
    for quick in (True, False):
        markdown, desk = parser(preset, quick=quick)
        desk.post = type(desk.post)(lambda _: None)
        tokens.append(shown(markdown.parse(body, {"docId": "a"})))

    assert tokens[0] == tokens[1]


@pytest.mark.parametrize(
    "text",
    ["Words, and: more!", "a *b* `c` **d**\ne [f](https://g.example/h).", "snake_case in [x](y)", "50% = half & more"],
)
def test_usual_text_is_plain(text: str) -> None:
    assert plain_text(text, parser("hugo")[0]) is not None
