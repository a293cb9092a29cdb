"""JSON as the store keeps it: an entry's content, and what else has no columns of its own."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import orjson

from feedbot.core.expose import plain
from feedbot.core.text import storable
from feedbot.model import CONTENT_FIELDS, Author, Content, Enclosure

# How JSON writes control characters; and how characters begin that XML and databases refuse, with some others.
_ESCAPED = (b"\\u00", b"\\b", b"\\f")
_REFUSED = "\uffff".encode()[:2]


def to_text(content: Content) -> str:
    """The values that differ from what is usual, as JSON; without what databases refuse."""
    data = _plainly(content)
    try:
        text = orjson.dumps(data)
    except orjson.JSONEncodeError:
        return encode(_storable(data))
    if _REFUSED in text or (b"\\" in text and any(sign in text for sign in _ESCAPED)):
        text = orjson.dumps(_storable(data))
    return text.decode()


def encode(value: Any) -> str:
    """Any value as JSON, of which orjson takes no lone surrogates and no whole numbers of more than 64 bits."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value)


def decode(text: str | bytes) -> Any:
    """The value of what ``encode`` gave."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


JSON: dict[str, Any] = {"json_serializer": encode, "json_deserializer": decode}
"""How a database is told to write and read JSON."""


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


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): _storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(inner) for inner in value]
    return value
