"""Publishes feeds: makes anew those whose entries or settings changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from itertools import islice
from pathlib import Path

from feedbot.core.expose import exposed
from feedbot.core.expression import Filter, FilterFailedError
from feedbot.core.present import MEDIA_FOLDER, assets
from feedbot.engine.report import FeedReport
from feedbot.files import write_atomic
from feedbot.model import Channel, Entry, SourceState
from feedbot.plugins import Format
from feedbot.store.entries import Entries


@dataclass(frozen=True, kw_only=True)
class FeedSpec:
    """A feed of the configuration. ``digest`` is of its settings; ``aliases`` are further paths of its first format."""

    name: str
    channel: Channel
    sources: tuple[str, ...]
    filter: Filter | None
    limit: int
    formats: Mapping[str, Format]
    aliases: tuple[str, ...]
    summary_only: bool
    digest: str


@dataclass(frozen=True, kw_only=True)
class Publishing:
    """All that publishing needs to know and to reach. Without ``write`` it only tells what it would write."""

    store: Entries
    output: Path
    present: Callable[[Entry, bool], Entry]
    write: bool = True


def regenerate(
    specs: Sequence[FeedSpec], states: Mapping[str, SourceState], publishing: Publishing
) -> dict[str, FeedReport]:
    """Write the feeds whose inputs changed, or whose files are not as they were written.

    Where a file cannot be written the feed's report says so, and what was there before stays.
    """
    reports = {}
    for spec in specs:
        report = reports[spec.name] = FeedReport(name=spec.name)
        try:
            _publish(spec, states, publishing, report)
        except OSError as error:
            # Of a rename that failed, the first name is that of the temporary file.
            report.error = f"{error.filename2 or error.filename or publishing.output}: {error.strerror}"
            report.hint = "make room, or remove what stands in its place; it is written at the next run"
    return reports


def paths(spec: FeedSpec) -> dict[str, Format]:
    """The files of a feed, below the output folder."""
    files = {f"{spec.name}.{form.extension}": form for form in spec.formats.values()}
    first = next(iter(spec.formats.values()))
    return files | dict.fromkeys(spec.aliases, first)


def _publish(spec: FeedSpec, states: Mapping[str, SourceState], publishing: Publishing, report: FeedReport) -> None:
    inputs = _inputs(spec, states)
    former, files, report.entries = publishing.store.feed_record(spec.name)
    wanted = paths(spec)
    if former == inputs and files.keys() == wanted.keys() and _as_written(publishing.output, files):
        return
    entries = list(islice(_chosen(spec, publishing, report), spec.limit))
    report.entries = len(entries)
    channel = replace(spec.channel, updated=max((_changed(entry) for entry in entries), default=None))
    rendered: dict[str, bytes] = {}
    for path, form in wanted.items():
        if form.extension not in rendered:
            rendered[form.extension] = form.render(channel, entries)
        target = publishing.output / path
        if not publishing.write:
            if not target.is_file() or target.read_bytes() != rendered[form.extension]:
                report.written.append(path)
        elif write_atomic(target, rendered[form.extension]):
            report.written.append(path)
    if publishing.write:
        marks = {path: _mark(publishing.output / path) for path in wanted}
        publishing.store.record_feed(spec.name, inputs, marks, len(entries))


def _chosen(spec: FeedSpec, publishing: Publishing, report: FeedReport) -> Iterator[Entry]:
    seen: set[str] = set()
    for stored in publishing.store.newest(spec.sources):
        if stored.id in seen:  # an entry that several sources have
            continue
        entry = publishing.present(stored, spec.summary_only)
        if spec.filter is not None:
            try:
                if not spec.filter(exposed(entry)):
                    continue
            except FilterFailedError as error:
                if str(error) not in report.problems:
                    report.problems.append(str(error))
                continue
        seen.add(stored.id)
        if publishing.write and not _complete(stored, publishing.output):
            report.incomplete.add(stored.source)
        yield entry


def _complete(stored: Entry, output: Path) -> bool:
    names = assets(stored)
    return all((output / MEDIA_FOLDER / name).is_file() for name in names)


def _changed(entry: Entry) -> datetime:
    return max(filter(None, (entry.updated, entry.published)), default=entry.first_seen)


def _inputs(spec: FeedSpec, states: Mapping[str, SourceState]) -> str:
    versions = [[name, states[name].version] for name in spec.sources if name in states]
    formats = [[name, form.version] for name, form in spec.formats.items()]
    return sha256(json.dumps([spec.digest, formats, versions]).encode()).hexdigest()


def _mark(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _as_written(output: Path, files: Mapping[str, list[int]]) -> bool:
    try:
        return all(_mark(output / path) == mark for path, mark in files.items())
    except OSError:
        return False
