"""Puts a configuration to work: rounds of polling, publishing and delivering."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TextIO

from feedbot import files
from feedbot.core.present import MEDIA_FOLDER
from feedbot.core.schedule import parse_rate
from feedbot.core.text import redacted
from feedbot.engine.alerts import Alerting
from feedbot.engine.cycle import Cycle, run
from feedbot.engine.dispatch import Dispatching, Limits
from feedbot.engine.hubs import Hubs
from feedbot.engine.inheriting import LeftBehind
from feedbot.engine.layout import folders
from feedbot.engine.presence import at_work
from feedbot.engine.publishing import Publishing, Sharing, Shelf
from feedbot.engine.regenerate import render
from feedbot.engine.report import FeedReport, RunReport, SourceReport
from feedbot.engine.rules import Planning
from feedbot.engine.settling import Polling
from feedbot.engine.sharing import PATIENCE, publish
from feedbot.engine.subscribing import Subscribing
from feedbot.errors import SourceError, UsageError
from feedbot.locking import run_lock
from feedbot.model import Document, Memory
from feedbot.parts import Parts
from feedbot.settings import Configuration
from feedbot.settings.document import suggestion
from feedbot.store.fleet import RUN
from feedbot.store.store import Store


def new_lease() -> str:
    """What names a process to the others that work on a state, and what it has claimed as its own."""
    return uuid.uuid4().hex


class RunOptions(NamedTuple):
    """What a run is asked to do beside the usual. ``quiet`` keeps sinks still that print."""

    sources: tuple[str, ...] = ()
    dry_run: bool = False
    notify: bool = True
    mark_seen: bool = False
    force: bool = False
    quiet: bool = False


class App:
    """One configuration at work. ``out`` is where sinks that print write to.

    ``progress`` is told how many sources are polled, ``reading`` how much of a source is read, ``took`` how many bytes
    came in over HTTP.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        out: TextIO,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        progress: Callable[[int, int], None] = lambda _done, _all: None,
        reading: Callable[[str, int, int], None] = lambda _source, _done, _all: None,
        took: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self.configuration = configuration
        self.stop = threading.Event()
        self.clock = clock
        self._parts = Parts(configuration, out=out, reading=reading, took=took)
        self._progress = progress
        self._output = self._parts.output(clock)

    def run(
        self, options: RunOptions, polled: Callable[[Mapping[str, SourceReport]], None] = lambda _reports: None
    ) -> RunReport:
        """Poll, publish and deliver once; ``polled`` is told what the polls brought before anything is sent.

        Raises UsageError for a source that there is not, LockedError where another run works on the same
        state, StateError where the state cannot be used.
        """
        names = self._chosen(options.sources)
        with contextlib.ExitStack() as stack:
            if options.dry_run:
                store = Store.open_copy(self.configuration.state)
            else:
                stack.enter_context(run_lock(self.configuration.state))
                self.sweep()
                store = Store.open(self.configuration.state)
            stack.callback(store.close)
            stack.callback(self.close)
            lease = new_lease()
            if not options.dry_run:
                stack.enter_context(at_work(store, RUN, lease, self.clock))
            store.recover(self.clock())
            return run(self.cycle(store, options, names, lease=lease), polled, force=options.force)

    def cycle(self, store: Store, options: RunOptions, names: Sequence[str] | None = None, lease: str = "") -> Cycle:
        """What a round works on, under this lease or one of its own: all sources, or those of these names."""
        lease = lease or new_lease()
        settings, sources = self.configuration.feedbot, self.configuration.sources
        send = options.notify and not options.dry_run
        secrets = sorted(self.configuration.secrets, key=len, reverse=True)
        alerting = Alerting(
            sinks=settings.alerts, instance=store.instance(), redact=lambda text: redacted(text, secrets)
        )
        return Cycle(
            store=store,
            sources=[self._parts.source(name) for name in (sources if names is None else names)],
            feeds=self._parts.feeds(),
            sinks=[(name, self._parts.sink(name)) for name in self.configuration.sinks],
            polling=self._polling(store, options, lease, alerting),
            publishing=self._publishing(store, lease, write=not options.dry_run),
            silent=frozenset(name for name in self.configuration.sinks if options.quiet and self.prints(name)),
            retention=settings.retention,
            subscribing=self._subscribing(store, lease) if send and len(names or sources) == len(sources) else None,
            hubs=self._hubs(store, lease) if send else None,
            dispatching=self._dispatching(store, lease, alerting) if send else None,
        )

    def read(self, name: str) -> Document:
        """What a source says now, as if nothing was known of it. Raises UsageError and SourceError."""
        (chosen,) = self._chosen([name])
        return self._parts.source(chosen).source.poll(Memory(), self.clock())

    def build(self, names: Collection[str] | None = None) -> dict[str, FeedReport]:
        """Make feeds anew from what the state holds. Raises LockedError and StateError."""
        path, lease = self.configuration.state, new_lease()
        with (
            run_lock(path),
            contextlib.closing(Store.open(path, create=False)) as store,
            at_work(store, RUN, lease, self.clock),
        ):
            publishing, shown = self._publishing(store, lease), store.sources.shown
            return publish(self._parts.feeds(), shown, publishing, only=names, force=True, patience=PATIENCE)

    def rendered(self, path: str, kind: str) -> bytes | None:
        """A feed, or the part of one at this path, as it would be published now; None where there is none."""
        spec = next(feed for feed in self._parts.feeds() if feed.name == path.partition("/")[0])
        store = Store.open_to_read(self.configuration.state)
        try:
            return render(spec, path, kind, store.sources.shown(), self._publishing(store, "", write=False))
        finally:
            store.close()

    def prints(self, sink: str) -> bool:
        """Whether a sink writes to the terminal."""
        return bool(self.configuration.sink_types[sink].prints)

    def sweep(self) -> None:
        """Remove what a killed run left half written."""
        below = {folder for feed in self._parts.feeds() for folder in folders(feed)}
        self._output.sweep({*below, "", MEDIA_FOLDER})
        files.sweep(self.configuration.cache_path.parent)

    def close(self) -> None:
        """Let go of connections."""
        self._parts.close()

    def _chosen(self, wanted: Sequence[str]) -> tuple[str, ...]:
        known = self.configuration.sources
        for name in wanted:
            if name not in known:
                raise UsageError(f"there is no source named {name!r}", suggestion(name, list(known)))
        return tuple(name for name in known if not wanted or name in wanted)

    def _polling(self, store: Store, options: RunOptions, lease: str, alerting: Alerting) -> Polling:
        settings = self.configuration.feedbot
        return Polling(
            store=store.sources,
            planning=Planning(
                knowledge=store.knowledge,
                routes=self._parts.routes(),
                present=self._parts.present,
                instance=alerting.instance,
                flood_limit=settings.flood_limit,
                keep_revisions=settings.keep_revisions,
                notify=not options.mark_seen,
                zone=self.configuration.zone,
                alerting=alerting,
            ),
            publish_assets=(lambda _assets: None) if options.dry_run else self._publish_assets,
            lease=lease,
            clock=self.clock,
            concurrency=settings.concurrency,
            per_host=settings.per_host,
            host_of=None if options.dry_run else self._parts.host,  # of what is taken back nobody is to wait
            subscriptions=store.subscriptions if settings.callback else None,
            left_behind=LeftBehind(store.sources, frozenset(self.configuration.sources)),
            turn=self._parts.turn,
            progress=self._progress,
        )

    def _dispatching(self, store: Store, lease: str, alerting: Alerting) -> Dispatching:
        return Dispatching(
            store=store.outbox,
            sinks=store.sinks,
            turns=store.turns,
            present=self._parts.present,
            lease=lease,
            clock=self.clock,
            stop=self.stop,
            zone=self.configuration.zone,
            alerting=alerting,
            limits={
                name: Limits(rate=parse_rate(sink.rate) if sink.rate else None, in_flight=sink.max_in_flight)
                for name, sink in self.configuration.sinks.items()
            },
        )

    def _hubs(self, store: Store, lease: str) -> Hubs:
        return Hubs(
            store=store.pings,
            fetcher=self._parts.fetcher,
            clock=self.clock,
            turn=lambda: store.turns.taking("hubs", lease, self.clock()),
        )

    def _subscribing(self, store: Store, lease: str) -> Subscribing | None:
        public = self.configuration.feedbot.callback
        if not public:
            return None
        return Subscribing(
            store=store.subscriptions,
            fetcher=self._parts.fetcher,
            clock=self.clock,
            turn=lambda: store.turns.taking("subscriptions", lease, self.clock()),
            public=public,
        )

    def _publishing(self, store: Store, lease: str, *, write: bool = True) -> Publishing:
        shared = write and not store.alone
        return Publishing(
            store=store.entries,
            shelf=Shelf(store.entries, self._parts.present),
            output=self._output,
            clock=self.clock,
            write=write,
            sharing=Sharing(turns=store.turns, sources=store.sources, lease=lease) if shared else None,
        )

    def _publish_assets(self, assets: Mapping[str, str]) -> None:
        for name, path in assets.items():
            target = f"{MEDIA_FOLDER}/{name}"  # its name is the hash of its content
            try:
                self._output.keep(target, Path(path))
            except OSError as error:
                raise SourceError(f"{path} cannot be copied to {self._output}/{target}: {error.strerror}") from error
