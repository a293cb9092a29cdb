"""Renders posts of any dialect for tests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from feedbot.core.html import clean, to_text
from feedbot.sources.posts.markdown import Addresses, Rendered, Renderer
from feedbot.sources.posts.syntax.dialect import SYNTAXES, Dialect

SITE = "https://example.org/blog"
KNOWN = dict.fromkeys(("2026-01-01-other", "other.md", "posts/other.md", "Other"), f"{SITE}/other/")
EVERYTHING = tuple(sorted(SYNTAXES))


def rendered(text: str, *syntaxes: str, mdx: bool = False, components: Mapping[str, str] | None = None) -> Rendered:
    addresses = Addresses(lambda address: address, lambda address, _: address, KNOWN.get, "/blog")
    renderer = _renderer(frozenset(syntaxes) | ({"mdx"} if mdx else set()), tuple((components or {}).items()))
    return renderer.post(text, addresses, title="", anchor="a-post", mdx=mdx)


def published(text: str, *syntaxes: str, mdx: bool = False, components: Mapping[str, str] | None = None) -> str:
    """The HTML that goes out, on one line."""
    return " ".join(clean(rendered(text, *syntaxes, mdx=mdx, components=components).html, f"{SITE}/a/").split())


def shown(text: str, *syntaxes: str, mdx: bool = False) -> str:
    """What a reader sees of it in the end."""
    return to_text(published(text, *syntaxes, mdx=mdx))


def warnings(text: str, *syntaxes: str, mdx: bool = False) -> list[tuple[int, str]]:
    return [(each.line, each.sentence) for each in rendered(text, *syntaxes, mdx=mdx).warnings]


@cache
def _renderer(syntaxes: frozenset[str], components: tuple[tuple[str, str], ...]) -> Renderer:
    return Renderer(Dialect(syntaxes, dict(components), SITE))
