"""Reads the output of Liquid, Jinja and Nunjucks (``{{ site.url }}``), their comments, and kramdown's attributes."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from feedbot.sources.posts.syntax.tags import Found, Post

_OUTPUT = re.compile(r"""\{\{(?![<%])[-~]?((?:[^"'{}]|"[^"]*"|'[^']*')*+)\}\}""")
_TERM = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|(-?\d+(?:\.\d+)?)|([\w.$\[\]-]+))\s*""")
_PARTS = re.compile(r"""(?:[^|"']|"[^"]*"|'[^']*')+""")
_ATTRIBUTES = re.compile(r"\{::comment\}.*?\{:/(?:comment)?\}|\{:[^{}\n]*\}", re.DOTALL)
_COMMENT = re.compile(r"\{#(.*?)#\}", re.DOTALL)


class Output:
    """``{{ value | filters }}``: literals, the address of the site, and what is joined of them."""

    lead = "{{"

    def __init__(self, site: str) -> None:
        parts = urlsplit(site)
        origin = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
        path = parts.path.rstrip("/")
        base = origin + path
        self._known = {"site.url": origin, "site.baseurl": path, "site.base_url": base, "site.github.url": base}
        self._known |= {"SITEURL": base, "siteurl": base}
        self._site = origin + path
        self._path = path

    def scan(self, source: str, position: int, limit: int, post: Post) -> Found | None:
        match = post.match(_OUTPUT, source, position, limit)
        if match is None:
            return None
        text = self._value(match[1].rstrip("-~"))
        if text is None:
            post.warn(f"{match[0]} is known to the site alone and left out")
        return match.end(), text

    def _value(self, expression: str) -> str | None:
        first, *filters = _PARTS.findall(expression) or [""]
        value = self._term(first)
        for each in filters:
            name, _, argument = each.strip().partition(":")
            name = name.strip()
            if value is None:
                return None
            if name in ("append", "prepend"):
                other = self._term(argument) or ""
                value = value + other if name == "append" else other + value
            elif name in ("relative_url", "absolute_url", "url") and not urlsplit(value).scheme:
                value = (self._site if name == "absolute_url" else self._path) + "/" + value.lstrip("/")
        return value

    def _term(self, source: str) -> str | None:
        match = _TERM.fullmatch(source)
        if match is None:
            return None
        text = next(group for group in match.groups() if group is not None)
        return self._known.get(text) if match[4] else text


class Attributes:
    """``{: .class #id}``, which kramdown gives to what stands before it, and its comments."""

    lead = "{:"

    def scan(self, source: str, position: int, limit: int, post: Post) -> Found | None:
        match = post.match(_ATTRIBUTES, source, position, limit)
        return None if match is None else (match.end(), None)


class Comment:
    """``{# of no meaning to readers #}``."""

    lead = "{#"

    def scan(self, source: str, position: int, limit: int, post: Post) -> Found | None:
        match = post.match(_COMMENT, source, position, limit)
        return None if match is None else (match.end(), None)
