"""A change as JSON, for programs: the body of a webhook, a line of a log."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from feedbot.core.dates import rfc3339
from feedbot.core.expose import exposed
from feedbot.core.text import one_line
from feedbot.model import ChangeKind, Delivery, Digest


def webhook_body(delivery: Delivery) -> bytes:
    """The JSON body of a change, in UTF-8: the same bytes at every try."""
    return _json(_document(delivery))


def plain_body(delivery: Delivery) -> bytes:
    """The entry of a change alone, as JSON in UTF-8: the same bytes at every try."""
    return _json(_document(delivery)["data"])


def cloudevent_body(delivery: Delivery) -> bytes:
    """A change as a CloudEvent 1.0 in structured mode: the same bytes at every try."""
    document = _document(delivery)
    return _json(
        {
            "specversion": "1.0",
            "id": delivery.key,
            "source": f"/feedbot/sources/{quote(delivery.entry.source.encode('utf-8', 'replace'), safe='')}",
            "type": document["type"],
            "time": document["timestamp"],
            "subject": one_line(delivery.entry.id) or delivery.key,
            "datacontenttype": "application/json",
            "data": document["data"],
        }
    )


def digest_body(digest: Digest) -> bytes:
    """The JSON body of a digest, in UTF-8: the same bytes at every try."""
    return _json(_digest(digest))


def plain_digest_body(digest: Digest) -> bytes:
    """The entries of a digest alone, as a JSON list in UTF-8: the same bytes at every try."""
    return _json(_digest(digest)["data"]["entries"])


def cloudevent_digest_body(digest: Digest) -> bytes:
    """A digest as a CloudEvent 1.0 in structured mode: the same bytes at every try."""
    document = _digest(digest)
    return _json(
        {
            "specversion": "1.0",
            "id": digest.key,
            "source": f"/feedbot/sinks/{quote(digest.sink.encode('utf-8', 'replace'), safe='')}",
            "type": document["type"],
            "time": document["timestamp"],
            "subject": digest.key,
            "datacontenttype": "application/json",
            "data": document["data"],
        }
    )


def json_line(delivery: Delivery) -> bytes:
    """The same as one line that starts with the delivery's key, line end included."""
    return _json({"key": delivery.key, **_document(delivery)}) + b"\n"


def digest_line(digest: Digest) -> bytes:
    """A digest as one such line."""
    return _json({"key": digest.key, **_digest(digest)}) + b"\n"


def line_start(key: str) -> bytes:
    """What the line of the delivery with this key starts with, and no other line does."""
    return b'{"key":' + _json(key) + b","


def _document(delivery: Delivery) -> dict[str, Any]:
    data = exposed(delivery.entry, delivery.change.value, delivery.diff)
    if delivery.change is ChangeKind.ALERT:  # what it is about stands beside the title, and not below "extra"
        return {"type": "alert", "timestamp": rfc3339(delivery.created), "data": {**data, **data["extra"], "extra": {}}}
    return {"type": f"entry.{delivery.change.value}", "timestamp": rfc3339(delivery.created), "data": data}


def _digest(digest: Digest) -> dict[str, Any]:
    entries = [exposed(one.entry, one.change.value, one.diff) for one in digest.deliveries]
    return {"type": "digest", "timestamp": rfc3339(digest.created), "data": {"entries": entries}}


def _json(value: Any) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:  # front matter may hold .nan and .inf, which JSON does not have
        finite = json.loads(json.dumps(value), parse_constant=lambda _: None)
        text = json.dumps(finite, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
