"""Asks WebSub hubs to push what is new, and to go on doing so (W3C Recommendation WebSub, 2018, section 5)."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import NamedTuple

from feedbot.core import schedule
from feedbot.engine.hubasking import ask
from feedbot.http import Fetcher
from feedbot.store.subscriptions import Subscription, Subscriptions

PATH = "websub/"
"""Where the callbacks are, below the public address."""
_LEASE = timedelta(days=10)
_ANSWER = timedelta(hours=1)  # for a hub to ask back whether it was us
_REFUSED = timedelta(days=7)
_TRUSTED = timedelta(days=14)  # after which a hub that has said nothing may say nothing any more


class Subscribing(NamedTuple):
    """All that subscribing needs to know and to reach; ``turn`` says whether it is this process's to do so.

    ``public`` is where feedbot is reached from outside.
    """

    store: Subscriptions
    fetcher: Callable[[], Fetcher]
    clock: Callable[[], datetime]
    turn: Callable[[], AbstractContextManager[bool]]
    public: str


def subscribe(wanted: Collection[str], subscribing: Subscribing) -> dict[str, str]:
    """Ask the hubs of these sources that are due to be asked; gives what went wrong, by source."""
    known, now = subscribing.store.all(), subscribing.clock()
    if all(name in wanted and one.ask_at > now for name, one in known.items()):
        return {}
    with subscribing.turn() as ours:
        return _subscribed(wanted, subscribing) if ours else {}


def _subscribed(wanted: Collection[str], subscribing: Subscribing) -> dict[str, str]:
    known = subscribing.store.all()
    gone = known.keys() - set(wanted)
    if gone:
        subscribing.store.remove(gone)
    failed: dict[str, str] = {}
    for name, subscription in known.items():
        now = subscribing.clock()
        if name in gone or subscription.ask_at > now:
            continue
        # Stored first: the hub may ask back before it has answered.
        attempts = subscription.attempts + 1
        subscribing.store.change(subscription.token, attempts=attempts, ask_at=now + _ANSWER)
        error, again = _asked(subscription._replace(attempts=attempts), subscribing, now)
        if error:
            failed[name] = error
            subscribing.store.change(subscription.token, ask_at=again, error=error)
    return failed


def slowed(interval: timedelta, subscription: Subscription | None, longest: timedelta, now: datetime) -> timedelta:
    """How often to poll a source whose hub pushes: as seldom as may be, as long as pushes come."""
    if subscription is None or subscription.lease_until is None or subscription.lease_until <= now:
        return interval
    if subscription.pushed_at is None or now - subscription.pushed_at > _TRUSTED:
        return interval
    return max(interval, longest)


def is_pushed(subscription: Subscription | None, last_poll: datetime | None) -> bool:
    """Whether a source's hub has pushed since it was polled last."""
    if subscription is None or subscription.pushed_at is None:
        return False
    return last_poll is None or last_poll < subscription.pushed_at


def granted(seconds: int | None, now: datetime) -> dict[str, object]:
    """What becomes of a subscription that its hub has confirmed for so long."""
    lease = timedelta(seconds=seconds) if seconds else _LEASE
    lease = min(max(lease, timedelta(minutes=10)), timedelta(days=366))
    return {"lease_until": now + lease, "ask_at": now + lease * 0.8, "attempts": 0, "error": ""}


def denied(reason: str, now: datetime) -> dict[str, object]:
    """What becomes of a subscription that its hub does not want."""
    return {"lease_until": None, "ask_at": now + _REFUSED, "error": f"the hub refused: {reason or 'no reason given'}"}


def _asked(subscription: Subscription, subscribing: Subscribing, now: datetime) -> tuple[str, datetime]:
    """What went wrong in asking a hub, "" if nothing did, and when to ask again."""
    form: dict[str, str | int] = {
        "hub.mode": "subscribe",
        "hub.topic": subscription.topic,
        "hub.callback": f"{subscribing.public}{PATH}{subscription.token}",
        "hub.secret": subscription.secret,
        "hub.lease_seconds": int(_LEASE.total_seconds()),
    }
    error = ask(subscription.hub, form, subscribing.fetcher(), now)
    if error is None:
        return "", now + _ANSWER
    if error.refused:
        return error.message, now + _REFUSED
    wait = schedule.back_off(subscription.attempts, timedelta(minutes=5), random.random())  # noqa: S311
    return error.message, max(now + wait, error.not_before or now)
