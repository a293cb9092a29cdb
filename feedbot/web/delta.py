"""Feeds with only the entries that a client lacks: the "feed" instance manipulation (RFC 3229)."""

from __future__ import annotations

import json
from collections import OrderedDict
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.etree import _Element

_ENTRIES = ("{http://www.w3.org/2005/Atom}entry", "item")

Entries = frozenset[bytes]
"""Digests of the entries of one version of a feed, each as it was written."""


class Versions:
    """The entries of the last versions of each feed, by ETag, so that it is known what a client has seen.

    They are kept in memory alone: after a restart a client gets one feed whole.
    """

    def __init__(self, most: int = 2000) -> None:
        self._most = most
        self._entries: OrderedDict[tuple[str, str], Entries] = OrderedDict()

    def remember(self, path: str, etag: str, entries: Entries) -> None:
        self._entries[path, etag] = entries
        self._entries.move_to_end((path, etag))
        while len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def seen(self, path: str, etag: str) -> Entries | None:
        return self._entries.get((path, etag))


def entries_of(feed: bytes, media_type: str) -> Entries:
    """The entries of a feed; none where a file was damaged, so that it is no feed."""
    try:
        if "json" in media_type:
            return frozenset(_digest(_written(item)) for item in _items(json.loads(feed)))
        from lxml import etree

        elements = _elements(etree.fromstring(feed))
    except (SyntaxError, ValueError):
        return frozenset()
    return frozenset(_digest(etree.tostring(entry, with_tail=False)) for entry in elements)


def without(feed: bytes, media_type: str, seen: Entries) -> bytes:
    """The feed less the entries that were seen as they are now; as it is where it is damaged."""
    try:
        if "json" in media_type:
            document = json.loads(feed)
            document["items"] = [item for item in _items(document) if _digest(_written(item)) not in seen]
            return json.dumps(document, ensure_ascii=False, indent=1).encode()
        from lxml import etree

        root = etree.fromstring(feed)
    except (SyntaxError, ValueError):
        return feed
    for entry in _elements(root):
        parent = entry.getparent()
        if parent is not None and _digest(etree.tostring(entry, with_tail=False)) in seen:
            parent.remove(entry)
    return etree.tostring(root.getroottree(), xml_declaration=True, encoding="UTF-8")


def _items(document: object) -> list[object]:
    """The items of a JSON Feed. Raises ValueError where it is none."""
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise ValueError("no JSON Feed")
    return items


def _elements(root: _Element) -> list[_Element]:
    return [element for element in root.iter(*_ENTRIES) if element.tag in _ENTRIES]


def _written(item: object) -> bytes:
    return json.dumps(item, sort_keys=True).encode()


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=12).digest()
