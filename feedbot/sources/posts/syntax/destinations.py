"""Reads addresses with tags in them: ``[a]({% post_url 2026-01-01-a %})``, ``![]({{ site.baseurl }}/x.png)``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from types import SimpleNamespace

from markdown_it import MarkdownIt, helpers
from markdown_it.helpers.parse_link_destination import _Result

from feedbot.sources.posts.syntax.tags import MAX_TAG, Desk, Notation

_DESTINATION = re.compile(r"(?:(?>\{\{[^{}\n]*+\}\}|\{%(?:[^%\n]|%(?!\}))*+%\})|[^\s()<>{}]|\{|\})++")
_WITHIN = re.compile(r"\{\{|\{%")


def destinations_plugin(md: MarkdownIt, desk: Desk, notations: Sequence[Notation]) -> None:
    """Have the parser read what tags in an address stand for, where it reads an address."""

    def value(source: str, position: int, limit: int) -> tuple[int, str]:
        for notation in notations:
            if source.startswith(notation.lead, position):
                found = notation.scan(source, position, limit, desk.post)
                if found is not None:
                    return found[0], found[1] if isinstance(found[1], str) else ""
        return position + 1, source[position]

    def parse(source: str, position: int, limit: int) -> _Result:
        end = min(limit, position + MAX_TAG)
        brace = source.find("{", position, end)
        if brace < 0:
            return helpers.parseLinkDestination(source, position, limit)
        match = _DESTINATION.match(source, position, end)
        if match is None or not _WITHIN.search(match[0]):
            return helpers.parseLinkDestination(source, position, limit)
        parts: list[str] = []
        at = position
        while (within := _WITHIN.search(source, at, match.end())) is not None:
            parts.append(source[at : within.start()])
            at, text = value(source, within.start(), match.end())
            parts.append(text)
        result = _Result()
        result.str = "".join(parts) + source[at : match.end()]
        result.pos, result.ok = match.end(), True
        return result

    md.helpers = SimpleNamespace(  # type: ignore[assignment]
        parseLinkDestination=parse, parseLinkLabel=helpers.parseLinkLabel, parseLinkTitle=helpers.parseLinkTitle
    )
