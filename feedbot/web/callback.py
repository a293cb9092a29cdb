"""Where hubs ask back and push (W3C Recommendation WebSub, 2018, sections 5.3 and 7).

What is pushed is taken as a sign to poll, and not for what it says: so it goes the way of everything else, and
nobody who finds out an address can put words into a feed.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from feedbot.engine.subscribing import denied, granted
from feedbot.errors import StateError
from feedbot.store.subscriptions import Subscriptions

_MAX_BODY = 10_000_000
_HASHES = frozenset({"sha1", "sha256", "sha384", "sha512"})

log = logging.getLogger(__name__)


class Callback:
    """Answers the hubs of subscriptions, which ``subscriptions`` opens for as long as an answer takes."""

    def __init__(
        self, subscriptions: Callable[[], AbstractContextManager[Subscriptions]], clock: Callable[[], datetime]
    ) -> None:
        self._subscriptions = subscriptions
        self._clock = clock

    async def answer(self, request: Request) -> Response:
        """Answer a hub that asks back (GET), or pushes (POST)."""
        token = request.path_params["token"]
        if request.method == "GET":
            return await run_in_threadpool(self._in_state, _verify, token, dict(request.query_params))
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MAX_BODY:
                return _plain(413, "too long")
        signature = request.headers.get("x-hub-signature", "")
        return await run_in_threadpool(self._in_state, _take, token, signature, bytes(body))

    def _in_state(self, answer: Callable[..., Response], *asked: Any) -> Response:
        try:
            with self._subscriptions() as subscriptions:
                return answer(subscriptions, self._clock(), *asked)
        except StateError as error:
            log.warning("a hub is asked to come back: %s", error.message)
            return _plain(503, "come back later")


def is_signed(signature: str, secret: str, body: bytes) -> bool:
    """Whether a body came with the signature that its secret makes (section 8: ``method=hex``)."""
    method, _, given = signature.partition("=")
    if method not in _HASHES:
        return False
    wanted = hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()
    return hmac.compare_digest(wanted.encode(), given.strip().lower().encode("utf-8", "replace"))


def _verify(subscriptions: Subscriptions, now: datetime, token: str, query: Mapping[str, str]) -> Response:
    """Tell a hub whether it was us who asked."""
    mode, topic = query.get("hub.mode", ""), query.get("hub.topic", "")
    subscription = subscriptions.by_token(token)
    known = subscription is not None and subscription.topic == topic
    if mode == "denied" and known:
        subscriptions.change(token, **denied(query.get("hub.reason", "")[:200], now))
        return _plain(200, "")
    if mode == "subscribe" and known:
        seconds = query.get("hub.lease_seconds", "")
        lease = int(seconds) if seconds.isdecimal() and len(seconds) < 12 else None
        subscriptions.change(token, **granted(lease, now))
        return _plain(200, query.get("hub.challenge", ""))
    if mode == "unsubscribe" and not known:
        return _plain(200, query.get("hub.challenge", ""))
    return _plain(404, "nobody here asked for that")


def _take(subscriptions: Subscriptions, now: datetime, token: str, signature: str, body: bytes) -> Response:
    """Note that something was pushed, so that the source is polled as soon as may be."""
    subscription = subscriptions.by_token(token)
    if subscription is None:
        return _plain(410, "nobody here wants that any more")
    if is_signed(signature, subscription.secret, body):
        subscriptions.change(token, pushed_at=now)
    return _plain(202, "")  # also where it is not: who forges learns nothing (section 8)


def _plain(status: int, text: str) -> Response:
    return PlainTextResponse(text, status, {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
