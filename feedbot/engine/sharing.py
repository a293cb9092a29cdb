"""Publishes feeds where several processes do: each feed is written by one at a time, whatever the number of those."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from feedbot.engine.publishing import FeedSpec, Publishing, Sharing
from feedbot.engine.regenerate import looked, regenerate, stale, write_common, write_feeds
from feedbot.engine.report import FeedReport
from feedbot.errors import LeaseLostError
from feedbot.model import SourceState
from feedbot.store.turns import SURE, Held

PATIENCE = 30.0
"""Seconds that whoever does not come back soon waits for what others publish."""
_COMMON = "feeds"
"""The turn of whoever sees to what the feeds have in common."""
_PARTS = 4
_FEW = 4
_PAUSE = 0.2

log = logging.getLogger(__name__)


def publish(
    specs: Sequence[FeedSpec],
    states: Callable[[], Mapping[str, SourceState]],
    publishing: Publishing,
    *,
    only: Collection[str] | None = None,
    force: bool = False,
    patience: float = 0.0,
) -> dict[str, FeedReport]:
    """Write the feeds that changed (see ``regenerate``), none of them while another process does.

    What others write just now is waited for, so many seconds; the reports of what is left then say ``busy``.
    ``states`` gives the sources as far as feeds show them; where others publish too, they are read anew each time.
    Raises StateError.
    """
    sharing = publishing.sharing
    if sharing is None:
        return regenerate(specs, states(), publishing, only=only, force=force)
    reports = {spec.name: FeedReport(name=spec.name) for spec in specs if only is None or spec.name in only}
    if not looked(publishing, reports):
        return reports
    shared = _Shared(specs, publishing, sharing, reports, force)
    left = list(reports) if force else stale(specs, sharing.sources.shown(), publishing, reports)
    end = time.monotonic() + patience
    while left:
        few = max(_FEW, -(-len(left) // _PARTS))  # so that others may take up the rest meanwhile
        for start in range(0, len(left), few):
            shared.feeds(left[start : start + few])
        left = [name for name in left if reports[name].busy]
        if not left or time.monotonic() >= end:
            break
        time.sleep(_PAUSE)
    shared.common()
    return reports


class _Shared(Struct, frozen=True):
    """A round of publishing beside others."""

    specs: Sequence[FeedSpec]
    publishing: Publishing
    sharing: Sharing
    reports: dict[str, FeedReport]
    force: bool

    def feeds(self, names: Sequence[str]) -> None:
        """Write those of some feeds that nobody else writes."""
        turns, lease, now = self.sharing.turns, self.sharing.lease, self.publishing.clock()
        taken = turns.take_free([_turn(name) for name in names], lease, now)
        for name in names:
            self.reports[name].busy = _turn(name) not in taken
        chosen = [spec for spec in self.specs if spec.name in names and _turn(spec.name) in taken]
        if not chosen:
            return
        try:
            if looked(self.publishing, {spec.name: self.reports[spec.name] for spec in chosen}):  # others wrote since
                shown = self.sharing.sources.shown()
                write_feeds(self.specs, chosen, shown, self._guarded(taken, now), self.reports, force=self.force)
        except LeaseLostError:
            for spec in chosen:
                self.reports[spec.name].busy = True
        finally:
            turns.give(taken, lease)

    def common(self) -> None:
        """See to what the feeds have in common, unless somebody else does just now."""
        turns, lease, now = self.sharing.turns, self.sharing.lease, self.publishing.clock()
        taken = turns.take_free([_COMMON], lease, now)
        if not taken:
            return
        try:
            records = self.publishing.store.feed_records()
            write_common(self.specs, records, self._guarded(taken, now), self.reports)
        except LeaseLostError as error:  # whoever has it now does all of it again
            log.debug("%s", error)
        finally:
            turns.give(taken, lease)

    def _guarded(self, turns: frozenset[str], since: datetime) -> Publishing:
        """What to publish with: it is made sure, before a file is written, that the process has not slept too long."""
        held, last = Held(turns, self.sharing.lease), since

        def sure() -> None:
            nonlocal last
            now = self.publishing.clock()
            if now - last >= SURE:
                self.sharing.turns.hold(held, now)
                last = now

        return replace(self.publishing, sure=sure, held=held)


def _turn(name: str) -> str:
    return f"feed {name}"
