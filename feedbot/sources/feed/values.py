"""The values that elements have, as feedparser reads and keeps them: texts, addresses made absolute, tags."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urljoin
from xml.etree.ElementTree import Element

from msgspec import Struct, field

from feedbot.core.address import is_usual
from feedbot.sources.feed.vocabulary import UnclearError

_EXTRA_SLASHES = re.compile(r"([A-Za-z][A-Za-z0-9+,.-]*://)/+")
_C1 = re.compile("[\x80-\x9f]")
_CP1252 = {code: bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xA0)}


class Scope(NamedTuple):
    """What is in force where an element stands."""

    depth: int
    base: str
    language: str | None

    def of(self, given: Mapping[str, str]) -> Scope:
        """What is in force in an element with these attributes, one level further in."""
        base = given.get("xml:base", given.get("base"))
        language = given.get("xml:lang", given.get("lang"))
        return Scope(
            self.depth + 1,
            _rebased(self.base, base) if base else self.base,
            self.language if language is None else language.replace("_", "-") or None,
        )


class Context(Struct):
    """What is read of a feed, an entry or its source; ``depths`` where an entry's values stood."""

    values: dict[str, Any] = field(default_factory=dict)
    depths: dict[str, int] | None = None
    _tags: set[tuple[str | None, ...]] = field(default_factory=set)

    def store(self, key: str, value: str, depth: int) -> None:
        """Keep a value: the last one, of an entry's the one least deep."""
        if self.depths is not None:
            if depth > self.depths.get(key, depth):
                return
            self.depths[key] = depth
        self.values[key] = value

    def tag(self, *tag: str | None) -> None:
        """Add a tag (term, scheme and label) that is not there yet."""
        tags = self.values.setdefault("tags", [])
        if any(tag) and tag not in self._tags:
            self._tags.add(tag)
            tags.append(dict(zip(("term", "scheme", "label"), tag, strict=True)))

    def complete_tag(self, term: str) -> bool:
        """Give the last tag its term, if it has none."""
        last = self.values["tags"][-1] if self.values["tags"] else {"term": term}
        if last["term"]:
            return False
        self._tags.remove(tuple(last.values()))
        last["term"] = term
        self._tags.add(tuple(last.values()))
        return True


def require_leaf(element: Element) -> None:
    if len(element):
        raise UnclearError


def value_of(element: Element, base: str = "") -> str:
    """The text of an element, read against ``base`` as an address where one is given."""
    if len(element):
        raise UnclearError
    text = (element.text or "").strip()
    return mended(joined(base, text) if text and base else text)


def mended(text: str) -> str:
    """Text whose UTF-8 was taken for ISO 8859-1, and windows-1252 for control characters, as it was meant."""
    if text.isascii():
        return text
    try:
        text = text.encode("iso-8859-1").decode()
    except UnicodeError:
        pass
    return text.translate(_CP1252) if _C1.search(text) else text


def with_href(given: dict[str, str]) -> dict[str, str]:
    """The attributes of a link with its address under one name."""
    href = given.get("url", given.get("uri", given.get("href")))
    if not href:
        return given
    return {**{name: value for name, value in given.items() if name not in ("url", "uri")}, "href": href}


def joined(base: str, address: str) -> str:
    """An address made absolute, "" where it is none at all."""
    if is_usual(address):
        return address
    try:
        return urljoin(base, _EXTRA_SLASHES.sub(r"\1", address) if _EXTRA_SLASHES.match(address) else address)
    except ValueError:
        return ""


def _rebased(base: str, stated: str) -> str:
    """The base that is stated. Some that feedparser refuses, or changes from element to element, are left to it."""
    base = joined(base, stated)
    if not base.startswith(("http://", "https://")) or joined(base, base) != base:
        raise UnclearError
    return base


def seems_html(text: str) -> bool:
    """Whether feedparser takes text for HTML, which it says of its own."""
    if "</" not in text and "&" not in text:
        return False
    from feedparser.api import StrictFeedParser  # here: most feeds have no such text

    return bool(StrictFeedParser.looks_like_html(text))
