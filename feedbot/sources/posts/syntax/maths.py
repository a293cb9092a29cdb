"""Keeps mathematics as it is written, in ``<code>``: ``$x$`` and ``$$x$$``."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.dollarmath.index import math_inline_dollar

_FORMULA = re.compile(r"\$\$|(?<![A-Za-z0-9])\$(?:[^$\\]|\\.)*+\$(?![A-Za-z0-9])", re.DOTALL)
"""No variables in a row, as in ``$HOME/$USER``."""
_PROSE = re.compile(r"\$(?!\$)(?=[^$]*\s[A-Za-z]{2,}\s)[^$\\^_={}]*\$")
"""Words between two prices: ``$5 and then 10$``."""


def maths_plugin(md: MarkdownIt) -> None:
    """What prices and variables look like is left alone: no space within the dollars, no digit after them."""
    md.use(
        dollarmath_plugin,
        allow_labels=False,
        allow_space=False,
        allow_digits=False,
        allow_blank_lines=False,
        double_inline=True,
    )
    formula = math_inline_dollar(allow_space=False, allow_digits=False, allow_double=True)

    def inline(state: StateInline, silent: bool) -> bool:
        if state.src[state.pos] != "$" or _FORMULA.match(state.src, state.pos, state.posMax) is None:
            return False
        return _PROSE.match(state.src, state.pos, state.posMax) is None and formula(state, silent)

    md.inline.ruler.at("math_inline", inline)
    for name in ("math_inline", "math_inline_double"):
        md.add_render_rule(name, _inline)
    md.add_render_rule("math_block", _block)


def _inline(_self: RendererHTML, tokens: Sequence[Token], at: int, _options: object, _env: object) -> str:
    return f'<code class="math">{html.escape(tokens[at].content.strip(), quote=False)}</code>'


def _block(_self: RendererHTML, tokens: Sequence[Token], at: int, _options: object, _env: object) -> str:
    return f'<pre><code class="math">{html.escape(tokens[at].content.strip(), quote=False)}</code></pre>\n'
