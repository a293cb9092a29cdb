"""Publishes feeds: makes anew the pages whose entries or settings changed, and no others."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct, field
from msgspec.structs import replace

from feedbot.engine import folder
from feedbot.engine.leftovers import remove
from feedbot.engine.output import OutputError, OvertakenError
from feedbot.engine.publishing import FeedSpec, Publishing
from feedbot.engine.report import FeedReport
from feedbot.model import Entry, SourceState
from feedbot.store.entries import FeedRecord

if TYPE_CHECKING:
    from feedbot.engine.pages import Contents, Page

_PAGE = "text/html"

Records = Mapping[str, FeedRecord]


def regenerate(
    specs: Sequence[FeedSpec],
    states: Mapping[str, SourceState],
    publishing: Publishing,
    *,
    only: Collection[str] | None = None,
    force: bool = False,
) -> dict[str, FeedReport]:
    """Write the pages of feeds whose inputs changed, or whose files are not as they were written.

    ``specs`` are all feeds there are; ``only`` some of them are looked at where it is given. ``force`` makes every
    page anew. What left the configuration is removed where feedbot wrote it and nobody has touched it. Where a file
    cannot be written the feed's report says so, and what was there before stays.
    """
    reports = {spec.name: FeedReport(name=spec.name) for spec in specs if only is None or spec.name in only}
    if looked(publishing, reports):
        chosen = [spec for spec in specs if spec.name in reports]
        records = write_feeds(specs, chosen, states, publishing, reports, force=force)
        write_common(specs, records, publishing, reports)
    return reports


def looked(publishing: Publishing, reports: Mapping[str, FeedReport]) -> bool:
    """Take note of what is there already; where that fails, all reports say so."""
    try:
        publishing.output.look()
    except OSError as error:
        for report in reports.values():
            _failed(report, error, publishing)
        return False
    return True


def stale(
    specs: Sequence[FeedSpec],
    states: Mapping[str, SourceState],
    publishing: Publishing,
    reports: Mapping[str, FeedReport],
) -> list[str]:
    """Those of the feeds with a report of which something is to be written, perhaps."""
    records = publishing.store.feed_records()
    chosen = [spec for spec in specs if spec.name in reports]
    made = (_Publication(s, states, publishing, _own(s.name, records), reports[s.name], False) for s in chosen)
    return [one.spec.name for one in made if not one.stands()]


def write_feeds(
    specs: Sequence[FeedSpec],
    chosen: Sequence[FeedSpec],
    states: Mapping[str, SourceState],
    publishing: Publishing,
    reports: dict[str, FeedReport],
    *,
    force: bool = False,
) -> Records:
    """Write the pages of some of the feeds; gives what is published of all. Raises LeaseLostError where the feeds are
    another process's by now."""
    records = publishing.store.feed_records()
    now: dict[str, FeedRecord] = dict(records)
    topics: dict[str, tuple[str, str]] = {}
    for spec in chosen:
        report, own = reports[spec.name], _own(spec.name, records)
        try:
            publication = _Publication(spec, states, publishing, own, report, force)
            made = publication.publish()
            topics |= dict.fromkeys(publication.changed, (spec.channel.hub, spec.name))
            now = {name: record for name, record in now.items() if name not in own} | dict(made)
        except OvertakenError:
            report.problems.append("another publisher wrote it just now; the next round looks whether anything is left")
        except OSError as error:
            _failed(report, error, publishing)
    if publishing.write:
        remove(specs, records, now, publishing.output, reports)
        # Last, so that a run which was killed before is done again by the next one, which finds the most of it done.
        _record(records, now, topics, publishing)
    return now


def write_common(
    specs: Sequence[FeedSpec], records: Records, publishing: Publishing, reports: dict[str, FeedReport]
) -> None:
    """Write what the feeds have in common, and remove what is left of those that are no more."""
    if not publishing.write:
        return
    known = {spec.name for spec in specs}
    now = {name: record for name, record in records.items() if name.partition("/")[0] in known}
    now |= folder.publish(specs, publishing, records, reports)
    remove(specs, records, now, publishing.output, reports)
    _record(records, now, {}, publishing)


def _record(before: Records, now: Records, topics: Mapping[str, tuple[str, str]], publishing: Publishing) -> None:
    changed = {name: record for name, record in now.items() if before.get(name) != record}
    gone = before.keys() - now.keys()
    if changed or gone or topics:
        publishing.store.record_feeds(changed, gone, topics, publishing.clock(), publishing.held)


def _own(name: str, records: Records) -> Records:
    """What is published of a feed."""
    return {path: record for path, record in records.items() if path.partition("/")[0] == name}


def _failed(report: FeedReport, error: OSError, publishing: Publishing) -> None:
    """Tell why a feed is not written."""
    # Of a rename that failed, the first name is that of the temporary file.
    report.error = f"{error.filename2 or error.filename or publishing.output}: {error.strerror}"
    report.hint = "make room, or remove what stands in its place; it is written at the next run"
    if isinstance(error, OutputError):
        report.error, report.hint = error.strerror, error.hint or "it is written at the next run"


def render(
    spec: FeedSpec, path: str, kind: str, states: Mapping[str, SourceState], publishing: Publishing
) -> bytes | None:
    """One page of a feed in one format, written nowhere; None where the feed has no page at this path."""
    from feedbot.engine.pages import plan

    edition = plan(spec, states, publishing, (), FeedReport(name=spec.name))
    page = next((one for one in edition.pages if one.path == path), None)
    if page is None:
        return None
    entries = [entry for entry, _ in publishing.shelf.entries(page.selection.entries, short=page.summary_only)]
    return spec.formats[kind].render(replace(page.publication, updated=_updated(page, entries)), entries)


class _Publication(Struct, dict=True):
    """One feed being published. ``own`` is what was published of it before.

    ``changed`` has the addresses of its files that are others than were recorded before, where a hub is to be told.
    """

    spec: FeedSpec
    states: Mapping[str, SourceState]
    publishing: Publishing
    own: Records
    report: FeedReport
    force: bool
    changed: list[str] = field(default_factory=list)
    _made: dict[str, FeedRecord] = field(default_factory=dict)

    def publish(self) -> Records:
        """Write what is not there as it should be; gives what is published of the feed now."""
        if not self.force and self.stands():
            return self.own
        from feedbot.engine.pages import plan  # with all that making a page takes, which most runs do not

        edition = plan(self.spec, self.states, self.publishing, self.own.keys(), self.report)
        self.report.entries = len(edition.pages[0].selection.entries)
        for page in edition.pages:
            self._page(page, prefix=f"{self._gate} " if page.path == self.spec.name else "")
        for contents in edition.contents:
            self._contents(contents)
        return self._made

    def stands(self) -> bool:
        """Whether all of the feed is there as it would be written."""
        former = self.own.get(self.spec.name)
        if former is None or former.inputs.partition(" ")[0] != self._gate:
            return False
        self.report.entries = former.entries
        return all(self.publishing.output.as_written(record.files) for record in self.own.values())

    @cached_property
    def _gate(self) -> str:
        """A digest that is another one whenever any page may have to be."""
        spec, states = self.spec, self.states
        versions = [[name, states[name].version] for name in spec.sources if name in states]
        titles = [[states[name].title, states[name].link] for name in spec.origins if name in states]
        formats = [[name, form.version] for name, form in spec.formats.items()]
        return sha256(json.dumps([spec.digest, formats, versions, titles]).encode()).hexdigest()

    def _page(self, page: Page, prefix: str) -> None:
        inputs = prefix + page.inputs()
        if not self._stands(page.path, inputs, page.files):
            files = self._rendered(page)
            types = {path: form.media_type for path, form in page.files.items()}
            self._write(page.path, inputs, files, len(page.selection.entries), types)
            self._tell(page)

    def _tell(self, page: Page) -> None:
        """Have the hub told of files that are others now than when they were recorded, whoever wrote them."""
        if not self.spec.channel.hub or not self.publishing.write:
            return
        former = self.own.get(page.path)
        known = former.files if former is not None else {}
        for path, mark in self._made[page.path].files.items():
            if known.get(path) != mark and page.files[path].media_type != _PAGE:
                self.changed.append(f"{self.spec.base}{quote(path)}")

    def _contents(self, contents: Contents) -> None:
        data = folder.contents_page(contents)
        path = contents.path.removesuffix("/index.html")
        inputs = sha256(data).hexdigest()
        if not self._stands(path, inputs, [contents.path]) and folder.may_replace(
            self.publishing.output, contents.path
        ):
            self._write(path, inputs, {contents.path: data}, len(contents.pages), {contents.path: _PAGE})

    def _stands(self, name: str, inputs: str, files: Collection[str]) -> bool:
        """Whether a page is there as it would be written; it is kept then as it is."""
        former = self.own.get(name)
        if former is None or self.force or set(former.files) != set(files):
            return False
        if former.inputs.rpartition(" ")[2] != inputs.rpartition(" ")[2]:
            return False
        if not self.publishing.output.as_written(former.files):
            return False
        self._made[name] = former._replace(inputs=inputs)
        return True

    def _rendered(self, page: Page) -> dict[str, bytes]:
        from feedbot.formats.legal import legal_entry

        shown = self.publishing.shelf.entries(page.selection.entries, short=page.summary_only)
        entries = [legal_entry(entry) for entry, _ in shown]  # once for all formats
        if self.publishing.write:
            self.report.incomplete |= folder.incomplete(self.publishing.output, shown)
        publication = replace(page.publication, updated=_updated(page, entries))
        rendered: dict[str, bytes] = {}
        for form in page.files.values():
            if form.extension not in rendered:
                rendered[form.extension] = form.render(publication, entries)
        return {path: rendered[form.extension] for path, form in page.files.items()}

    def _write(self, name: str, inputs: str, files: Mapping[str, bytes], number: int, types: Mapping[str, str]) -> None:
        output = self.publishing.output
        for path, data in files.items():
            self.publishing.sure()
            if output.write(path, data, types[path]) if self.publishing.write else output.read(path) != data:
                self.report.written.append(path)
        if self.publishing.write:
            marks = {path: output.mark(path) for path in files}
            self._made[name] = FeedRecord(marks, number, inputs)


def _updated(page: Page, entries: Sequence[Entry]) -> datetime | None:
    """When the latest of all changes to the page was made."""
    moments = [max(filter(None, (one.updated, one.published)), default=one.first_seen) for one in entries]
    return max([*moments, *(one.at for one in page.publication.withdrawn)], default=None)
