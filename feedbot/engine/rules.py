"""The rules of a configuration that planning goes by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from msgspec import Struct, field

from feedbot.engine.alerts import Alerting

if TYPE_CHECKING:
    from feedbot.core.route import Route
    from feedbot.model import Entry
    from feedbot.store.knowledge import Knowledge


class Planning(Struct, frozen=True, kw_only=True):
    """What planning goes by. Without ``notify`` no delivery is made. ``keep_revisions`` is of each entry;
    digests and quiet hours go by the wall clock of ``zone``. ``alerting`` tells a person what is not well."""

    knowledge: Knowledge
    routes: Sequence[Route]
    present: Callable[[Entry], Entry]
    instance: str
    flood_limit: int
    notify: bool = True
    keep_revisions: int = 10
    zone: tzinfo = UTC
    alerting: Alerting = field(default_factory=Alerting)
