"""Turns components into the HTML that the table of components gives for them."""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from feedbot.sources.posts.syntax.shipped import BOXES, NO_CONTENT, SHIPPED

_CHILDREN = "{children}"
_FIELD = re.compile(r"\{([\w-]+(?:\|[\w-]+)*)(?:!(id|stem|path|kind))?(\?)?(?::(0?\d{1,2})d)?\}")
_BLOCK = re.compile(
    r"\s*</?(?:address|article|aside|blockquote|details|div|dl|figure|h[1-6]|hr|ol|p|pre|section|table|ul)\b",
    re.IGNORECASE,
)


class Shown(Struct, frozen=True):
    """What a component becomes: HTML before its children and after them; without ``children`` these are left out."""

    before: str
    after: str = ""
    children: bool = True

    @property
    def is_block(self) -> bool:
        return _BLOCK.match(self.before or self.after) is not None


def check_component(name: str, pattern: str) -> str:
    """The pattern. Raises ValueError with what is wrong with it."""
    if not re.fullmatch(r"[\w.-]+", name):
        raise ValueError(f'"{name}" is no name of a component; write it as in its tag, without brackets')
    if pattern.count(_CHILDREN) > 1:
        raise ValueError(f"the pattern of {name} has more than one {{children}}")
    rest = _FIELD.sub("", pattern)
    if "{" in rest or "}" in rest:
        raise ValueError(
            f"the pattern of {name} has a brace that is no field; write fields as {{name}}, {{name?}} where it may "
            f"be missing, or {{number:04d}}"
        )
    return pattern


class Components:
    """The table: that of the blog before the shipped one; names in any case."""

    def __init__(self, own: Mapping[str, str]) -> None:
        self._patterns: dict[str, Sequence[str]] = dict(SHIPPED)
        self._patterns |= {_key(name): (pattern,) for name, pattern in own.items()}
        self._own = frozenset(map(_key, own))

    def shown(self, name: str, attributes: Mapping[str, str]) -> Shown | None:
        """What a component becomes; None where the table does not have it, or its attributes are not enough."""
        for pattern in self._patterns.get(_key(name), ()):
            filled = _filled(pattern, attributes)
            if filled is not None:
                before, children, after = filled.partition(_CHILDREN)
                return Shown(before, after, bool(children))
        return None

    def alone(self, name: str, attributes: Mapping[str, str]) -> str | None:
        """The HTML of a component that does not close; None as of ``shown``, and for a box with nothing in it."""
        shown = self.shown(name, attributes)
        if shown is None:
            return None
        if _key(name) not in BOXES - self._own:
            return shown.before + shown.after
        text = attributes.get("content") or attributes.get("text")
        return f"{shown.before}<p>{html.escape(text)}</p>{shown.after}" if text else None

    def is_silent(self, name: str) -> bool:
        """Whether a component never has a content, so that nobody misses it."""
        return _key(name) in NO_CONTENT and _key(name) not in self._own

    def makes_blocks(self, name: str) -> bool:
        """Whether a component, or what it holds, makes blocks of its own; one that is not known may."""
        patterns = self._patterns.get(_key(name), (_CHILDREN,))
        return any(each.startswith(_CHILDREN) or _BLOCK.match(each) for each in patterns)

    def stands_in_text(self, name: str) -> bool:
        """Whether a component is shown within a line of text."""
        patterns = self._patterns.get(_key(name), ())
        return bool(patterns) and not any(_CHILDREN in each or _BLOCK.match(each) for each in patterns)


def _key(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _filled(pattern: str, attributes: Mapping[str, str]) -> str | None:
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        names, conversion, optional, form = match.groups()
        if names == "children":
            return match[0]
        text = next((attributes[name] for name in names.split("|") if attributes.get(name)), "")
        if conversion:
            text = _CONVERSIONS[conversion](text)
        if form and text:
            text = format(int(text), f"{form}d") if re.fullmatch(r"-?[0-9]{1,18}", text) else ""
        missing = missing or not (text or optional)
        # A brace in a value must not be taken for {children}.
        return html.escape(text).replace("{", "&#123;")

    filled = _FIELD.sub(value, pattern)
    return None if missing else filled


def _id(text: str) -> str:
    """The id in the address of a video or a message; an id is one itself."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    video = parse_qs(parts.query).get("v", [""])[0] if parts.netloc else ""
    last = video or posixpath.basename(parts.path.rstrip("/"))
    return last if re.fullmatch(r"[\w-]+", last) else ""


def _stem(text: str) -> str:
    return posixpath.splitext(posixpath.basename(text.rstrip("/")))[0]


_CONVERSIONS: Mapping[str, Callable[[str], str]] = {
    "id": _id,
    "stem": _stem,
    "path": lambda text: text.lstrip("/"),
    "kind": str.capitalize,
}
