"""Makes alerts: what a person is told through sinks about sources, sinks and deliveries that are not well.

Each is made where something changes from well to not well or back, and never of a delivery of an alert, so that one
that cannot be delivered leads to no other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from feedbot.core.dates import in_words
from feedbot.core.route import delivery_key
from feedbot.core.schedule import DAY
from feedbot.core.text import one_line, shorten
from feedbot.model import ALERTS, Content
from feedbot.store.alerts import Alert

_MAX_ERROR = 1000  # characters of what went wrong


class Event(StrEnum):
    """What an alert is about."""

    SOURCE_FAILING = "source.failing"
    SOURCE_RECOVERED = "source.recovered"
    SOURCE_HELD = "source.held"
    SINK_FAILING = "sink.failing"
    SINK_DISABLED = "sink.disabled"
    SINK_RECOVERED = "sink.recovered"
    SINK_DEAD = "sink.dead"


_SELDOM = frozenset({Event.SOURCE_HELD, Event.SINK_DEAD})
"""Told at most once a day of each source or sink: one burst, or one receiver, may lead to many of them."""


class Alerting(Struct, frozen=True, kw_only=True):
    """Which sinks hear of what is not well. ``redact`` takes secrets out of what is told."""

    sinks: tuple[str, ...] = ()
    instance: str = ""
    redact: Callable[[str], str] = str

    def source_failing(self, name: str, error: str, since: datetime, now: datetime, *, gone: bool) -> tuple[Alert, ...]:
        """A source that has failed for a day, or that its server says is gone for good."""
        lasted = in_words(since, now).removesuffix(" ago")
        title = f"Source {name} is gone" if gone else f"Source {name} has failed for {lasted}"
        then = "It is asked once a week from now on." if gone else "feedbot goes on trying."
        text = [f"Nothing could be read from it since {_day(since)}:", error, f"{then} {_see(f'source show {name}')}"]
        return self._alert(Event.SOURCE_FAILING, name, title, text, now)

    def source_recovered(self, name: str, since: datetime | None, now: datetime) -> tuple[Alert, ...]:
        """A source that can be read again after a person was told that it fails."""
        failed = f"It had failed since {_day(since)}." if since else "It had failed."
        return self._alert(Event.SOURCE_RECOVERED, name, f"Source {name} is well again", [failed], now)

    def source_held(self, name: str, why: str, now: datetime) -> tuple[Alert, ...]:
        """A source of which more came at once than is announced unseen."""
        text = [
            f"{why}. Feeds show it, and nobody is told of it until a person has decided.",
            "feedbot queue list shows it; feedbot queue release lets it go out, feedbot queue absorb drops it.",
        ]
        return self._alert(Event.SOURCE_HELD, name, f"Entries of source {name} are held", text, now)

    def sink_failing(self, name: str, error: str, since: datetime, now: datetime) -> tuple[Alert, ...]:
        """A sink to which nothing could be delivered for a day."""
        text = [f"Nothing could be delivered since {_day(since)}:", error, f"feedbot goes on trying. {_waiting(name)}"]
        lasted = in_words(since, now).removesuffix(" ago")
        return self._alert(Event.SINK_FAILING, name, f"Sink {name} has failed for {lasted}", text, now)

    def sink_disabled(self, name: str, error: str, now: datetime) -> tuple[Alert, ...]:
        """A sink whose receiver wants no more deliveries."""
        text = [
            "Its receiver says so:",
            error,
            "What is for it is held until feedbot queue release --sink " + name + ".",
        ]
        return self._alert(Event.SINK_DISABLED, name, f"Sink {name} wants no more deliveries", text, now)

    def sink_recovered(self, name: str, since: datetime | None, now: datetime) -> tuple[Alert, ...]:
        """A sink that takes deliveries again after a person was told that it does not."""
        failed = f"It had taken none since {_day(since)}." if since else "It had taken none for long."
        return self._alert(Event.SINK_RECOVERED, name, f"Sink {name} is well again", [failed], now)

    def sink_dead(self, name: str, title: str, error: str, now: datetime) -> tuple[Alert, ...]:
        """A delivery that is given up; told to the sink itself where no other is there to hear it."""
        what = f"“{shorten(one_line(title), 200)}”" if title else "An entry"
        text = [f"{what} could not be delivered, and is not tried any more:", error, _waiting(name)]
        headline = f"A delivery to sink {name} was given up"
        return self._alert(Event.SINK_DEAD, name, headline, text, now, instead=name)

    def _alert(
        self, event: Event, about: str, title: str, text: Collection[str], now: datetime, *, instead: str = ""
    ) -> tuple[Alert, ...]:
        topic = f"{event.value}:{about}"
        alert_id = f"{topic}:{now:%Y-%m-%dT%H:%M:%S.%fZ}"
        said = [self.redact(shorten(one_line(part), _MAX_ERROR)) for part in text]
        sinks = [sink for sink in self.sinks if not (topic.startswith("sink.") and sink == about)]
        if not sinks and instead in self.sinks:
            sinks = [instead]
        if not sinks:
            return ()
        from html import escape

        content = Content(
            title=self.redact(title),
            content="".join(f"<p>{escape(part)}</p>" for part in said),
            published=now,
            extra={"event": event.value, "about": about, "text": "\n".join(said)},
        )
        keys = tuple((sink, delivery_key(self.instance, sink, ALERTS, alert_id, 1)) for sink in sinks)
        return (
            Alert(
                id=alert_id,
                topic=topic,
                content=content,
                deliveries=keys,
                not_within=DAY if event in _SELDOM else None,
            ),
        )


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _see(command: str) -> str:
    return f"feedbot {command} tells more."


def _waiting(sink: str) -> str:
    return f"feedbot queue list --sink {sink} shows what waits."
