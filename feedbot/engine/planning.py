"""Plans what a poll's changes lead to: entries to store, deliveries to make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from feedbot.core.diff import Addition, Edit, effective_updated
from feedbot.core.expose import exposed
from feedbot.core.identity import across
from feedbot.core.policy import RESTLESS, announce_new, counts_as_update, oldest_first, restless
from feedbot.core.route import Route, delivery_key, sinks_for
from feedbot.core.textdiff import text_diff
from feedbot.engine.report import Announced, SourceReport, SourceStatus
from feedbot.model import CONTENT_FIELDS, ChangeKind, Content, DeliveryState, EditKind, Entry, Known, SourceState
from feedbot.plugins import SourceSettings
from feedbot.store.poll import AddedEntry, EditedEntry, Planned, WithdrawnEntry
from feedbot.store.sources import Sources

_MAX_FORMER = 16  # addresses that an entry once had: some feeds give another one at every fetch


@dataclass(frozen=True, kw_only=True)
class Planning:
    """What planning goes by. Without ``notify`` no delivery is made."""

    store: Sources
    routes: Sequence[Route]
    present: Callable[[Entry], Entry]
    instance: str
    flood_limit: int
    notify: bool = True


class Planner:
    """Turns the changes of one poll into what is stored, with their deliveries, and tells the report."""

    def __init__(
        self,
        planning: Planning,
        settings: SourceSettings,
        state: SourceState,
        report: SourceReport,
        now: datetime,
    ) -> None:
        self._planning = planning
        self._settings = settings
        self._report = report
        self._now = now
        self._first_poll = not state.polled
        self._last_poll = state.last_poll

    def added(self, additions: Sequence[Addition], *, newest_on_top: bool) -> tuple[AddedEntry, ...]:
        choice = announce_new(
            additions,
            first_poll=self._first_poll,
            backfill=self._settings.backfill,
            flood_limit=self._planning.flood_limit,
            announced=self._announced_before(additions),
        )
        state = DeliveryState.HELD if choice.held else DeliveryState.PENDING
        if choice.held and self._planning.notify:
            self._report.status = SourceStatus.HELD
        stored = []
        for index in oldest_first(additions, newest_on_top=newest_on_top):
            addition = additions[index]
            entry = self._entry(addition.item, addition.id, 1, self._now)
            planned = self._plan(ChangeKind.NEW, entry, state=state) if index in choice.chosen else ()
            self._report.new.append(addition.id)
            stored.append(
                AddedEntry(
                    id=addition.id,
                    content=addition.item,
                    sort_at=addition.item.published or self._now,
                    fingerprints=addition.fingerprints,
                    keys=addition.keys.all,
                    deliveries=planned,
                )
            )
        self._report.entries += len(stored)
        return tuple(stored)

    def edited(self, edits: Sequence[Edit]) -> tuple[EditedEntry, ...]:
        before = self._planning.store.contents([edit.known.pk for edit in edits]) if edits else {}
        stored = []
        for edit in edits:
            former = before[edit.known.pk]
            old = Content(**former.content)
            revision = edit.known.revision + (edit.kind is not EditKind.NONE)
            in_a_row = restless(former.restless, former.edited_at, self._last_poll)
            kind = edit.kind
            if in_a_row >= RESTLESS and kind is not EditKind.NONE:
                kind = EditKind.METADATA
            content = replace(
                edit.item,
                updated=effective_updated(edit.item, kind, former.revised_at, self._now),
                aliases=_with_former(edit.item, old),
            )
            planned: tuple[Planned, ...] = ()
            if kind is not EditKind.NONE:
                self._report.edited[edit.known.id] = kind.value
            if counts_as_update(kind, self._settings.updates) and in_a_row < RESTLESS:
                self._report.updated.append(edit.known.id)
                entry = self._entry(content, edit.known.id, revision, former.first_seen)
                planned = self._plan(ChangeKind.UPDATED, entry, diff=text_diff(old, content))
            self._report.entries += edit.known.withdrawn
            stored.append(
                EditedEntry(
                    pk=edit.known.pk,
                    revision=revision,
                    content=content,
                    sort_at=content.published or former.first_seen,
                    edit=kind,
                    revised=kind in (EditKind.TEXT, EditKind.MARKUP),
                    restless=in_a_row,
                    restored=edit.known.withdrawn,
                    fingerprints=edit.fingerprints,
                    keys=edit.keys.all,
                    deliveries=planned,
                )
            )
        return tuple(stored)

    def withdrawn(self, gone: Sequence[Known]) -> tuple[WithdrawnEntry, ...]:
        before = self._planning.store.contents([known.pk for known in gone]) if gone else {}
        stored = []
        for known in gone:
            former = before[known.pk]
            revision = known.revision + 1
            entry = self._entry(Content(**former.content), known.id, revision, former.first_seen)
            self._report.withdrawn.append(known.id)
            planned = self._plan(ChangeKind.WITHDRAWN, entry)
            stored.append(WithdrawnEntry(pk=known.pk, revision=revision, deliveries=planned))
        self._report.entries -= len(stored)
        return tuple(stored)

    def _announced_before(self, additions: Sequence[Addition]) -> frozenset[int]:
        """The new entries that another program has announced, before the source was taken over from it."""
        keys = [key for addition in additions for key in addition.keys.all]
        known = self._planning.store.announced_before(self._report.name, keys) if keys else set[bytes]()
        return frozenset(index for index, one in enumerate(additions) if known.intersection(one.keys.all))

    def _entry(self, content: Content, entry_id: str, revision: int, first_seen: datetime) -> Entry:
        values: dict[str, Any] = {name: getattr(content, name) for name in CONTENT_FIELDS}
        return Entry(id=entry_id, source=self._report.name, first_seen=first_seen, revision=revision, **values)

    def _plan(
        self, change: ChangeKind, entry: Entry, *, diff: str = "", state: DeliveryState = DeliveryState.PENDING
    ) -> tuple[Planned, ...]:
        if not self._planning.notify:
            return ()
        problems: list[str] = []
        sinks = sinks_for(
            self._planning.routes,
            entry.source,
            change,
            lambda: exposed(self._planning.present(entry), change.value, diff),
            problems.append,
        )
        if problems:
            self._report.notes += tuple(problem for problem in problems if problem not in self._report.notes)
        if sinks:
            self._report.announced.append(Announced(change, entry))
        return tuple(
            Planned(
                sink=sink,
                key=delivery_key(self._planning.instance, sink, entry.source, entry.id, entry.revision),
                across=across(entry) if once and change is ChangeKind.NEW else None,
                diff=diff,
                state=state,
            )
            for sink, once in sinks.items()
        )


def _with_former(item: Content, old: Content) -> tuple[str, ...]:
    """An entry's aliases with the address that it had before, if that changed."""
    former = (old.url,) if old.url and old.url != item.url else ()
    kept = tuple(alias for alias in old.aliases if alias not in item.aliases and alias != item.url)
    return tuple(dict.fromkeys((*item.aliases, *former, *kept)))[: len(item.aliases) + _MAX_FORMER]
