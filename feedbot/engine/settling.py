"""What a reading of a source leads to: what is stored of it, and what the report tells."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from feedbot.core import schedule
from feedbot.core.dates import in_words
from feedbot.core.history import Past
from feedbot.core.text import storable
from feedbot.engine.reading import Reading, SourceSpec, by_itself, unexpected
from feedbot.engine.report import SourceReport, SourceStatus
from feedbot.errors import FeedbotError, SourceError
from feedbot.model import Document, Memory, Problem, SourceState
from feedbot.store.poll import Poll
from feedbot.store.sources import Sources

if TYPE_CHECKING:
    from feedbot.core.diff import Addition, Changes
    from feedbot.engine.inheriting import LeftBehind
    from feedbot.engine.planning import Window
    from feedbot.engine.rules import Planning
    from feedbot.plugins import SourceSettings, Turn
    from feedbot.store.alerts import Alert
    from feedbot.store.subscriptions import Subscriptions

_RHYTHM = 10  # newest entries whose dates tell how often a source has something new


class Polling(Struct, frozen=True, kw_only=True):
    """All that polling needs to know and to reach. Without ``subscriptions`` no hub is to push anything.

    Where ``left_behind`` is given, a new source may be one of these under another name. ``host_of`` tells the host of
    any source by its name, as others that work on the state may poll the same one.
    """

    store: Sources
    planning: Planning
    publish_assets: Callable[[Mapping[str, str]], None]
    lease: str
    clock: Callable[[], datetime]
    concurrency: int
    per_host: int
    host_of: Callable[[str], str] | None = None
    subscriptions: Subscriptions | None = None
    left_behind: LeftBehind | None = None
    turn: Turn = field(default_factory=Lock)
    progress: Callable[[int, int], None] = field(default=lambda _done, _all: None)


def settle(reading: Reading, polling: Polling) -> tuple[Poll, SourceReport]:
    """Decide what a reading leads to."""
    spec, state, document = reading.spec, reading.state, reading.document
    report = _report(reading)
    error = reading.error
    if document is not None:
        report.notes = document.notes
        try:
            if document.not_modified:
                return _unmodified(reading, document, state, polling, report), report
            return _success(reading, _decorated(document, spec.settings), state, polling, report), report
        except SourceError as failure:
            error = by_itself(failure)
        except FeedbotError:  # of the state, and so of all sources
            raise
        except Exception as fault:  # of what this source said
            error = unexpected(spec, fault)
        report = _report(reading)  # anew: what was planned comes to nothing
    return _failure(reading, error or SourceError("it was not read"), report, polling), report


def _report(reading: Reading) -> SourceReport:
    """The report of a reading, before it is looked into."""
    spec, state = reading.spec, reading.state
    return SourceReport(
        name=spec.name,
        kind=spec.source.kind,
        entries=state.entries,
        seconds=reading.seconds,
        failures=state.failures,
    )


def interval_of(settings: SourceSettings, state: SourceState | None) -> timedelta:
    """How often a source is polled at present."""
    if settings.interval != "auto":
        return settings.interval
    return state.rhythm if state and state.rhythm else settings.min_interval


def _unmodified(
    reading: Reading, document: Document, state: SourceState, polling: Polling, report: SourceReport
) -> Poll:
    """What follows where nothing changed: most polls are of that kind."""
    spec = reading.spec
    polling.publish_assets(document.assets)
    report.status, report.problems = SourceStatus.NOT_MODIFIED, state.problems
    following = _next(reading, document, state, (), polling)
    return Poll(
        source=spec.name,
        lease=polling.lease,
        at=reading.at,
        next_poll=following.at,
        not_before=following.not_before,
        rhythm=following.rhythm,
        memory=None if state.polled and document.memory == state.memory else document.memory,
        settings_digest=None if state.settings_digest == spec.digest else spec.digest,
        title=document.title if document.title != state.title else "",
        link=document.link,
        hub=document.hub if polling.subscriptions is not None else None,
        past=_past(reading, report),
        alerts=_recovery(spec, state, reading, polling, report),
    )


def _success(reading: Reading, document: Document, state: SourceState, polling: Polling, report: SourceReport) -> Poll:
    """What follows from a document with something new in it, or gone from it."""
    from feedbot.core.policy import due_and_scheduled  # what most polls have no use for is imported here
    from feedbot.engine.planning import Planner

    spec = reading.spec
    polling.publish_assets(document.assets)
    former = _predecessor(document, state, polling, report)
    state = former or state
    compared = _compared(document, spec.settings, state, polling, report)
    found = compared.changes
    report.problems, report.status = (*document.problems, *_swapped_dates(document, reading.at)), SourceStatus.OK
    due, scheduled = due_and_scheduled(found.added, reading.at) if document.complete else (found.added, ())
    if scheduled:
        report.notes += (f"{len(scheduled)} scheduled for later",)
    following = _next(reading, document, state, due, polling)
    alerts = _recovery(spec, state, reading, polling, report)
    planner = Planner(polling.planning, spec.settings, state, report, reading.at, compared.window)
    added = planner.added(due, newest_on_top=not document.complete)
    edited = planner.edited(found.edited)
    withdrawn, missing = planner.withdrawn(found.withdrawn)
    if report.held:
        alerts += polling.planning.alerting.source_held(spec.name, report.held, reading.at)
    counted = document.complete and (spec.settings.withdraw_after > 1 or bool(missing))
    return Poll(
        source=spec.name,
        lease=polling.lease,
        at=reading.at,
        next_poll=following.at,
        not_before=following.not_before,
        rhythm=following.rhythm,
        # What is missing has to be missed again, which takes reading a source that did not change meanwhile.
        memory=Memory(extra=document.memory.extra) if missing else document.memory,
        problems=report.problems,
        settings_digest=spec.digest,
        title=document.title,
        link=document.link,
        hub=document.hub if polling.subscriptions is not None else None,
        wake_at=min((a.item.published for a in scheduled if a.item.published), default=None),
        added=added,
        edited=edited,
        withdrawn=withdrawn,
        learnt=tuple((pk, keys.all) for pk, keys in found.learnt),
        missing=missing if counted else None,
        identity=_rule(spec.settings),
        listed=_listed(document),
        keep_revisions=polling.planning.keep_revisions,
        former=former.name if former is not None else "",
        past=_past(reading, report),
        alerts=alerts,
    )


def _predecessor(document: Document, state: SourceState, polling: Polling, report: SourceReport) -> SourceState | None:
    """What is known of the source under another name, where nothing is under its own."""
    if not _is_fresh(state) or polling.left_behind is None:
        return None
    former = polling.left_behind.predecessor(document)
    if former is not None:
        report.entries = former.entries
        report.notes += (f'it was called "{former.name}" before: its entries keep their ids',)
    return former


class _Compared(NamedTuple):
    """What a document changes of a source, and what it lists beside what the last one did."""

    changes: Changes
    window: Window


def _compared(
    document: Document, settings: SourceSettings, state: SourceState, polling: Polling, report: SourceReport
) -> _Compared:
    """Compare a document with what is known of its source, which may have named its entries by another rule."""
    from feedbot.engine.compare import compare, first
    from feedbot.engine.planning import Window

    if _is_fresh(state):
        moved, found = False, first(document)
    else:
        rule = _rule(settings)
        former_type, _, former_rule = state.identity.partition(":")
        renamed = bool(state.polled and state.identity and rule != state.identity)
        moved = renamed and former_type != settings.type
        found = compare(document, state.name, polling.planning.knowledge, renamed=renamed, moved=moved)
        if moved:
            before = f'it was of type "{former_type}" before'
            report.notes += (f"{before}: known entries keep their ids, and are not announced again",)
        elif renamed:
            chosen = rule.partition(":")[2]
            report.notes += (f'identity is "{chosen}" now, not "{former_rule}": known entries keep their ids',)
    there = _listed(document) - len(found.added)
    return _Compared(found, Window(state.listed, there, moved=moved, complete=document.complete))


def _is_fresh(state: SourceState) -> bool:
    """Whether the store knows nothing of a source."""
    return not state.polled and not state.entries


def _listed(document: Document) -> int:
    return len(document.items) + len(document.standing)


class _Next(NamedTuple):
    """When a source is polled next. ``rhythm`` is its own, where it is polled by that."""

    at: datetime
    not_before: datetime | None
    rhythm: timedelta | None


def _next(
    reading: Reading, document: Document, state: SourceState, added: Sequence[Addition], polling: Polling
) -> _Next:
    settings = reading.spec.settings
    rhythm = _rhythm(settings, state.name, added, polling, reading.at)
    not_before = schedule.not_before(document.fresh_until, reading.at)
    interval = rhythm or interval_of(settings, state)
    return _Next(schedule.next_poll(reading.at, interval, not_before), not_before, rhythm)


def _rhythm(
    settings: SourceSettings, known_as: str, added: Sequence[Addition], polling: Polling, now: datetime
) -> timedelta | None:
    if settings.interval != "auto":
        return None
    dates = [a.item.published for a in added if a.item.published]
    dates += polling.store.dates(known_as, _RHYTHM)
    newest = sorted(dates, reverse=True)[:_RHYTHM]
    return schedule.rhythm(newest, now, settings.min_interval, settings.max_interval)


def _recovery(
    spec: SourceSpec, state: SourceState, reading: Reading, polling: Polling, report: SourceReport
) -> tuple[Alert, ...]:
    """That a source is well again of which a person was told that it failed."""
    if not state.failing_told:
        return ()
    report.alert = "it is well again"
    return polling.planning.alerting.source_recovered(spec.name, state.failing_since, reading.at)


def _past(reading: Reading, report: SourceReport) -> Past:
    """How a poll went, for the history of its source."""
    document = reading.document
    return Past(
        at=reading.at,
        outcome=report.status.value,
        status=document.status if document is not None else reading.error.status if reading.error else 0,
        seconds=reading.seconds,
        size=document.size if document is not None else 0,
        new=len(report.new),
        updated=len(report.updated),
        withdrawn=len(report.withdrawn),
    )


def _rule(settings: SourceSettings) -> str:
    """By which rule a source names its entries: its type, with the rule of those that let one be chosen."""
    chosen = getattr(settings, "identity", None)
    return settings.type if chosen is None else f"{settings.type}:{chosen}"


def _swapped_dates(document: Document, now: datetime) -> Iterator[Problem]:
    """Items whose date, far ahead, looks as if day and month had changed places."""
    from feedbot.core.policy import swapped

    for item in document.items:
        meant = swapped(item.published, now)
        if meant is not None and item.published is not None:
            days = (item.published - now).days
            yield Problem(
                document.places.get(item.id) or item.url or item.id,
                f"its date, {item.published:%Y-%m-%d}, is {days} days ahead",
                f"if day and month are swapped, write {meant:%Y-%m-%d}",
            )


def _failure(reading: Reading, error: SourceError, report: SourceReport, polling: Polling) -> Poll:
    spec, state, now = reading.spec, reading.state, reading.at
    report.status, report.error, report.hint = SourceStatus.FAILED, error.message, error.hint
    failures = state.failures + 1
    interval = interval_of(spec.settings, state)
    since = state.failing_since or now
    told = error.gone or now - since >= schedule.DAY
    alerts: tuple[Alert, ...] = ()
    if told and not state.failing_told:
        lasted = in_words(since, now).removesuffix(" ago")
        report.alert = f"it is gone: {error}" if error.gone else f"it has failed for {lasted}: {error}"
        alerts = polling.planning.alerting.source_failing(spec.name, str(error), since, now, gone=error.gone)
    not_before = None
    if spec.source.host:  # nobody is spared by leaving a local folder alone
        wait_for = schedule.back_off(failures, interval, random.random())  # noqa: S311
        not_before = now + (schedule.WEEK if error.gone else wait_for)
        if error.not_before is not None:
            not_before = max(not_before, min(error.not_before, now + schedule.DAY))
    return Poll(
        source=spec.name,
        lease=polling.lease,
        at=now,
        next_poll=schedule.next_poll(now, interval, not_before),
        failures=failures,
        failing_since=since,
        failing_told=told or state.failing_told,
        error=str(error),
        gone=error.gone,
        not_before=not_before,
        past=_past(reading, report),
        alerts=alerts,
    )


def _decorated(document: Document, settings: SourceSettings) -> Document:
    """The document with the source's own tags, and with ids that can be stored."""
    if settings.tags:
        items = [replace(item, tags=tuple(dict.fromkeys((*item.tags, *settings.tags)))) for item in document.items]
        document = replace(document, items=tuple(items))
    if all(storable(item.id) is item.id for item in document.items):
        return document
    return replace(document, items=tuple(replace(item, id=storable(item.id)) for item in document.items))
