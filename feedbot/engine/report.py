"""What a run did, as plain data for whoever shows it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct, field

from feedbot.model import ChangeKind, Entry, Problem


class SourceStatus(StrEnum):
    OK = "ok"
    NOT_MODIFIED = "not-modified"
    FAILED = "failed"
    HELD = "held"
    SKIPPED = "skipped"


class Announced(NamedTuple):
    """A change that notifications were planned for."""

    change: ChangeKind
    entry: Entry


class SourceReport(Struct, kw_only=True):
    """What the poll of one source brought; ids are entry ids, ``seconds`` its wall time.

    ``edited`` tells of each edit how deep it went, ``restored`` are withdrawn entries that came back.
    ``alert``: what a person should know even where nobody asked, said once. ``held``: what waits for a person, and why.
    ``failures``: how many polls in a row had failed before this one.
    """

    name: str
    kind: str = ""
    status: SourceStatus = SourceStatus.OK
    entries: int = 0
    new: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    edited: dict[str, str] = field(default_factory=dict)
    announced: list[Announced] = field(default_factory=list)
    error: str | None = None
    hint: str = ""
    alert: str = ""
    held: str = ""
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0
    failures: int = 0


class FeedReport(Struct, kw_only=True):
    """What became of one published feed; ``written`` and ``removed`` are paths below the output folder.

    ``incomplete`` are sources whose copied files are missing there. ``busy``: another process publishes it just now.
    """

    name: str
    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    entries: int = 0
    problems: list[str] = field(default_factory=list)
    error: str | None = None
    hint: str = ""
    incomplete: set[str] = field(default_factory=set)
    busy: bool = False


class SinkReport(Struct, kw_only=True):
    """What one sink was given: sent and failed in this run, pending, held and dead in all.

    ``alert``: what a person should know even where nobody asked, said once.
    """

    name: str
    sent: int = 0
    failed: int = 0
    pending: int = 0
    held: int = 0
    dead: int = 0
    errors: list[str] = field(default_factory=list)
    alert: str = ""


class RunReport(Struct, kw_only=True):
    sources: dict[str, SourceReport] = field(default_factory=dict)
    feeds: dict[str, FeedReport] = field(default_factory=dict)
    sinks: dict[str, SinkReport] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def source_failed(self) -> bool:
        return any(source.status is SourceStatus.FAILED for source in self.sources.values())

    @property
    def feed_failed(self) -> bool:
        return any(feed.error for feed in self.feeds.values())

    @property
    def delivery_failed(self) -> bool:
        return any(sink.failed for sink in self.sinks.values())
