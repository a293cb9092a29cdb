"""A change to try sinks and templates with: of an entry that feedbot knows, or one made up."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from feedbot.model import Author, ChangeKind, Delivery, Entry

if TYPE_CHECKING:
    from datetime import datetime

    from feedbot.cli.context import Context
    from feedbot.settings import Configuration


def made_up(sink: str, key: str, now: datetime) -> Delivery:
    """A change that was made up to be looked at."""
    entry = Entry(
        id="tag:feedbot,2026:test",
        source="test",
        first_seen=now,
        url="https://example.org/feedbot-test/",
        title="A test message from feedbot",
        authors=(Author("feedbot"),),
        published=now,
        summary="This message was sent by hand, to see whether it arrives.",
        content="<p>This message was sent by hand, to see <b>whether it arrives</b>.</p>",
        tags=("test",),
    )
    return _new(sink, key, entry, now)


def known(context: Context, configuration: Configuration, sink: str, entry_id: str) -> Delivery | None:
    """The announcement of an entry, by its id or how that begins, or of the newest; None where there is no entry yet.

    Raises UsageError where there is none of that id, or several begin so.
    """
    from feedbot.cli.entry import find
    from feedbot.core.route import delivery_key
    from feedbot.parts import Parts

    if not entry_id and not context.has_state(configuration):
        return None
    store = context.open_store(configuration)
    try:
        instance = store.instance()
        found = find(store, entry_id)[0] if entry_id else next(store.entries.newest(list(configuration.sources)), None)
    finally:
        store.close()
    if found is None:
        return None
    key = delivery_key(instance, sink, found.source, found.id, found.revision)
    return _new(sink, key, Parts(configuration, out=sys.stdout).present(found), context.now())


def _new(sink: str, key: str, entry: Entry, now: datetime) -> Delivery:
    return Delivery(
        pk=0, key=key, sink=sink, change=ChangeKind.NEW, entry=entry, attempts=1, created=now, not_before=now
    )
