"""Builds the parts that a configuration names: sources, feeds, sinks, routes."""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from feedbot import plugins
from feedbot.core.address import feed_id
from feedbot.core.expression import compile_filter
from feedbot.core.present import present
from feedbot.core.route import Route
from feedbot.engine.cleaning import Cleaning
from feedbot.engine.output import Folder, Output
from feedbot.engine.publishing import FeedSpec
from feedbot.engine.reading import SourceSpec
from feedbot.http import Fetcher
from feedbot.model import Channel, Entry
from feedbot.paths import located
from feedbot.plugins import Format, Sink, SinkContext, Source, SourceContext
from feedbot.settings import Configuration, FeedSettings

log = logging.getLogger(__name__)

# Keys of a source that say when and to whom, not what its entries are.
_NOT_CONTENT = {
    "interval",
    "min_interval",
    "max_interval",
    "paused",
    "watch",
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


class Parts:
    """What a configuration names, built when it is asked for. ``out`` is where sinks that print write to.

    ``reading`` is told how much of a source is read, ``took`` how many bytes came in over HTTP. Sources take ``turn``
    to compute.
    """

    def __init__(
        self,
        configuration: Configuration,
        *,
        out: TextIO,
        reading: Callable[[str, int, int], None] = lambda _source, _done, _all: None,
        took: Callable[[int], None] = lambda _count: None,
    ) -> None:
        self.configuration = configuration
        self.turn = threading.Lock()
        self._out = out
        self._reading = reading
        self._took = took
        self._fetcher: Fetcher | None = None
        self._feeds: list[FeedSpec] | None = None
        self._hosts: dict[str, str] = {}
        self._opening = threading.Lock()
        self._cleaning = Cleaning(self._cache("_cleaned"))  # as no source is called

    def output(self, clock: Callable[[], datetime]) -> Output:
        """Where feeds are published to."""
        place = self.configuration.bucket
        if place is None:
            return Folder(self.configuration.output_path)
        from feedbot.engine.bucketed import Bucketed
        from feedbot.http.bucket import Bucket
        from feedbot.http.sigv4 import Credentials

        settings = self.configuration.feedbot
        token = settings.s3_session_token
        credentials = Credentials(
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key.get_secret_value() if settings.s3_secret_key else "",
            token=token.get_secret_value() if token else "",
        )
        bucket = Bucket(
            name=place.name,
            prefix=place.prefix,
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            credentials=credentials,
            fetcher=self.fetcher,
            clock=clock,
        )
        return Bucketed(bucket, settings.s3_cache_control, clock)

    def source(self, name: str) -> SourceSpec:
        """The source of a name, as polls take it."""
        settings = self.configuration.sources[name]
        context = SourceContext(
            name=name,
            folder=self.configuration.folder,
            timezone=self.configuration.zone,
            fetcher=self.fetcher,
            timeout=self.configuration.feedbot.timeout.total_seconds(),
            cache=self._cache(name),
            ca_file=self.configuration.ca_path,
            proxy=self.configuration.proxy,
            allow_private=tuple(self.configuration.feedbot.allow_private),
            progress=partial(self._reading, name),
            turn=self.turn,
        )
        source: Source = self.configuration.source_types[name](settings, context)
        shaping = settings.model_dump(mode="json", exclude=_NOT_CONTENT)
        shaping["timezone"] = self.configuration.feedbot.timezone
        self._hosts[name] = source.host
        watched = tuple(located(self.configuration.folder, path) for path in settings.watched())
        return SourceSpec(name=name, settings=settings, source=source, digest=_digest(shaping), watched=watched)

    def host(self, name: str) -> str:
        """The host that a source is read from, "" where there is none or the source is not of this configuration."""
        if name not in self._hosts and name in self.configuration.sources:
            self.source(name)
        return self._hosts.get(name, "")

    def sink(self, name: str) -> Callable[[], Sink]:
        """What makes the sink of a name."""

        def make() -> Sink:
            told: set[str] = set()

            def report(problem: str) -> None:
                if problem not in told:
                    told.add(problem)
                    log.warning("sink %s: %s", name, problem)

            context = SinkContext(
                name=name,
                folder=self.configuration.folder,
                fetcher=self.fetcher,
                out=self._out,
                ca_file=self.configuration.ca_path,
                allow_private=tuple(self.configuration.feedbot.allow_private),
                report=report,
            )
            sink: Sink = self.configuration.sink_types[name](self.configuration.sinks[name], context)
            return sink

        return make

    def routes(self) -> list[Route]:
        """The routes of the configuration."""
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

    def feeds(self) -> list[FeedSpec]:
        """The feeds of the configuration."""
        if self._feeds is None:
            self._feeds = [self._feed(name, settings) for name, settings in self.configuration.feeds.items()]
        return self._feeds

    def present(self, entry: Entry, summary_only: bool = False) -> Entry:
        """An entry as it may go out."""
        source = self.configuration.sources.get(entry.source)
        short = summary_only or (source is not None and source.content == "summary")
        return present(entry, self.configuration.feedbot.base_url, short, self._cleaning.clean)

    def check(self) -> None:
        """Build every part as a run would, without reading or sending anything. Raises FeedbotError."""
        for name in self.configuration.sources:
            self.source(name)
        for name in self.configuration.sinks:
            self.sink(name)().close()
        self.routes()
        self.feeds()

    def fetcher(self) -> Fetcher:
        """The HTTP client of all parts."""
        with self._opening:
            if self._fetcher is None:
                self._fetcher = open_client(self.configuration, self._took)
            return self._fetcher

    def close(self) -> None:
        """Let go of connections."""
        if self._fetcher is not None:
            self._fetcher.close()

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
        secret = referred or ("@" in url and "@" in urlsplit(url).netloc) or getattr(settings, "headers", None)
        return "" if secret else str(url)

    def _cache(self, name: str) -> Path:
        """A folder for what can be had again."""
        return self.configuration.cache_path / name


def open_client(configuration: Configuration, took: Callable[[int], None] = lambda _count: None) -> Fetcher:
    """An HTTP client within the limits of a configuration; ``took`` is told how many bytes come in."""
    from feedbot.http.client import Client

    settings = configuration.feedbot
    return Client(
        user_agent=settings.user_agent,
        timeout=settings.timeout.total_seconds(),
        max_bytes=settings.max_bytes,
        ca_file=configuration.ca_path,
        allow_private=tuple(settings.allow_private),
        connections=settings.concurrency,
        proxy=configuration.proxy,
        took=took,
    )


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
