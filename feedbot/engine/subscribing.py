"""Asks WebSub hubs to push what is new, and to go on doing so (W3C Recommendation WebSub, 2018, section 5)."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import urlencode

from feedbot.core import schedule
from feedbot.http import Fetcher, HttpError, Request
from feedbot.store.subscriptions import Subscription, Subscriptions

PATH = "websub/"
"""Where the callbacks are, below the public address."""
_LEASE = timedelta(days=10)
_ANSWER = timedelta(hours=1)  # for a hub to ask back whether it was us
_REFUSED = timedelta(days=7)
_SECONDS = 15.0
_LATER = frozenset({408, 425, 429})


@dataclass(frozen=True, kw_only=True)
class Hub:
    """What a feed says of its hub: the hub's address, and the address that the feed has there."""

    url: str
    topic: str


@dataclass(frozen=True, kw_only=True)
class Subscribing:
    """All that subscribing needs to know and to reach. ``public`` is where feedbot is reached from outside."""

    store: Subscriptions
    fetcher: Callable[[], Fetcher]
    clock: Callable[[], datetime]
    public: str


def subscribe(wanted: Mapping[str, Hub], subscribing: Subscribing) -> dict[str, str]:
    """Ask the hubs of these sources that are due to be asked; gives what went wrong, by source."""
    known = subscribing.store.all()
    gone = known.keys() - wanted.keys()
    if gone:
        subscribing.store.remove(gone)
    failed: dict[str, str] = {}
    for name, hub in wanted.items():
        now = subscribing.clock()
        subscription = known.get(name)
        if subscription is None or (subscription.hub, subscription.topic) != (hub.url, hub.topic):
            subscription = _fresh(name, hub, now)
        if subscription.ask_at > now:
            continue
        # Stored first: the hub may ask back before it has answered.
        subscription = replace(subscription, attempts=subscription.attempts + 1, ask_at=now + _ANSWER)
        subscribing.store.put(subscription)
        error, again = _asked(subscription, subscribing, now)
        if error:
            failed[name] = error
            subscribing.store.change(subscription.token, ask_at=again, error=error)
    return failed


def granted(seconds: int | None, now: datetime) -> dict[str, object]:
    """What becomes of a subscription that its hub has confirmed for so long."""
    lease = timedelta(seconds=seconds) if seconds else _LEASE
    lease = min(max(lease, timedelta(minutes=10)), timedelta(days=366))
    return {"lease_until": now + lease, "ask_at": now + lease * 0.8, "attempts": 0, "error": ""}


def denied(reason: str, now: datetime) -> dict[str, object]:
    """What becomes of a subscription that its hub does not want."""
    return {"lease_until": None, "ask_at": now + _REFUSED, "error": f"the hub refused: {reason or 'no reason given'}"}


def _fresh(name: str, hub: Hub, now: datetime) -> Subscription:
    return Subscription(
        source=name,
        hub=hub.url,
        topic=hub.topic,
        token=secrets.token_urlsafe(24),
        secret=secrets.token_urlsafe(32),
        ask_at=now,
    )


def _asked(subscription: Subscription, subscribing: Subscribing, now: datetime) -> tuple[str, datetime]:
    """What went wrong in asking a hub, "" if nothing did, and when to ask again."""
    form = {
        "hub.mode": "subscribe",
        "hub.topic": subscription.topic,
        "hub.callback": f"{subscribing.public}{PATH}{subscription.token}",
        "hub.secret": subscription.secret,
        "hub.lease_seconds": int(_LEASE.total_seconds()),
    }
    request = Request(
        url=subscription.hub,
        method="POST",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body=urlencode(form).encode(),
        timeout=_SECONDS,
        follow_redirects=False,
    )
    wait = schedule.back_off(subscription.attempts, timedelta(minutes=5), random.random())  # noqa: S311
    try:
        response = subscribing.fetcher().send(request, now)
    except HttpError as error:
        return f"the hub {subscription.hub} was not asked: {error.message}", now + wait
    if 200 <= response.status < 300:
        return "", now + _ANSWER
    again = max(now + wait, response.retry_at or now)
    if response.status < 500 and response.status not in _LATER:
        again = now + _REFUSED
    return f"the hub {subscription.hub} answered {response.status}", again
