"""Answers Prometheus at /metrics, where it is asked for, and to whom it is meant."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from threading import Lock
from time import monotonic

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from feedbot.errors import FeedbotError
from feedbot.metrics import CONTENT_TYPE

_FRESH = 1.0  # seconds for which an answer is good, lest who asks often keeps the state busy

log = logging.getLogger(__name__)


class Metrics:
    """Gives what ``gather`` gives, to a request that carries what ``token`` gives, if that is anything."""

    def __init__(self, gather: Callable[[], bytes], token: Callable[[], str | None]) -> None:
        self._gather = gather
        self._token = token
        self._lock = Lock()
        self._last: tuple[float, bytes] = (float("-inf"), b"")

    def answer(self, request: Request) -> Response:
        """The response; it may wait for the disk."""
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        if not self._may(request):
            return PlainTextResponse("metrics want the token\n", 401, {**headers, "WWW-Authenticate": "Bearer"})
        try:
            body = self._fresh()
        except FeedbotError as error:
            log.debug("metrics: %s", error)
            return PlainTextResponse("the state cannot be read\n", 503, headers)
        return Response(body, 200, headers, media_type=CONTENT_TYPE)

    def _may(self, request: Request) -> bool:
        wanted = self._token()
        if wanted is None:
            return True
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        given = (bearer.strip() if kind.lower() == "bearer" else "", request.query_params.get("token", ""))
        return any(one and hmac.compare_digest(one.encode("utf-8", "replace"), wanted.encode()) for one in given)

    def _fresh(self) -> bytes:
        with self._lock:
            at, body = self._last
            if monotonic() - at > _FRESH:
                body = self._gather()
                self._last = monotonic(), body
            return body
