"""An entry's content as the JSON that the store keeps."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from feedbot.core.expose import plain
from feedbot.core.text import storable
from feedbot.model import CONTENT_FIELDS, Author, Content, Enclosure


def to_json(content: Content) -> dict[str, Any]:
    """Values that differ from what is usual, as JSON takes them; without what databases refuse."""
    data: dict[str, Any] = {}
    for name in CONTENT_FIELDS:
        value = getattr(content, name)
        if name in ("published", "updated"):
            value = value.isoformat() if value else None
        elif name in ("authors", "enclosures"):
            value = [asdict(part) for part in value]
        if value:
            data[name] = _storable(plain(value))
    return data


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


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(key): _storable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_storable(inner) for inner in value]
    return value
