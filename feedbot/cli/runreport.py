"""What a run did, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import asdict

from feedbot import __version__
from feedbot.app import RunOptions
from feedbot.cli.context import Context
from feedbot.engine.report import Announced, FeedReport, RunReport, SourceReport, SourceStatus
from feedbot.location import Database, Location
from feedbot.message.terminal import counted, fit, inert, width
from feedbot.model import ChangeKind
from feedbot.settings import Configuration

_SHOWN_PROBLEMS = 10
_SHOWN_ENTRIES = 10
_SHOWN_FILES = 8
_WORDS = 48  # columns for what came of a poll
_MARKS = {
    SourceStatus.OK: ("✓", "green"),
    SourceStatus.NOT_MODIFIED: ("✓", "green"),
    SourceStatus.SKIPPED: ("·", "bright_black"),
    SourceStatus.HELD: ("!", "yellow"),
    SourceStatus.FAILED: ("✗", "red"),
}


def headline(configuration: Configuration) -> str:
    """Program, configuration and state, in one line."""
    return f"feedbot {__version__} · {shown(configuration.path)} · state {shown(configuration.state)}"


def source_lines(
    context: Context, configuration: Configuration, reports: Mapping[str, SourceReport], options: RunOptions
) -> Iterator[str]:
    """A line a source, with its problems below it."""
    polled = [report for report in reports.values() if report.status is not SourceStatus.SKIPPED]
    skipped = [report for report in reports.values() if report.status is SourceStatus.SKIPPED]
    names = max((len(report.name) for report in reports.values()), default=0)
    kinds = max((len(report.kind) for report in reports.values()), default=0)
    for report in polled:
        mark, colour = _MARKS[report.status]
        took = f"{report.seconds * 1000:.0f} ms" if report.seconds < 10 else f"{report.seconds:.0f} s"
        words = inert(_words(report, configuration, options))
        begin = f"  {context.style(mark, fg=colour)} {report.name:<{names}}  {report.kind:<{kinds}}"
        yield f"{begin}  {fit(words, _WORDS)} {took:>7}"
        if width(words) > _WORDS:
            yield f"      {words}"
        if report.hint:
            yield f"      {inert(report.hint)}"
        for problem in report.problems[:_SHOWN_PROBLEMS]:
            yield f"      {inert(str(problem))}"
        if len(report.problems) > _SHOWN_PROBLEMS:
            more = len(report.problems) - _SHOWN_PROBLEMS
            yield f"      … {counted(more, 'more problem', 'more problems')}"
    if skipped:
        listed = ", ".join(f"{r.name} ({r.notes[0]})" if r.notes else r.name for r in skipped[:5])
        rest = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
        due = "" if len(polled) or all("paused" in r.notes for r in skipped) else " (--force polls them all the same)"
        yield f"  · not due: {listed}{rest}{due}"
    if options.notify and any(report.announced for report in polled):
        yield ""


def as_text(
    context: Context, configuration: Configuration, report: RunReport, options: RunOptions, *, printed: bool
) -> Iterator[str]:
    """What came of the polls; ``printed`` tells that a sink has shown the entries already."""
    announced = [change for source in report.sources.values() for change in source.announced]
    if announced and options.notify and not printed:
        for change in announced[:_SHOWN_ENTRIES]:
            yield _announced(change)
        if len(announced) > _SHOWN_ENTRIES:
            yield f"  … {len(announced) - _SHOWN_ENTRIES} more"
    yield ""
    yield from _outcome(context, configuration, report, options)


def _outcome(context: Context, configuration: Configuration, report: RunReport, options: RunOptions) -> Iterator[str]:
    written = [_counted(path, feed) for feed in report.feeds.values() for path in feed.written]
    would = "would write" if options.dry_run else "wrote"
    if written:
        yield f"  {would} {configuration.bucket or shown(configuration.output_path)}/: {_some(written)}"
    removed = [path for feed in report.feeds.values() for path in feed.removed]
    if removed:
        yield f"  removed {_some(removed)}"
    for feed in report.feeds.values():
        yield from (f"  {context.style('!', fg='yellow')} feed {feed.name}: {text}" for text in feed.problems)
        if feed.error:
            yield f"  {context.style('✗', fg='red')} feed {feed.name} was not written: {feed.error}"
            yield f"      {feed.hint}"
    sent = [f"{sink.sent} → {sink.name}" for sink in report.sinks.values() if sink.sent]
    if sent:
        yield f"  sent {', '.join(sent)}"
    keeps = not options.notify and not options.dry_run
    left = [f"{sink.pending} → {sink.name}" for sink in report.sinks.values() if sink.pending]
    if keeps and left:
        yield f"  {sum(s.pending for s in report.sinks.values())} left in the outbox for a later run: {', '.join(left)}"
    for sink in report.sinks.values():
        if sink.alert:
            yield f"  {context.style('!', fg='yellow')} {sink.name}: {inert(sink.alert)}"
        yield from (f"  {context.style('✗', fg='red')} {sink.name}: {inert(error)}" for error in sink.errors[:3])
        counts = ((0 if keeps else sink.pending, "waiting"), (sink.held, "held"), (sink.dead, "dead"))
        waiting = [f"{number} {word}" for number, word in counts if number]
        if waiting:
            yield f"  {sink.name}: {', '.join(waiting)} (feedbot queue list)"
    if options.dry_run and any(source.announced for source in report.sources.values()):
        yield f"  would announce {sum(len(source.announced) for source in report.sources.values())}"
    if not (
        written
        or removed
        or sent
        or any(s.new or s.edited or s.withdrawn or s.restored for s in report.sources.values())
    ):
        yield "  nothing new"


def _counted(path: str, feed: FeedReport) -> str:
    """A file, with how many entries it has: that is known of the feed itself, and not of its parts and archive."""
    return path if path.startswith(f"{feed.name}/") else f"{path} ({feed.entries})"


def _some(files: list[str]) -> str:
    more = [f"… {len(files) - _SHOWN_FILES} more"] if len(files) > _SHOWN_FILES else []
    return ", ".join([*files[:_SHOWN_FILES], *more])


def as_json(report: RunReport) -> dict[str, Any]:
    """The document that ``run --json`` prints."""
    return {
        "sources": {
            source.name: {
                "status": source.status.value,
                "entries": source.entries,
                "new": source.new,
                "updated": source.updated,
                "withdrawn": source.withdrawn,
                "restored": source.restored,
                "edited": source.edited,
                "announced": [change.entry.id for change in source.announced],
                "held": source.held,
                "error": source.error,
                "hint": source.hint,
                "problems": [asdict(problem) for problem in source.problems],
                "notes": list(source.notes),
                "seconds": round(source.seconds, 3),
            }
            for source in report.sources.values()
        },
        "feeds": {
            feed.name: {
                "written": feed.written,
                "removed": feed.removed,
                "entries": feed.entries,
                "error": feed.error,
            }
            for feed in report.feeds.values()
        },
        "deliveries": {
            sink.name: {
                "sent": sink.sent,
                "pending": sink.pending,
                "dead": sink.dead,
                "held": sink.held,
                "failed": sink.failed,
                "errors": sink.errors,
                "alert": sink.alert,
            }
            for sink in report.sinks.values()
        },
        "seconds": round(report.seconds, 3),
    }


def needs_a_person(report: RunReport) -> Iterator[str]:
    """What must not go unseen, even where nothing else is printed."""
    for feed in report.feeds.values():
        if feed.error:
            yield f"feed {feed.name} was not written: {feed.error}"
    for source in report.sources.values():
        if source.alert:
            yield f"{source.name}: {inert(source.alert)}"
        if source.status is SourceStatus.HELD:
            yield f"{source.name}: held, {source.held}; see feedbot queue list"
    for sink in report.sinks.values():
        if sink.alert:
            yield f"{sink.name}: {inert(sink.alert)}"
        if sink.failed and sink.dead:
            yield f"{sink.name}: {counted(sink.dead, 'delivery is', 'deliveries are')} dead; see feedbot queue list"


def shown(place: Location) -> str:
    """A path as short as it can be, from where the person is; a database as it may be shown."""
    if isinstance(place, Database):
        return str(place)
    try:
        return str(place.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(place)


def _words(report: SourceReport, configuration: Configuration, options: RunOptions) -> str:
    if report.status is SourceStatus.FAILED:
        return report.error or "failed"
    if report.status is SourceStatus.NOT_MODIFIED:
        return "; ".join(["not modified", *report.notes])
    counts = [
        f"{number} {word}"
        for number, word in (
            (len(report.new), "new"),
            (len(report.updated), "updated"),
            (len(report.withdrawn), "withdrawn"),
            (len(report.restored), "back"),
        )
        if number
    ]
    words = [*report.notes] or [counted(report.entries, "entry", "entries")]
    if report.status is SourceStatus.HELD:
        counts.append(f"held, {report.held} (feedbot queue release, or absorb)")
    elif report.new:
        counts += _unannounced(report, configuration, options)
    return "; ".join(words + counts)


def _unannounced(report: SourceReport, configuration: Configuration, options: RunOptions) -> list[str]:
    """Why not all new entries are announced, where that is so."""
    announced = sum(change.change is ChangeKind.NEW for change in report.announced)
    backfill = configuration.sources[report.name].backfill
    routes = [route for route in configuration.routes if report.name in configuration.sources_of(route)]
    if announced == len(report.new):
        return []
    if options.mark_seen:
        reason = "--mark-seen"
    elif not any(ChangeKind.NEW in route.on and configuration.sinks_of(route) for route in routes):
        reason = "no route" if configuration.sinks else "no sink"
    elif report.entries == len(report.new) and backfill != "all" and announced <= backfill < len(report.new):
        reason = "backfill"
    elif configuration.sources[report.name].max_age is not None:
        reason = "max_age or filter"
    elif any(route.filter for route in routes):
        reason = "filter"
    else:
        reason = "the others were before"
    return [f"{announced or 'none'} announced ({reason})"]


def _announced(change: Announced) -> str:
    entry = change.entry
    moment = entry.published or entry.updated or entry.first_seen
    title = f"  {change.change.value.upper()}  {inert(entry.title)}"
    return f"{fit(title, 46)}  {fit(entry.source, 14)} {moment.day} {moment:%b %Y}"
