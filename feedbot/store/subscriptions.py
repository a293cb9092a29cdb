"""Subscriptions to hubs: which feeds push what is new, to which address of ours, and for how long."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from feedbot.model import Hub
from feedbot.store.schema import subscriptions
from feedbot.store.transactions import Transactions, persistent


class Subscription(NamedTuple):
    """A feed at a hub. ``token`` ends the address it pushes to, ``secret`` signs what it pushes.

    ``ask_at`` is when the hub is asked (again); ``lease_until`` how long it has promised to push, None where it has
    not; ``attempts`` counts what it was asked in vain since.
    """

    source: str
    hub: str
    topic: str
    token: str
    secret: str
    ask_at: datetime
    attempts: int = 0
    lease_until: datetime | None = None
    pushed_at: datetime | None = None
    error: str = ""


class Subscriptions:
    """What the state holds about subscriptions."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    @persistent
    def all(self) -> dict[str, Subscription]:
        """All by their source."""
        with self._transactions.read() as connection:
            rows = connection.execute(sa.select(subscriptions).order_by(subscriptions.c.source))
            return {row.source: Subscription(**row._mapping) for row in rows}

    @persistent
    def by_token(self, token: str) -> Subscription | None:
        """The subscription whose pushes come to the address that ends so."""
        with self._transactions.read() as connection:
            row = connection.execute(sa.select(subscriptions).where(subscriptions.c.token == token)).first()
            return None if row is None else Subscription(**row._mapping)

    @persistent
    def change(self, token: str, **values: Any) -> None:
        """Change a subscription that may have been replaced or removed meanwhile, and then is left alone."""
        with self._transactions.write() as connection:
            connection.execute(sa.update(subscriptions).where(subscriptions.c.token == token).values(values))

    @persistent
    def remove(self, names: Collection[str]) -> None:
        """Forget the subscriptions of these sources; what their hubs still push is refused then."""
        with self._transactions.write() as connection:
            connection.execute(sa.delete(subscriptions).where(subscriptions.c.source.in_(names)))


def want(connection: sa.Connection, source: str, hub: Hub, now: datetime) -> None:
    """Have a source's hub asked to push, unless it is already; forget the subscription where there is no hub."""
    same = sa.and_(subscriptions.c.source == source, subscriptions.c.hub == hub.url, subscriptions.c.topic == hub.topic)
    if connection.execute(sa.select(subscriptions.c.source).where(same)).first() is not None:
        return
    connection.execute(sa.delete(subscriptions).where(subscriptions.c.source == source))
    if hub.url:
        fresh = {"token": secrets.token_urlsafe(24), "secret": secrets.token_urlsafe(32), "ask_at": now}
        connection.execute(sa.insert(subscriptions).values(source=source, hub=hub.url, topic=hub.topic, **fresh))
