"""Tells WebSub hubs which feeds changed (W3C Recommendation WebSub, 2018; publishers ask in PubSubHubbub 0.4's way)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from feedbot.core.outbox import verdict
from feedbot.errors import DeliveryError
from feedbot.http import Fetcher, HttpError, Request
from feedbot.model import DeliveryState
from feedbot.store.pings import Ping, Pings

_SECONDS = 15.0
_LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, kw_only=True)
class Hubs:
    """All that telling hubs needs to know and to reach."""

    store: Pings
    fetcher: Callable[[], Fetcher]
    clock: Callable[[], datetime]


def tell(hubs: Hubs) -> dict[str, str]:
    """Tell hubs what is due; gives what went wrong, by feed. What fails is tried again as deliveries are."""
    failed: dict[str, str] = {}
    for ping in hubs.store.due(hubs.clock()):
        now = hubs.clock()
        error = _told(ping, hubs.fetcher(), now)
        if error is None:
            hubs.store.mark(ping, DeliveryState.SENT, now)
            continue
        decided = verdict(ping.attempts + 1, error, now, random.random())  # noqa: S311
        hubs.store.mark(ping, decided.state, decided.not_before, decided.error)
        failed[ping.feed] = decided.error
    return failed


def _told(ping: Ping, fetcher: Fetcher, now: datetime) -> DeliveryError | None:
    """What kept a hub from taking the news, None where it took it."""
    body = urlencode({"hub.mode": "publish", "hub.url": ping.topic, "hub.topic": ping.topic}).encode()
    request = Request(
        url=ping.hub,
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=body,
        timeout=_SECONDS,
        follow_redirects=False,
    )
    try:
        response = fetcher.send(request, now)
    except HttpError as error:
        return DeliveryError(f"the hub {ping.hub} was not told: {error.message}", error.hint, refused=error.forbidden)
    if 200 <= response.status < 300:
        return None
    refused = response.status < 500 and response.status not in _LATER
    return DeliveryError(
        f"the hub {ping.hub} answered {response.status}",
        "check hub" if refused else "",
        refused=refused,
        not_before=response.retry_at,
    )
