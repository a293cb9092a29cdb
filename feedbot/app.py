"""Puts the parts together: from a configuration to rounds of polling, publishing and delivering."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from feedbot import files, plugins
from feedbot.core.expression import compile_filter
from feedbot.core.present import MEDIA_FOLDER, present
from feedbot.core.publication import feed_id
from feedbot.core.route import Route
from feedbot.core.schedule import parse_rate
from feedbot.engine.cycle import Cycle, run
from feedbot.engine.dispatch import Dispatching, Limits
from feedbot.engine.hubs import Hubs
from feedbot.engine.pages import folders
from feedbot.engine.planning import Planning
from feedbot.engine.poll import Polling
from feedbot.engine.publishing import FeedSpec, Publishing, Shelf
from feedbot.engine.reading import SourceSpec
from feedbot.engine.regenerate import regenerate, render
from feedbot.engine.report import FeedReport, RunReport, SourceReport
from feedbot.engine.subscribing import Subscribing
from feedbot.errors import LockedError, SourceError, StateError, UsageError
from feedbot.http import Fetcher
from feedbot.model import Channel, Entry
from feedbot.plugins import Format, Sink, SinkContext, Source, SourceContext
from feedbot.settings import Configuration, FeedSettings
from feedbot.settings.document import suggestion
from feedbot.store.store import Store

log = logging.getLogger(__name__)

# Keys of a source that say when and to whom, not what its entries are.
_NOT_CONTENT = {
    "interval",
    "min_interval",
    "max_interval",
    "paused",
    "backfill",
    "updates",
    "settle",
    "update_interval",
    "max_age",
    "withdraw_after",
    "content",
    "timeout",
    "max_bytes",
    "allow_private",
    "hub",
}


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What a run is asked to do beside the usual. ``quiet`` keeps sinks still that print."""

    sources: tuple[str, ...] = ()
    dry_run: bool = False
    notify: bool = True
    mark_seen: bool = False
    force: bool = False
    quiet: bool = False


class App:
    """One configuration at work. ``out`` is where sinks that print write to.

    ``progress`` is told how many sources are polled, ``reading`` how much of a source is read.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        out: TextIO,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        progress: Callable[[int, int], None] = lambda _done, _all: None,
        reading: Callable[[str, int, int], None] = lambda _source, _done, _all: None,
    ) -> None:
        self.configuration = configuration
        self.stop = threading.Event()
        self.clock = clock
        self._out = out
        self._progress = progress
        self._reading = reading
        self._fetcher: Fetcher | None = None
        self._opening = threading.Lock()
        self._turn = threading.Lock()

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
                store = Store.open_copy(self.configuration.state_path)
            else:
                stack.enter_context(run_lock(self.configuration.state_path))
                self.sweep()
                store = Store.open(self.configuration.state_path)
            stack.callback(store.close)
            stack.callback(self.close)
            store.sources.release_all()
            store.outbox.recover(self.clock())
            return run(self.cycle(store, options, names), polled, force=options.force)

    def present(self, entry: Entry, summary_only: bool = False) -> Entry:
        """An entry as it may go out."""
        source = self.configuration.sources.get(entry.source)
        short = summary_only or (source is not None and source.content == "summary")
        return present(entry, self.configuration.feedbot.base_url, short)

    def build(self, names: Collection[str] | None = None) -> dict[str, FeedReport]:
        """Make feeds anew from what the state holds. Raises LockedError and StateError."""
        path = self.configuration.state_path
        with run_lock(path), contextlib.closing(Store.open(path, create=False)) as store:
            states, publishing = store.sources.states(), self._publishing(store)
            return regenerate(self.feeds(), states, publishing, only=names, force=True)

    def rendered(self, path: str, kind: str) -> bytes | None:
        """A feed, or the part of one at this path, as it would be published now; None where there is none."""
        spec = next(feed for feed in self.feeds() if feed.name == path.partition("/")[0])
        store = Store.open_to_read(self.configuration.state_path)
        try:
            return render(spec, path, kind, store.sources.states(), self._publishing(store, write=False))
        finally:
            store.close()

    def feeds(self) -> list[FeedSpec]:
        """The feeds of the configuration."""
        return [self._feed(name, settings) for name, settings in self.configuration.feeds.items()]

    def check(self) -> None:
        """Build every part as a run would, without reading or sending anything. Raises FeedbotError."""
        for name in self.configuration.sources:
            self._source(name)
        for name in self.configuration.sinks:
            self.sink(name)().close()
        self._routes()
        self.feeds()

    def close(self) -> None:
        """Let go of connections."""
        if self._fetcher is not None:
            self._fetcher.close()

    def _chosen(self, wanted: Sequence[str]) -> tuple[str, ...]:
        known = self.configuration.sources
        for name in wanted:
            if name not in known:
                raise UsageError(f"there is no source named {name!r}", suggestion(name, list(known)))
        return tuple(name for name in known if not wanted or name in wanted)

    def cycle(self, store: Store, options: RunOptions, names: Sequence[str] | None = None) -> Cycle:
        """What a round works on: all sources, or those of these names."""
        settings, sources = self.configuration.feedbot, self.configuration.sources
        lease = uuid.uuid4().hex
        send = options.notify and not options.dry_run
        return Cycle(
            store=store,
            sources=[self._source(name) for name in (sources if names is None else names)],
            feeds=self.feeds(),
            sinks=[(name, self.sink(name)) for name in self.configuration.sinks],
            polling=Polling(
                store=store.sources,
                planning=Planning(
                    store=store.sources,
                    routes=self._routes(),
                    present=self.present,
                    instance=store.instance(),
                    flood_limit=settings.flood_limit,
                    keep_revisions=settings.keep_revisions,
                    notify=not options.mark_seen,
                    zone=self.configuration.zone,
                ),
                publish_assets=(lambda _assets: None) if options.dry_run else self._publish_assets,
                lease=lease,
                clock=self.clock,
                concurrency=settings.concurrency,
                per_host=settings.per_host,
                subscriptions=store.subscriptions if settings.callback else None,
                turn=self._turn,
                progress=self._progress,
            ),
            publishing=self._publishing(store, write=not options.dry_run),
            silent=frozenset(name for name in self.configuration.sinks if options.quiet and self.prints(name)),
            retention=settings.retention,
            subscribing=self._subscribing(store) if send and len(names or sources) == len(sources) else None,
            hubs=Hubs(store=store.pings, fetcher=self._open_fetcher, clock=self.clock) if send else None,
            dispatching=Dispatching(
                store=store.outbox,
                sinks=store.sinks,
                present=self.present,
                lease=lease,
                clock=self.clock,
                stop=self.stop,
                zone=self.configuration.zone,
                limits={
                    name: Limits(rate=parse_rate(sink.rate) if sink.rate else None, in_flight=sink.max_in_flight)
                    for name, sink in self.configuration.sinks.items()
                },
            )
            if send
            else None,
        )

    def _subscribing(self, store: Store) -> Subscribing | None:
        public = self.configuration.feedbot.callback
        if not public:
            return None
        return Subscribing(store=store.subscriptions, fetcher=self._open_fetcher, clock=self.clock, public=public)

    def _publishing(self, store: Store, *, write: bool = True) -> Publishing:
        return Publishing(
            store=store.entries,
            shelf=Shelf(store.entries, self.present),
            output=self.configuration.output_path,
            clock=self.clock,
            write=write,
        )

    def prints(self, sink: str) -> bool:
        """Whether a sink writes to the terminal."""
        return bool(self.configuration.sink_types[sink].prints)

    def _source(self, name: str) -> SourceSpec:
        settings = self.configuration.sources[name]
        context = SourceContext(
            name=name,
            folder=self.configuration.folder,
            timezone=self.configuration.zone,
            fetcher=self._open_fetcher,
            timeout=self.configuration.feedbot.timeout.total_seconds(),
            cache=self.configuration.state_path.with_suffix(".cache") / name,
            ca_file=self.configuration.ca_path,
            allow_private=tuple(self.configuration.feedbot.allow_private),
            progress=partial(self._reading, name),
            turn=self._turn,
        )
        source: Source = self.configuration.source_types[name](settings, context)
        shaping = settings.model_dump(mode="json", exclude=_NOT_CONTENT)
        shaping["timezone"] = self.configuration.feedbot.timezone
        return SourceSpec(name=name, settings=settings, source=source, digest=_digest(shaping))

    def sink(self, name: str) -> Callable[[], Sink]:
        """What makes the sink of a name."""

        def make() -> Sink:
            told: set[str] = set()

            def report(problem: str) -> None:
                if problem not in told:
                    told.add(problem)
                    log.warning("sink %s: %s", name, problem)

            context = SinkContext(
                name=name, folder=self.configuration.folder, fetcher=self._open_fetcher, out=self._out, report=report
            )
            sink: Sink = self.configuration.sink_types[name](self.configuration.sinks[name], context)
            return sink

        return make

    def _routes(self) -> list[Route]:
        return [
            Route(
                sources=tuple(route.sources),
                filter=compile_filter(route.filter) if route.filter else None,
                on=frozenset(route.on),
                to=self.configuration.sinks_of(route),
                across=route.dedupe == "across",
                digest=route.digest,
                quiet=route.quiet,
                most=route.max_per_run,
            )
            for route in self.configuration.routes
        ]

    def _feed(self, name: str, settings: FeedSettings) -> FeedSpec:
        base_url = self.configuration.feedbot.base_url
        formats: dict[str, Format] = {kind: plugins.load(plugins.FORMATS, kind)() for kind in settings.formats}
        sources = self.configuration.sources_of(settings)
        summaries = [source for source in sources if self.configuration.sources[source].content == "summary"]
        origins = {source: address for source in sources if (address := self._public_address(source)) is not None}
        shaping = [settings.model_dump(mode="json"), base_url, sources, summaries, origins]
        urls = {kind: f"{base_url}{name}.{form.extension}" for kind, form in formats.items()} if base_url else {}
        return FeedSpec(
            name=name,
            channel=Channel(
                name=name,
                id=feed_id(base_url, name),
                title=settings.title or name,
                link=settings.link or base_url,
                description=settings.description,
                language=settings.language,
                hub=settings.hub if base_url else "",
                urls=urls,
            ),
            sources=sources,
            filter=compile_filter(settings.filter) if settings.filter else None,
            filter_reads_texts=any(name in settings.filter for name in ("content", "summary")),
            limit=settings.limit,
            formats=formats,
            aliases=tuple(settings.aliases),
            summary_only=settings.content == "summary",
            digest=_digest(shaping),
            base=base_url,
            split=tuple(settings.split),
            archive=settings.archive,
            listed=settings.token is None,
            origins=origins,
        )

    def _public_address(self, source: str) -> str | None:
        """The address of a source that is a feed, "" where it may be secret; None where it is no feed on the web."""
        settings = self.configuration.sources[source]
        url = getattr(settings, "url", None)
        if not url:
            return None
        referred = ("sources", source, "url") in self.configuration.references
        secret = referred or "@" in urlsplit(url).netloc or getattr(settings, "headers", None)
        return "" if secret else str(url)

    def _publish_assets(self, assets: Mapping[str, str]) -> None:
        folder = self.configuration.output_path / MEDIA_FOLDER
        for name, path in assets.items():
            target = folder / name
            if target.is_file():  # its name is the hash of its content
                continue
            try:
                files.write_atomic(target, Path(path).read_bytes())
            except OSError as error:
                raise SourceError(f"{path} cannot be copied to {folder}: {error.strerror}") from error

    def _open_fetcher(self) -> Fetcher:
        with self._opening:
            if self._fetcher is None:
                self._fetcher = open_client(self.configuration)
            return self._fetcher

    def sweep(self) -> None:
        """Remove what a killed run left half written."""
        output = self.configuration.output_path
        below = {output / folder for feed in self.feeds() for folder in folders(feed)}
        for folder in {*below, output, output / MEDIA_FOLDER, self.configuration.state_path.parent}:
            files.sweep(folder)


def open_client(configuration: Configuration) -> Fetcher:
    """An HTTP client within the limits of a configuration."""
    from feedbot.http.client import Client

    settings = configuration.feedbot
    return Client(
        user_agent=settings.user_agent,
        timeout=settings.timeout.total_seconds(),
        max_bytes=settings.max_bytes,
        ca_file=configuration.ca_path,
        allow_private=tuple(settings.allow_private),
        connections=settings.concurrency,
    )


@contextlib.contextmanager
def run_lock(state: Path) -> Iterator[None]:
    """Hold the lock of a state, which ends with its process whatever happens. Raises LockedError, StateError."""
    from filelock import FileLock, Timeout

    lock = FileLock(f"{state}.lock", timeout=0, mode=0o600)
    try:
        state.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise LockedError(f"another feedbot works on {state}", "wait for it to end, or stop it") from None
    except OSError as error:
        raise StateError(
            f"{error.filename or lock.lock_file}: {error.strerror}", "check the folder of the state"
        ) from error
    try:
        yield
    finally:
        lock.release()


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
