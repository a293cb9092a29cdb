"""Makes the state smaller, when a person asks for it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from feedbot.locking import run_lock
from feedbot.settings import Configuration
from feedbot.store.prune import Old
from feedbot.store.store import Store


class Pruned(NamedTuple):
    """What was let go of: entries by source, deliveries, and the bytes that were given back to the disk."""

    entries: Mapping[str, int]
    deliveries: int
    bytes: int


def prune(
    configuration: Configuration,
    now: datetime,
    *,
    age: timedelta | None = None,
    keep: int | None = None,
    dry_run: bool = False,
) -> Pruned:
    """Let go of deliveries that were done for longer than ``retention``, and of entries older than ``age``.

    Of each source the newest ``keep`` stay, by default as many as the longest feed has, and all where a feed has an
    archive of them. Raises LockedError and StateError.
    """
    with contextlib.ExitStack() as stack:
        if dry_run:
            store = Store.open_copy(configuration.state)
        else:
            stack.enter_context(run_lock(configuration.state))
            store = Store.open(configuration.state, create=False)
        stack.callback(store.close)
        deliveries = store.retention.prune(now - configuration.feedbot.retention, steps=sys.maxsize)
        entries = {} if age is None else store.pruning.entries(_old(configuration, now, age, keep))
        return Pruned(entries, deliveries, 0 if dry_run else store.pruning.give_back())


def _old(configuration: Configuration, now: datetime, age: timedelta, keep: int | None) -> Old:
    """What is old, but never what a feed shows."""
    feeds = configuration.feeds.values()
    limits = [feed.limit for feed in feeds]
    return Old(
        before=now - max([age, *(limit for limit in limits if isinstance(limit, timedelta))]),
        keep=keep or max((limit for limit in limits if isinstance(limit, int)), default=1),
        spared={name for feed in feeds if feed.archive for name in configuration.sources_of(feed)},
    )
