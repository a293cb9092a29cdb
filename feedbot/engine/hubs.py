"""Tells WebSub hubs which feeds changed (W3C Recommendation WebSub, 2018; publishers ask in PubSubHubbub 0.4's way)."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import NamedTuple

from feedbot.core.outbox import verdict
from feedbot.engine.hubasking import ask
from feedbot.http import Fetcher
from feedbot.model import DeliveryState
from feedbot.store.pings import Pings


class Hubs(NamedTuple):
    """All that telling hubs needs to know and to reach; ``turn`` says whether it is this process's to do so."""

    store: Pings
    fetcher: Callable[[], Fetcher]
    clock: Callable[[], datetime]
    turn: Callable[[], AbstractContextManager[bool]]


def tell(hubs: Hubs) -> dict[str, str]:
    """Tell hubs what is due; gives what went wrong, by feed. What fails is tried again as deliveries are."""
    if not hubs.store.due(hubs.clock()):
        return {}
    with hubs.turn() as ours:
        return _told(hubs) if ours else {}


def _told(hubs: Hubs) -> dict[str, str]:
    failed: dict[str, str] = {}
    for ping in hubs.store.due(hubs.clock()):
        now = hubs.clock()
        form = {"hub.mode": "publish", "hub.url": ping.topic, "hub.topic": ping.topic}
        error = ask(ping.hub, form, hubs.fetcher(), now)
        if error is None:
            hubs.store.mark(ping, DeliveryState.SENT, now)
            continue
        decided = verdict(ping.attempts + 1, error, now, random.random())  # noqa: S311
        hubs.store.mark(ping, decided.state, decided.not_before, decided.error)
        failed[ping.feed] = decided.error
    return failed
