"""Alerts: what a person should know about feedbot's own work, told by deliveries like those of entries.

An alert is kept as an entry of a source that no configuration can name, and its deliveries stand in the outbox: they
are retried, listed and counted as all others are. They are written in the transaction that writes what they tell of,
so that each is made exactly once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from feedbot.core.text import storable
from feedbot.model import ALERTS, ChangeKind, Content, DeliveryState
from feedbot.store.codec import to_text
from feedbot.store.schema import entries, outbox, sources
from feedbot.store.transactions import upsert

_NO_PRINTS = {"text_print": "", "metadata_print": "", "whole_print": ""}


class Alert(NamedTuple):
    """Something to tell, and the sinks that are told with the key of the delivery to each.

    ``topic`` is what kind of thing happened to what. ``not_within``: it is left out where the same topic was told so
    shortly before.
    """

    id: str
    topic: str
    content: Content
    deliveries: tuple[tuple[str, str], ...]
    not_within: timedelta | None = None


def write_alerts(connection: sa.Connection, alerts: Sequence[Alert], now: datetime) -> None:
    """Put alerts into the outbox, in a transaction of the caller; one that is there already is left as it is."""
    for alert in alerts:
        source = _source(connection)
        if alert.deliveries and not _told_lately(connection, source, alert, now):
            _write(connection, source, alert, now)


def forget_alerts(connection: sa.Connection, before: datetime) -> None:
    """Let go of alerts made before a moment of which no delivery is left."""
    own = sa.select(sources.c.pk).where(sources.c.name == ALERTS).scalar_subquery()
    delivered = sa.exists().where(outbox.c.entry_pk == entries.c.pk)
    connection.execute(sa.delete(entries).where(entries.c.source_pk == own, entries.c.first_seen < before, ~delivered))


def _source(connection: sa.Connection) -> int:
    connection.execute(upsert(sources).on_conflict_do_nothing(), {"name": ALERTS})
    return int(connection.execute(sa.select(sources.c.pk).where(sources.c.name == ALERTS)).scalar_one())


def _told_lately(connection: sa.Connection, source: int, alert: Alert, now: datetime) -> bool:
    if alert.not_within is None:
        return False
    lately = sa.select(entries.c.pk).where(
        entries.c.source_pk == source,
        entries.c.id.startswith(f"{alert.topic}:", autoescape=True),
        entries.c.first_seen > now - alert.not_within,
        entries.c.first_seen <= now,
    )
    return connection.execute(lately.limit(1)).first() is not None


def _write(connection: sa.Connection, source: int, alert: Alert, now: datetime) -> None:
    row = {"source_pk": source, "id": storable(alert.id), "sort_at": now, "first_seen": now, "why": "alert"}
    data = json.loads(to_text(alert.content))
    made = connection.execute(
        upsert(entries).values(**row, **_NO_PRINTS, data=data).on_conflict_do_nothing().returning(entries.c.pk)
    ).scalar()
    if made is None:
        return
    moments = {"created_at": now, "not_before": now, "planned_at": now}
    same = {
        "entry_pk": made,
        "change": ChangeKind.ALERT.value,
        "revision": 1,
        "why": "alert",
        "delivered": [],
        **moments,
    }
    connection.execute(
        upsert(outbox).on_conflict_do_nothing(),
        [{"key": key, "sink": sink, "state": DeliveryState.PENDING.value, **same} for sink, key in alert.deliveries],
    )
