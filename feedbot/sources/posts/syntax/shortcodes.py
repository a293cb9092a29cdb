"""Reads the shortcodes of Hugo: ``{{< figure src="x.png" >}}`` and ``{{% note %}} ... {{% /note %}}``."""

from __future__ import annotations

import re

from feedbot.sources.posts.syntax.tags import Found, Post, Tag, attributes

_VALUES = r'"(?:[^"\\]|\\.)*+"|`[^`]*`'
_SHORTCODE = re.compile(
    rf"""\{{\{{(?:<((?:[^<>"`]|{_VALUES}|>(?!\}}\}}))*+)>|%((?:[^%"`]|{_VALUES}|%(?!\}}\}}))*+)%)\}}\}}"""
)
_NAME = re.compile(r"(/?)\s*([\w-][\w./-]*)")
_SHOWN = re.compile(r"\{\{([<%])/\*(.*?)\*/([>%])\}\}", re.DOTALL)


class Shortcodes:
    """Both kinds of shortcode, and those that are written to be shown."""

    lead = "{{"

    def scan(self, source: str, position: int, limit: int, post: Post) -> Found | None:
        if source[position + 2 : position + 3] not in ("<", "%"):
            return None
        if source.startswith("/*", position + 3):
            shown = post.match(_SHOWN, source, position, limit)
            return None if shown is None else (shown.end(), f"{{{{{shown[1]}{shown[2]}{shown[3]}}}}}")
        match = post.match(_SHORTCODE, source, position, limit)
        if match is None:
            return None
        inside = (match[1] or match[2] or "").strip()
        named = _NAME.match(inside)
        if named is None:
            return match.end(), None
        name, rest = named[2].rstrip("/"), inside[named.end() :]
        if named[1]:
            return match.end(), Tag(name, "close", scope="{{", line=post.line)
        given = attributes(rest.removesuffix("/"))
        if name in ("ref", "relref"):
            return match.end(), post.address(given.get("path") or given.get("0", ""))
        return match.end(), Tag(name, "void" if inside.endswith("/") else "open", given, "{{", post.line)
