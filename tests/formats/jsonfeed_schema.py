"""The rules of JSON Feed 1.1 (jsonfeed.org/version/1.1) as a JSON Schema."""

from __future__ import annotations

from typing import Any

_ADDRESS = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:\\S+$"}
_TEXT = {"type": "string", "minLength": 1}
_MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
_LANGUAGE = {"type": "string", "pattern": r"^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$"}
_AMOUNT = {"type": "integer", "minimum": 0}


def _object(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """An object with no keys but these and a publisher's own, which begin with an underscore."""
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "patternProperties": {"^_[A-Za-z]": {"type": "object"}},
        "additionalProperties": False,
    }


_AUTHOR = _object(name=_TEXT, url=_ADDRESS, avatar=_ADDRESS) | {"minProperties": 1}
_AUTHORS = {"type": "array", "items": _AUTHOR}
_ATTACHMENT = _object(
    ("url", "mime_type"),
    url=_ADDRESS,
    mime_type={"type": "string", "pattern": "^[^/\\s]+/[^/\\s]+"},
    title=_TEXT,
    size_in_bytes=_AMOUNT,
    duration_in_seconds={"type": "number", "minimum": 0},
)
_ITEM = _object(
    ("id",),
    id=_TEXT,
    url=_ADDRESS,
    external_url=_ADDRESS,
    title=_TEXT,
    content_html={"type": "string"},
    content_text={"type": "string"},
    summary=_TEXT,
    image=_ADDRESS,
    banner_image=_ADDRESS,
    date_published=_MOMENT,
    date_modified=_MOMENT,
    authors=_AUTHORS,
    tags={"type": "array", "items": _TEXT},
    language=_LANGUAGE,
    attachments={"type": "array", "items": _ATTACHMENT},
) | {"anyOf": [{"required": ["content_html"]}, {"required": ["content_text"]}]}

SCHEMA = _object(
    ("version", "title", "items"),
    version={"const": "https://jsonfeed.org/version/1.1"},
    title=_TEXT,
    home_page_url=_ADDRESS,
    feed_url=_ADDRESS,
    description=_TEXT,
    user_comment=_TEXT,
    next_url=_ADDRESS,
    icon=_ADDRESS,
    favicon=_ADDRESS,
    authors=_AUTHORS,
    language=_LANGUAGE,
    expired={"type": "boolean"},
    hubs={"type": "array", "items": _object(("type", "url"), type=_TEXT, url=_ADDRESS)},
    items={"type": "array", "items": _ITEM},
)
