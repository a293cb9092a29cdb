"""Puts answers on the wire: headers as they go out, bodies in pieces (ASGI)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
EncodedHeaders = list[tuple[bytes, bytes]]

_CHUNK = 262_144
_SLOWEST = 60.0
"""Seconds that a client may take for a chunk; who reads slower is let go of."""


def encoded(status: int, headers: Sequence[tuple[str, str]], length: int = 0) -> EncodedHeaders:
    """Headers as they go out, with the length of a body where there may be one."""
    if status in (204, 304):
        told = [pair for pair in headers if pair[0] != "content-type"]
    else:
        told = [*headers, ("content-length", str(length))]
        if not any(name == "content-type" for name, _ in headers):
            told += [("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff")]
    return [(name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in told]


async def respond(send: Send, status: int, headers: EncodedHeaders, body: bytes = b"") -> None:
    """Send a whole response."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    if len(body) <= _CHUNK:
        await send({"type": "http.response.body", "body": body})
        return
    view = memoryview(body)
    for start in range(0, len(body), _CHUNK):
        more = start + _CHUNK < len(body)
        message = {"type": "http.response.body", "body": bytes(view[start : start + _CHUNK]), "more_body": more}
        await asyncio.wait_for(send(message), _SLOWEST)
