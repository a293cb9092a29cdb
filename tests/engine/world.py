"""A small installation in a temporary folder: scripted sources, real store, real formats, remembering sinks."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from feedbot.app import App, RunOptions
from feedbot.engine.report import RunReport
from feedbot.errors import DeliveryError, SourceError
from feedbot.model import Delivery, Document, Memory
from feedbot.plugins import SinkContext, SinkSettings, SourceContext, SourceSettings
from feedbot.settings import Configuration, FeedbotSettings, FeedSettings, RouteSettings
from feedbot.store.store import Store
from tests.support.build import NOW, feed

Saying = Document | SourceError


class ScriptedSource:
    """Says what the test put there."""

    Settings: ClassVar[type[SourceSettings]] = SourceSettings
    said: ClassVar[dict[str, Saying]] = {}
    polls: ClassVar[list[str]] = []

    def __init__(self, settings: SourceSettings, context: SourceContext) -> None:
        self.kind = "scripted"
        self.host = "blog.example"
        self.name = context.name

    def poll(self, memory: Memory, now: datetime) -> Document:
        self.polls.append(self.name)
        said = self.said[self.name]
        if isinstance(said, SourceError):
            raise said
        return said


class RememberingSink:
    """Keeps what it was sent; fails as often as the test asks."""

    Settings: ClassVar[type[SinkSettings]] = SinkSettings
    prints: ClassVar[bool] = False
    sent: ClassVar[list[tuple[str, Delivery]]] = []
    errors: ClassVar[dict[str, list[DeliveryError]]] = {}

    def __init__(self, settings: SinkSettings, context: SinkContext) -> None:
        self.name = context.name

    def send(self, delivery: Delivery, now: datetime) -> None:
        waiting = self.errors.get(self.name, [])
        if waiting:
            raise waiting.pop(0)
        self.sent.append((self.name, delivery))

    def close(self) -> None:
        pass


@dataclass
class World:
    """``say`` and ``run`` tell a story; time passes only where the test says so."""

    folder: Path
    now: datetime = NOW
    sources: dict[str, SourceSettings] = field(default_factory=dict)
    sinks: Sequence[str] = ("log",)
    routes: Sequence[RouteSettings] = ()
    feeds: dict[str, FeedSettings] = field(default_factory=lambda: {"all": FeedSettings()})
    feedbot: dict[str, Any] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        ScriptedSource.said = {"blog": feed()}
        ScriptedSource.polls = []
        RememberingSink.sent = []
        RememberingSink.errors = {}
        self.sources = self.sources or {"blog": SourceSettings(type="scripted", backfill="all")}

    def say(self, said: Saying, source: str = "blog") -> None:
        ScriptedSource.said[source] = said

    def run(self, said: Saying | None = None, /, later: timedelta = timedelta(hours=1), **options: Any) -> RunReport:
        """Let time pass, then run."""
        if said is not None:
            self.say(said)
        self.now += later
        return self.app().run(RunOptions(**options))

    def app(self, clock: Callable[[], datetime] | None = None) -> App:
        settings = {"state": "feedbot.db", "output": "public", "base_url": "https://feeds.example/", **self.feedbot}
        configuration = Configuration(
            path=self.folder / "feedbot.toml",
            folder=self.folder,
            feedbot=FeedbotSettings(**settings),
            sources=self.sources,
            source_types=dict.fromkeys(self.sources, ScriptedSource),
            feeds=self.feeds,
            sinks={name: SinkSettings(type="remember") for name in self.sinks},
            sink_types=dict.fromkeys(self.sinks, RememberingSink),
            routes=tuple(self.routes) or (RouteSettings(to=tuple(self.sinks)),),
            secrets=self.secrets,
        )
        return App(configuration, out=io.StringIO(), clock=clock or (lambda: self.now))

    def store(self) -> Store:
        return Store.open(self.folder / "feedbot.db", create=False)

    @property
    def sent(self) -> list[tuple[str, str, str]]:
        """Sink, change and entry id of what was sent, in order."""
        return [(name, d.change.value, d.entry.id) for name, d in RememberingSink.sent]

    def published(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (self.folder / "public").iterdir() if path.is_file()}
