"""Plans what a poll's changes lead to: entries to store, deliveries to make."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from feedbot.core import policy
from feedbot.core.calendar import due
from feedbot.core.diff import Addition, Edit, effective_updated
from feedbot.core.expose import exposed
from feedbot.core.fingerprint import difference, edit_kind
from feedbot.core.identity import across
from feedbot.core.outbox import Standing
from feedbot.core.policy import RESTLESS, Shift
from feedbot.core.route import Route, delivery_key, sinks_for, soonest
from feedbot.core.textdiff import text_diff
from feedbot.engine.report import Announced, SourceReport, SourceStatus
from feedbot.engine.rules import Planning
from feedbot.model import CONTENT_FIELDS, ChangeKind, Content, DeliveryState, EditKind, Entry, Known, SourceState
from feedbot.plugins import SourceSettings
from feedbot.store.knowledge import Stored
from feedbot.store.poll import AddedEntry, EditedEntry, Planned, WithdrawnEntry

_MAX_FORMER = 16  # addresses that an entry once had: some feeds give another one at every fetch


class Window(Struct, frozen=True):
    """How many entries the last document of a source listed, and how many known ones the present one does.

    ``moved``: the source was of another type then, as where a blog's feed gave way to its posts. ``complete``: it
    lists all there is, as a folder does, where each edit is one that somebody made.
    """

    listed: int
    there: int
    moved: bool = False
    complete: bool = False


class Planner:
    """Turns the changes of one poll into what is stored, with their deliveries, and tells the report."""

    def __init__(
        self,
        planning: Planning,
        settings: SourceSettings,
        state: SourceState,
        report: SourceReport,
        now: datetime,
        window: Window,
    ) -> None:
        self._planning = planning
        self._settings = settings
        self._report = report
        self._now = now
        self._state = state
        self._window = window
        self._leading: dict[str, list[Route]] = {}  # by the text that stands for them in a delivery

    def added(self, additions: Sequence[Addition], *, newest_on_top: bool) -> tuple[AddedEntry, ...]:
        choice = policy.announce_new(
            additions,
            first_poll=not self._state.polled,
            backfill=self._settings.backfill,
            flood_limit=self._planning.flood_limit,
            oldest=self._now - self._settings.max_age if self._settings.max_age else None,
            looks_new=policy.most_looks_new(
                additions, listed=self._window.listed, there=self._window.there, last_poll=self._state.last_poll
            ),
            announced=self._announced_before(additions),
            moved_after=self._state.last_poll if self._window.moved else None,
        )
        if choice.held:
            reason = "more than flood_limit at once" if choice.held == "flood" else "most of the source looks new"
            self._hold(f"{len(choice.chosen)} new: {reason}")
        stored = []
        for index in policy.oldest_first(additions, newest_on_top=newest_on_top):
            addition = additions[index]
            planned: tuple[Planned, ...] = ()
            if index in choice.chosen:
                entry = self._entry(addition.item, addition.id, 1, self._now)
                planned = self._new(entry, choice.why[index], held=bool(choice.held))
            self._report.new.append(addition.id)
            stored.append(
                AddedEntry(
                    id=addition.id,
                    content=addition.item,
                    sort_at=addition.item.published or self._now,
                    fingerprints=addition.fingerprints,
                    keys=addition.keys.all,
                    why=choice.why[index] if self._planning.notify else "mark seen",
                    deliveries=planned,
                )
            )
        self._report.entries += len(stored)
        return tuple(stored)

    def edited(self, edits: Sequence[Edit]) -> tuple[EditedEntry, ...]:
        pks = [edit.known.pk for edit in edits]
        before = self._planning.knowledge.contents(pks) if pks else {}
        standing = self._planning.knowledge.standing(pks) if pks else {}
        stored = [self._edited(edit, before[edit.known.pk], standing[edit.known.pk]) for edit in edits]
        told = sum(any(planned.within is None for planned in entry.deliveries) for entry in stored)
        if policy.too_many(told, flood_limit=self._planning.flood_limit):
            self._hold(f"{told} updated: more than flood_limit at once")
            stored = [replace(entry, deliveries=_held(entry.deliveries)) for entry in stored]
        return tuple(stored)

    def withdrawn(self, gone: Sequence[Known]) -> tuple[tuple[WithdrawnEntry, ...], tuple[int, ...]]:
        """What is withdrawn, and the entries that are missing but not for long enough yet."""
        pks = [known.pk for known in gone]
        before = self._planning.knowledge.contents(pks) if pks else {}
        missing = tuple(pk for pk in pks if before[pk].missing + 1 < self._settings.withdraw_after)
        final = [known for known in gone if known.pk not in missing]
        standing = self._planning.knowledge.standing([known.pk for known in final]) if final else {}
        known_before = self._report.entries - len(self._report.new)
        held = policy.too_many_gone(len(final), known=known_before, flood_limit=self._planning.flood_limit)
        stored = []
        for known in final:
            former = before[known.pk]
            entry = self._entry(Content(**former.content), known.id, known.revision + 1, former.first_seen)
            self._report.withdrawn.append(known.id)
            planned = self._withdrawal(entry, standing[known.pk])
            stored.append(
                WithdrawnEntry(
                    pk=known.pk,
                    revision=entry.revision,
                    why="flood" if held and planned else "gone",
                    deliveries=_held(planned) if held else planned,
                )
            )
        if held and any(entry.deliveries for entry in stored):
            self._hold(f"{len(final)} withdrawn at once")
        if missing:
            self._report.notes += (f"{len(missing)} missing, not withdrawn yet",)
        self._report.entries -= len(stored)
        return tuple(stored), missing

    def _edited(self, edit: Edit, former: Stored, standing: Sequence[Standing]) -> EditedEntry:
        known, old, restored = edit.known, Content(**former.content), edit.known.withdrawn
        depth = edit_kind(known.fingerprints, edit.fingerprints, old, edit.item)
        changed = depth is not EditKind.NONE
        in_a_row = 0
        if not self._window.complete:
            in_a_row = policy.restless(former.restless, former.edited_at, self._state.last_poll)
        kind = EditKind.METADATA if in_a_row >= RESTLESS and changed else depth
        content = replace(
            edit.item,
            updated=effective_updated(edit.item, kind, former.revised_at, self._now),
            aliases=_with_former(edit.item, old),
        )
        entry = self._entry(content, known.id, known.revision + (changed or restored), former.first_seen)
        moved = self._window.moved  # what a feed cut short is told in full by posts: nobody edited it
        counts = policy.counts_as_update(kind, self._settings.updates) and in_a_row < RESTLESS and not moved
        if changed:
            self._report.edited[known.id] = depth.value
        if counts:
            self._report.updated.append(known.id)
        if restored:
            self._report.restored.append(known.id)
            self._report.entries += 1
        why = (
            "moved"
            if moved
            else "restless"
            if in_a_row >= RESTLESS and changed
            else "counts"
            if counts
            else "does not count"
        )
        return EditedEntry(
            pk=known.pk,
            revision=entry.revision,
            content=content,
            sort_at=content.published or former.first_seen,
            edit=depth,
            revised=kind in (EditKind.TEXT, EditKind.MARKUP),
            restless=in_a_row,
            restored=restored,
            fingerprints=edit.fingerprints,
            keys=edit.keys.all,
            why=why if changed else "",
            deliveries=self._updates(
                entry,
                old,
                known.revision,
                standing,
                counts=counts,
                restored=restored,
                dropped=self._dropped(edit, standing) if restored else {},
            ),
            shifts=self._shifts(standing, self._settle(in_a_row)) if changed else (),
            announced_anew=self._anew(entry, standing) if restored else (),
            undone=self._undone(edit, standing) if changed else (),
        )

    def _settle(self, in_a_row: int = 0) -> timedelta:
        """How long to wait for further edits; no longer for an entry that never stops changing."""
        return timedelta(0) if in_a_row >= RESTLESS else self._settings.settle

    def _new(self, entry: Entry, why: str, *, held: bool = False) -> tuple[Planned, ...]:
        state = DeliveryState.HELD if held else DeliveryState.PENDING
        planned = self._plan(ChangeKind.NEW, entry)
        planned = tuple(
            self._timed(replace(d, state=state, not_before=self._now + self._settle(), why=why)) for d in planned
        )
        return self._told(ChangeKind.NEW, entry, planned)

    def _anew(self, entry: Entry, standing: Sequence[Standing]) -> tuple[Planned, ...]:
        """The announcement of an entry that came back, to those who were to hear of it when it was withdrawn."""
        own = policy.by_sink(standing)
        if not any(policy.never_told(own(one.sink)) for one in standing):
            return ()
        return tuple(d for d in self._new(entry, "restored") if policy.never_told(own(d.sink)))

    def _updates(
        self,
        entry: Entry,
        old: Content,
        former: int,
        standing: Sequence[Standing],
        *,
        counts: bool,
        restored: bool,
        dropped: Mapping[str, int],
    ) -> tuple[Planned, ...]:
        """Notices of an edit; and of its return, to whom the withdrawal was told."""
        own = policy.by_sink(standing)
        back = dict.fromkeys(one.sink for one in standing) if restored else {}
        back = {sink: None for sink in back if policy.told_of_withdrawal(own(sink))}
        planned: list[Planned] = []
        if counts or dropped:
            planned += self._plan(ChangeKind.UPDATED, entry, lambda: text_diff(old, entry))
            planned = [delivery for delivery in planned if dropped.get(delivery.sink, counts)]
        planned += [self._delivery(sink, entry) for sink in back if all(d.sink != sink for d in planned)]
        notices: list[Planned] = []
        for delivery in planned:
            if policy.never_told(own(delivery.sink)):
                continue
            if own(delivery.sink):  # which knows the entry from this source
                delivery = replace(delivery, across=None)
            if delivery.sink in back:
                notices.append(replace(delivery, why="restored", base=former))
                continue
            told = policy.notice(own(delivery.sink), self._settings.settle, self._settings.update_interval, self._now)
            base = dropped.get(delivery.sink, former if told.base is None else told.base)
            edited = replace(delivery, why="edit", base=base, not_before=told.not_before, within=told.within)
            notices.append(self._timed(edited))
        self._told(ChangeKind.UPDATED, entry, [notice for notice in notices if notice.within is None])
        return tuple(notices)

    def _dropped(self, edit: Edit, standing: Sequence[Standing]) -> Mapping[str, int]:
        """The sinks for which a notice of an edit was dropped when its entry was withdrawn.

        Each with the revision that it is to be shown against; 0 where it is no news any more.
        """
        own = policy.by_sink(standing)
        bases = {one.sink: policy.dropped_notice(own(one.sink)) for one in standing}
        known = {sink: base for sink, base in bases.items() if base is not None}
        same = self._same(edit, set(known.values()))
        return {sink: 0 if base in same else base for sink, base in known.items()}

    def _undone(self, edit: Edit, standing: Sequence[Standing]) -> tuple[int, ...]:
        """The notices that wait to tell of edits, where the entry is again as their receivers know it."""
        waiting = policy.waiting_notices(standing)
        same = self._same(edit, set(waiting.values()))
        return tuple(pk for pk, base in waiting.items() if base in same)

    def _same(self, edit: Edit, revisions: set[int]) -> set[int]:
        """The revisions from which what an entry is now is no update."""
        former = self._planning.knowledge.former_contents(edit.known.pk, revisions) if revisions else {}
        return {
            revision
            for revision, content in former.items()
            if not policy.counts_as_update(difference(Content(**content), edit.item), self._settings.updates)
        }

    def _withdrawal(self, entry: Entry, standing: Sequence[Standing]) -> tuple[Planned, ...]:
        """Notices of a withdrawal, but to those for whom the entry's announcement was still waiting."""
        own = policy.by_sink(standing)
        planned = self._plan(ChangeKind.WITHDRAWN, entry)
        planned = tuple(
            self._timed(replace(d, why="gone")) for d in planned if not policy.waits_for_announcement(own(d.sink))
        )
        return self._told(ChangeKind.WITHDRAWN, entry, planned)

    def _shifts(self, standing: Sequence[Standing], settle: timedelta) -> tuple[Shift, ...]:
        """How an edit delays what waits; what misses the occasion of its digest by that goes with the next one."""
        waiting = {one.pk: one for one in standing}
        return tuple(
            replace(shift, not_before=due(own.digest, own.quiet, shift.not_before, self._planning.zone))
            for shift in policy.shifts(standing, settle, self._now)
            for own in (waiting[shift.pk],)
            if shift.not_before > own.not_before
        )

    def _timed(self, planned: Planned) -> Planned:
        """A delivery with when and how it goes out by the routes that led to its sink."""
        routes = self._leading[planned.route]
        at, route = soonest(routes, planned.not_before or self._now, self._planning.zone)
        return replace(planned, not_before=at, digest=route.digest, quiet=route.quiet, most=route.most)

    def _told(self, change: ChangeKind, entry: Entry, planned: Sequence[Planned]) -> tuple[Planned, ...]:
        if planned:
            self._report.announced.append(Announced(change, entry))
        return tuple(planned)

    def _hold(self, reason: str) -> None:
        if self._planning.notify:
            self._report.status = SourceStatus.HELD
            self._report.held = "; ".join(filter(None, (self._report.held, reason)))

    def _announced_before(self, additions: Sequence[Addition]) -> frozenset[int]:
        """The new entries that another program has announced, before the source was taken over from it."""
        if not additions or not self._state.polled:  # one that was taken over counts as polled
            return frozenset()
        keys = [key for addition in additions for key in addition.keys.all]
        known = self._planning.knowledge.announced_before(self._state.name, keys)
        return frozenset(index for index, one in enumerate(additions) if known.intersection(one.keys.all))

    def _entry(self, content: Content, entry_id: str, revision: int, first_seen: datetime) -> Entry:
        values: dict[str, Any] = {name: getattr(content, name) for name in CONTENT_FIELDS}
        return Entry(id=entry_id, source=self._report.name, first_seen=first_seen, revision=revision, **values)

    def _plan(self, change: ChangeKind, entry: Entry, diff: Callable[[], str] = str) -> tuple[Planned, ...]:
        if not self._planning.notify:
            return ()
        problems: list[str] = []
        sinks = sinks_for(
            self._planning.routes,
            entry.source,
            change,
            lambda: exposed(self._planning.present(entry), change.value, diff()),
            problems.append,
        )
        if problems:
            self._report.notes += tuple(problem for problem in problems if problem not in self._report.notes)
        planned = []
        for sink, choice in sinks.items():
            delivery = replace(
                self._delivery(sink, entry),
                across=across(entry) if choice.across and change is not ChangeKind.WITHDRAWN else None,
                route=", ".join(map(str, choice.routes)),
            )
            self._leading[delivery.route] = [self._planning.routes[number - 1] for number in choice.routes]
            planned.append(delivery)
        return tuple(planned)

    def _delivery(self, sink: str, entry: Entry) -> Planned:
        key = delivery_key(self._planning.instance, sink, entry.source, entry.id, entry.revision)
        return Planned(sink=sink, key=key)


def _held(planned: Sequence[Planned]) -> tuple[Planned, ...]:
    return tuple(replace(d, state=DeliveryState.HELD, why="flood") for d in planned)


def _with_former(item: Content, old: Content) -> tuple[str, ...]:
    """An entry's aliases with the address that it had before, if that changed."""
    former = (old.url,) if old.url and old.url != item.url else ()
    kept = tuple(alias for alias in old.aliases if alias not in item.aliases and alias != item.url)
    return tuple(dict.fromkeys((*item.aliases, *former, *kept)))[: len(item.aliases) + _MAX_FORMER]
