"""An entry's content as the JSON that the store keeps."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from feedbot.core.expose import plain
from feedbot.core.text import storable
from feedbot.model import CONTENT_FIELDS, Author, Content, Enclosure

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

# How JSON writes control characters; and characters that XML and databases refuse.
_SUSPICIOUS = ("\\u00", "\\b", "\\f", "\ufffe", "\uffff")


def to_text(content: Content) -> str:
    """The values that differ from what is usual, as JSON; without what databases refuse."""
    data = _plainly(content)
    text = _encode(data)
    if any(sign in text for sign in _SUSPICIOUS) or not _encodable(text):
        text = _encode(_storable(data))
    return text


def from_json(data: dict[str, Any]) -> dict[str, Any]:
    """The fields of a Content, to build an Entry or an Item of."""
    fields = {name: data[name] for name in CONTENT_FIELDS if name in data}
    for name in ("published", "updated"):
        if name in fields:
            fields[name] = datetime.fromisoformat(fields[name])
    fields["authors"] = tuple(Author(**author) for author in data.get("authors", ()))
    fields["enclosures"] = tuple(Enclosure(**enclosure) for enclosure in data.get("enclosures", ()))
    for name in ("tags", "aliases"):
        fields[name] = tuple(data.get(name, ()))
    return fields


def _plainly(content: Content) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name in CONTENT_FIELDS:
        value = getattr(content, name)
        if not value:
            continue
        if name in ("published", "updated"):
            value = value.isoformat()
        elif name == "authors":
            value = [{"name": a.name, "url": a.url, "email": a.email} for a in value]
        elif name == "enclosures":
            value = [{"url": e.url, "type": e.type, "length": e.length} for e in value]
        elif name == "extra":
            value = plain(value)
        data[name] = value
    return data


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): _storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return value
