"""What a source, a feed format or a sink is: small protocols, found through entry points.

A plugin is one class in one file, named in the entry-point group ``feedbot.sources``, ``feedbot.formats``
or ``feedbot.sinks`` of its package. Its settings are a pydantic model beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta, tzinfo
from functools import cache
from importlib.metadata import EntryPoint, distributions, entry_points
from pathlib import Path
from threading import Lock
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Protocol, TextIO, runtime_checkable

from msgspec import Struct, field
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from feedbot.core.schedule import parse_rate
from feedbot.core.units import parse_duration, parse_size
from feedbot.errors import ConfigError
from feedbot.http import Fetcher
from feedbot.model import Channel, Delivery, Digest, Document, Entry, Memory


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _rate(text: str) -> str:
    if text:
        parse_rate(text)
    return text


def _size(value: object) -> object:
    return parse_size(value) if isinstance(value, str) else value


def _allowance(text: str) -> str:
    from feedbot.http.guard import parse_allowance  # of which most configurations have none

    parse_allowance(text)
    return text


Allowance = Annotated[str, AfterValidator(_allowance)]
"""A host, "host:port" or network that may be asked though it is private."""

Duration = Annotated[timedelta, BeforeValidator(_duration, json_schema_input_type=str)]
"""A span of time, written "90s", "30m", "2h" or "1d"."""

Size = Annotated[int, BeforeValidator(_size, json_schema_input_type=str)]
"""A number of bytes, written "10MB" or "512 KiB"."""


class Place(NamedTuple):
    """A path that a key of the configuration names, and what should be there.

    ``wanted``: a "folder" or a "file"; a file that is "inside" the configuration's folder; or nothing yet, where a
    file or folder is "made" when it is needed.
    """

    key: str
    path: str
    wanted: Literal["folder", "file", "inside", "made"]


class Settings(BaseModel):
    """Base of every table of the configuration: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)

    def places(self) -> Sequence[Place]:
        """The paths that ``feedbot check`` looks at. Relative ones start from the configuration's folder."""
        return ()


class SourceSettings(Settings):
    """Keys that every source has."""

    type: str
    """What kind of source it is."""
    interval: Duration | Literal["auto"] = timedelta(minutes=30)
    """How often it is polled; "auto" follows how often it has something new."""
    min_interval: Duration = timedelta(minutes=10)
    """The shortest that "auto" makes the interval."""
    max_interval: Duration = timedelta(days=1)
    """The longest that "auto" makes the interval."""
    tags: tuple[str, ...] = ()
    """Tags added to each of its entries."""
    backfill: Annotated[int, Field(ge=0)] | Literal["all"] = 0
    """How many of the newest entries the first poll announces, or "all"."""
    updates: Literal["never", "text", "markup", "any"] = "text"
    """How deep an edit must go to be announced as an update: visible text, markup, anything; or never."""
    update_interval: Duration = timedelta(hours=6)
    """The shortest time between two updates of one entry; edits within it are told together at its end."""
    settle: Duration = timedelta(0)
    """How long to wait after the last edit of an entry before it is announced, once, as it is by then."""
    max_age: Duration | None = None
    """New entries older than this are known and published, but not announced."""
    withdraw_after: Annotated[int, Field(ge=1)] = 1
    """In how many polls in a row an entry must be missing to be withdrawn, where a source lists all it has."""
    content: Literal["full", "summary"] = "full"
    """Whether feeds and messages carry the whole content of its entries or only a summary."""
    paused: bool = False
    """Whether it is left alone."""

    def watched(self) -> Sequence[str]:
        """Paths whose change has the daemon poll it at once. Relative ones start from the configuration's folder."""
        return ()


class SinkSettings(Settings):
    """Keys that every sink has."""

    type: str
    """What kind of sink it is."""
    rate: Annotated[str, AfterValidator(_rate)] = ""
    """How many messages it is given in a second, minute or hour at most, such as "30/m"; the others wait."""
    max_in_flight: Annotated[int, Field(ge=1, le=64)] = 1
    """How many deliveries it is given side by side; more than one may overtake each other."""


Turn = AbstractContextManager[Any]


class SourceContext(Struct, frozen=True, kw_only=True):
    """What a source is given: its name, and the ways out that it may use."""

    name: str
    folder: Path
    """The folder of the configuration file, which relative paths start from."""
    timezone: tzinfo
    fetcher: Callable[[], Fetcher]
    """Opens the HTTP client at its first use, so that a run without HTTP does not pay for it."""
    timeout: float = 30.0
    """Seconds that a poll may take in all, where the source itself does not say."""
    cache: Path = Path(".feedbot")
    """A folder of its own, made when it is needed, for what can be had again: a clone, files to publish."""
    progress: Callable[[int, int], None] = field(default=lambda _done, _all: None)
    """Told how much of a long poll is done."""
    ca_file: Path | None = None
    """Authorities that are trusted beside those of the system, for what does not ask through ``fetcher``."""
    proxy: str = ""
    """The address of an HTTP proxy to go through, likewise; "" for none. It may hold a password."""
    allow_private: tuple[str, ...] = ()
    """Private hosts and networks that may be asked, likewise."""
    turn: Turn = field(default_factory=Lock)
    """Held by whoever computes for long: threads that do so side by side pay a third more, and none is faster."""

    def __repr__(self) -> str:
        return f"SourceContext({self.name!r})"


class SinkContext(Struct, frozen=True, kw_only=True):
    """What a sink is given: its name, and the ways out that it may use."""

    name: str
    folder: Path
    fetcher: Callable[[], Fetcher]
    out: TextIO
    """Where a sink that prints writes to."""
    ca_file: Path | None = None
    """Authorities that are trusted beside those of the system, for what does not ask through ``fetcher``."""
    allow_private: tuple[str, ...] = ()
    """Private hosts and networks that may be asked, likewise."""
    report: Callable[[str], None] = field(default=lambda _problem: None)
    """Told what was wrong with a message that was sent all the same, such as a template that fails."""


class Preview(NamedTuple):
    """What a sink would send: as text for a terminal, and as HTML for a browser where there is any."""

    text: str
    page: str = ""


class Source(Protocol):
    """Where entries come from. Raises SourceError where nothing of it can be read."""

    Settings: ClassVar[type[SourceSettings]]
    kind: str
    """For a person: what is read and how, such as "posts (astro)"."""
    host: str
    """The host that is asked, so that no more than a few polls of it run at once; "" where none is."""

    def __init__(self, settings: Any, context: SourceContext) -> None: ...

    def poll(self, memory: Memory, now: datetime) -> Document:
        """Read the source. ``memory`` is what the last good poll left; an empty one reads it anew."""
        ...


class Format(Protocol):
    """How a feed is written. The same channel and entries give the same bytes, always."""

    extension: ClassVar[str]
    media_type: ClassVar[str]
    version: ClassVar[int]
    """Raised whenever the same entries are written in another way, so that files are made anew."""

    def render(self, channel: Channel, entries: Sequence[Entry]) -> bytes:
        """Write the entries in the order given; their texts are clean and their addresses absolute."""
        ...


class Sink(Protocol):
    """Where notifications go. One thread uses it at a time.

    A sink that can put several changes into one message is a DigestSink; any other is given the deliveries of a
    digest one by one.
    """

    Settings: ClassVar[type[SinkSettings]]
    prints: ClassVar[bool]
    """Whether it writes to the terminal of whoever runs feedbot, and so keeps still when asked to."""

    def __init__(self, settings: Any, context: SinkContext) -> None: ...

    def send(self, delivery: Delivery, now: datetime) -> str | None:
        """Hand over one change; its texts are clean. Raises DeliveryError where the receiver did not get it.

        A sink that can edit what it has sent gives a receipt, which it is handed with the next change of the entry.
        """
        ...

    def close(self) -> None:
        """Let go of connections and files; called after the last delivery of a run."""
        ...


@runtime_checkable
class PreviewSink(Sink, Protocol):
    """A sink that can show what it would send."""

    def preview(self, delivery: Delivery, now: datetime) -> Preview:
        """What ``send`` would hand over, without doing so, and without secrets."""
        ...


@runtime_checkable
class DigestSink(Sink, Protocol):
    """A sink that can put several changes into one message."""

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Hand over several changes, oldest first. Raises DeliveryError, for all of them, as ``send`` does."""
        ...


SOURCES = "feedbot.sources"
FORMATS = "feedbot.formats"
SINKS = "feedbot.sinks"


def names(group: str) -> list[str]:
    """The names of all plugins of a group, sorted."""
    return sorted({point.name for point in _points(group)})


def exists(group: str, name: str) -> bool:
    """Whether there is a plugin of this name."""
    return _find(group, name) is not None


def load(group: str, name: str) -> Any:
    """The class of a plugin. Raises ConfigError if there is none, or if it cannot be imported."""
    point = _find(group, name)
    if point is None:
        kind = group.removeprefix("feedbot.").removesuffix("s")
        raise ConfigError(f'there is no {kind} of type "{name}"', f"known: {', '.join(names(group))}")
    try:
        return point.load()
    except Exception as error:
        raise ConfigError(f"the plugin {point.value} cannot be loaded: {error}") from error


def _find(group: str, name: str) -> EntryPoint | None:
    """What a plugin is loaded through: one of feedbot's own, which is found without a look at all packages, or not."""
    own = next((point for point in _own() if (point.group, point.name) == (group, name)), None)
    return own or next((point for point in _points(group) if point.name == name), None)


@cache
def _own() -> tuple[EntryPoint, ...]:
    """The entry points of feedbot itself."""
    return tuple(point for feedbot in distributions(name="feedbot") for point in feedbot.entry_points)


_installed = cache(entry_points)
"""All entry points there are; finding them reads the metadata of every installed package."""


@cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group."""
    return tuple(_installed().select(group=group))
