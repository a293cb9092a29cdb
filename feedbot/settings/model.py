"""The tables of the configuration as typed settings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from msgspec import Struct, field
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from feedbot import __version__
from feedbot.core.calendar import parse_crontab, parse_quiet
from feedbot.core.route import named
from feedbot.core.units import parse_duration
from feedbot.core.uri import as_uri
from feedbot.errors import ConfigProblem
from feedbot.location import BUCKET, BucketPlace, Database, Location, is_database, parse_bucket
from feedbot.model import ChangeKind
from feedbot.paths import located
from feedbot.plugins import Allowance, Duration, Place, Settings, SinkSettings, Size, SourceSettings
from feedbot.settings.document import nearest
from feedbot.settings.locate import Key

_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")


def _web_address(text: str) -> str:
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ValueError('expected an address that starts with "https://" or "http://"')
    if re.search(r"[\s\x00-\x1f]", text):
        raise ValueError('an address has no spaces: write "%20"')
    return text


def _filled(secret: SecretStr) -> SecretStr:
    if not secret.get_secret_value().strip():  # which anybody could bring
        raise ValueError("expected text that is not empty")
    return secret


def _folder_address(text: str) -> str:
    address = _web_address(text)
    if not address:
        return ""
    if urlsplit(address).username is not None:
        raise ValueError("the address is published in the feeds, and must not hold a user name or password")
    if "?" in address or "#" in address:
        raise ValueError('expected the address of a folder, without "?" and "#"')
    return as_uri(address if address.endswith("/") else f"{address}/")


def _state(text: str) -> str:
    if text.startswith(("postgresql", "postgres:")):
        if not is_database(text) or any(character.isspace() or character == "\0" for character in text):
            raise ValueError('expected a URL such as "postgresql://feedbot@db.example.org/feedbot"')
        try:
            urlsplit(text)
        except ValueError:
            raise ValueError("this is no URL") from None
    elif "://" in text or not text.strip() or "\0" in text:
        raise ValueError('expected the path of a file, such as "feedbot.db", or a URL that begins with postgresql://')
    return text


def _output(text: str) -> str:
    if text.startswith(BUCKET):
        parse_bucket(text)
    elif "://" in text:
        raise ValueError('expected the path of a folder, or the address of a bucket that begins with "s3://"')
    return text


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        near = nearest(name, available_timezones())
        tip = f'did you mean "{near}"?' if near else 'write one such as "Europe/Berlin"'
        raise ValueError(f"there is no time zone of this name; {tip}") from None
    return name


def _header_text(text: str) -> str:
    if not text.isascii() or not text.isprintable() or not text.strip():
        raise ValueError("expected plain ASCII text on one line")
    return text


def _proxy(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme != "http" or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise ValueError("expected the address of a proxy, such as http://proxy.example.org:3128")
    return url


def _language(tag: str) -> str:
    if tag and not _LANGUAGE.fullmatch(tag):
        raise ValueError('expected a language tag such as "en" or "pt-BR"')
    return tag


def _inside(path: str) -> str:
    parts = path.split("/")
    if path.startswith("/") or ".." in parts:
        raise ValueError('expected a path inside the output folder, without a leading "/" and without ".."')
    if not path.isprintable() or "\\" in path or any(part in ("", ".") for part in parts):
        raise ValueError(f'expected the path of a file such as "feeds/posts.xml", found "{path}"')
    return str(PurePosixPath(path))


def _limit(value: object) -> int | timedelta:
    """How many, or how far back."""
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        span = parse_duration(value)
        if span <= timedelta(0):
            raise ValueError(f'expected a span of time such as "90d", found "{value}"')
        return span
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError('expected a number, or a span of time such as "90d"')
    if value < 1:
        raise ValueError(f"expected a number of at least 1, found {value}")
    return value


def _crontab(text: str) -> str:
    if text:
        parse_crontab(text)
    return text


def _quiet(text: str) -> str:
    if text:
        parse_quiet(text)
    return text


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    twice = next((value for index, value in enumerate(values) if value in values[:index]), None)
    if twice is not None:
        raise ValueError(f'"{twice}" is there twice')
    return values


def agent(base_url: str = "") -> str:
    """How feedbot names itself where nobody chose how, with where its operator is to be found if that is known."""
    contact = f"+{base_url}" if base_url else "feed reader; see user_agent in its configuration"
    return f"feedbot/{__version__} ({contact})"


Text = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Text, ...], Field(min_length=1)]
if TYPE_CHECKING:
    _Announced = ChangeKind
else:  # an alert is no change that a route could ask for
    _Announced = Annotated[Literal["new", "updated", "withdrawn"], AfterValidator(ChangeKind)]


class FeedbotSettings(Settings):
    """What holds for everything: state, output and limits."""

    state: Annotated[str, AfterValidator(_state)] = "feedbot.db"
    """The SQLite file that holds the state. Default: feedbot.db (NAME.db for a configuration called NAME.toml), below
    $STATE_DIRECTORY where that is set, below the user's state folder ($XDG_STATE_HOME/feedbot) for a configuration in
    ~/.config/feedbot or /etc/feedbot, else beside the configuration. Or the URL of a database in PostgreSQL, which
    several machines can work on, such as "postgresql://feedbot:${DB_PASSWORD}@db.example.org/feedbot"."""
    output: Annotated[Text, AfterValidator(_output)] = "public"
    """The folder that the feeds are written to. Or a bucket of S3, or of what is compatible with it, such as
    "s3://name/prefix"."""
    base_url: Annotated[str, AfterValidator(_folder_address)] = ""
    """The address under which that folder is served."""
    timezone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    """The time zone of dates that carry none, such as "Europe/Berlin"."""
    user_agent: Annotated[str, AfterValidator(_header_text)] = agent()
    """How feedbot names itself to servers; a contact in it is polite. Default: its version and base_url."""
    flood_limit: Annotated[int, Field(ge=1)] = 20
    """More new entries than this in one poll of a known source are held back."""
    retention: Annotated[Duration, Field(ge=timedelta(days=1))] = timedelta(days=90)
    """How long deliveries that were sent or dropped are kept for a look at them, and to be sent again."""
    keep_revisions: Annotated[int, Field(ge=1)] = 10
    """How many former states of each entry are kept, to tell what an edit changed."""
    alerts: Annotated[tuple[Text, ...], AfterValidator(_distinct)] = ()
    """The sinks that are told what is wrong with feedbot's own work: a source or a sink that has failed for a day and
    when it is well again, entries that are held, a delivery that is given up. Of a sink the others are told."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 32
    """How many sources are polled at the same time."""
    per_host: Annotated[int, Field(ge=1, le=1000)] = 2
    """How many of them may be on the same host."""
    timeout: Annotated[Duration, Field(gt=timedelta(0))] = timedelta(seconds=30)
    """The longest that reading one source may take."""
    max_bytes: Annotated[Size, Field(ge=1)] = 10_000_000
    """The most that is read of one answer."""
    metrics: bool | None = None
    """Whether the server answers at /metrics, for Prometheus; where there is a token, to those who bring it. Default:
    where it listens to this machine alone."""
    callback: Annotated[str, AfterValidator(_folder_address)] = ""
    """The address under which the server of feedbot is reached from outside, for hubs to push to (WebSub)."""
    token: Annotated[SecretStr, AfterValidator(_filled)] | None = None
    """What a request must carry to see of the server more than the published feeds and /healthz; without one it
    listens to this machine alone."""
    s3_endpoint: Annotated[str, AfterValidator(_web_address)] = ""
    """Where the bucket is asked, such as "https://minio.example.org:9000". Default: $AWS_ENDPOINT_URL, else Amazon's
    own address of the region."""
    s3_region: Annotated[Text, AfterValidator(_header_text)] = "us-east-1"
    """The region of the bucket. Default: $AWS_REGION or $AWS_DEFAULT_REGION, else us-east-1."""
    s3_access_key: Annotated[str, AfterValidator(_header_text)] | Literal[""] = ""
    """The name of the key that may list the bucket, and get, put and delete objects in it. Default:
    $AWS_ACCESS_KEY_ID."""
    s3_secret_key: SecretStr | None = None
    """The secret of that key. Default: $AWS_SECRET_ACCESS_KEY."""
    s3_session_token: SecretStr | None = None
    """What credentials that hold for a while have beside them. Default: $AWS_SESSION_TOKEN."""
    s3_cache_control: Annotated[str, AfterValidator(_header_text)] = "public, max-age=300"
    """The Cache-Control of feeds and pages in a bucket. Images, which never change, may be kept for ever."""
    ca_file: Text | None = None
    """A file of further certificates (PEM) to trust."""
    proxy: Annotated[SecretStr, AfterValidator(_proxy)] | None = None
    """An HTTP proxy to ask everything through but what allow_private lists, such as "http://proxy.example.org:3128";
    user and password may stand in it. Proxies that the environment names are not used."""
    allow_private: tuple[Allowance, ...] = ()
    """Private addresses that may be asked: "host:port", a host, an address or a network such as "10.0.0.0/8"."""

    def places(self) -> Sequence[Place]:
        state = () if is_database(self.state) else (Place("state", self.state, "made"),)
        output = () if self.output.startswith(BUCKET) else (Place("output", self.output, "made"),)
        return (*state, *output)


class FeedSettings(Settings):
    """A feed that is published."""

    title: str = ""
    """The title of the feed. Default: its name."""
    formats: Names = ("atom", "rss", "json")
    """The formats it is written in."""
    sources: Names = ("*",)
    """The sources whose entries it has: names, or globs such as "blog-*"."""
    filter: str = ""
    """A Jinja2 expression over an entry, such as "'releases' in tags"; only entries that pass are in the feed."""
    limit: Annotated[int | timedelta, BeforeValidator(_limit, json_schema_input_type=int | str)] = 50
    """How many of the newest entries it has; or how far back they go from the newest one, such as "90d"."""
    content: Literal["full", "summary"] = "full"
    """Whether entries have their whole content or only a summary."""
    token: Annotated[SecretStr, AfterValidator(_filled)] | None = None
    """What a request for it must carry, as ``?token=...`` or as a bearer token; on the server alone, the files carry
    none."""
    description: str = ""
    """What the feed is about."""
    link: Annotated[str, AfterValidator(_web_address)] = ""
    """The address of the page that the feed belongs to."""
    language: Annotated[str, AfterValidator(_language)] = ""
    """The language of the feed, such as "en"."""
    hub: Annotated[str, AfterValidator(_web_address)] = ""
    """The WebSub hub that is named in the feed and told when it changed; this takes a base_url."""
    split: Annotated[tuple[Literal["tag", "author", "year", "source"], ...], AfterValidator(_distinct)] = ()
    """What there is a feed of its own for, below the name of this one: each tag, author, year or source."""
    archive: bool = False
    """Whether all entries there ever were are kept on archive pages (RFC 5005), which readers may go back to."""
    aliases: tuple[Annotated[str, AfterValidator(_inside)], ...] = ()
    """Further paths in the output folder that carry the same bytes as the first format."""


class RouteSettings(Settings):
    """Which changes of which sources go to which sinks."""

    sources: Names = ("*",)
    """The sources whose changes are announced: names, or globs such as "blog-*"."""
    filter: str = ""
    """A Jinja2 expression over an entry; only changes of entries that pass are announced."""
    on: Annotated[tuple[_Announced, ...], Field(min_length=1)] = (ChangeKind.NEW,)
    """The kinds of change that are announced."""
    to: Names = ("*",)
    """The sinks that are told: names, or globs."""
    dedupe: Literal["", "across"] = ""
    """With "across", an entry that several sources have is announced once."""
    digest: Annotated[str, AfterValidator(_crontab)] = ""
    """When changes go out, in one message: a crontab line such as "0 8 * * 1-5", or "@daily". Absent: at once."""
    quiet: Annotated[str, AfterValidator(_quiet)] = ""
    """Hours such as "22:00-07:00" in which nothing goes out; what comes in them is held until their end."""
    max_per_run: Annotated[int, Field(ge=1)] | None = None
    """How many changes a run sends a message each; the others go out in one, or in a later run where the sink takes
    no digests."""


class Configuration(Struct, frozen=True, kw_only=True, dict=True):
    """A configuration without a problem. ``secrets`` are texts that must not appear in any message.

    ``source_types`` and ``sink_types`` hold the plugin class of each source and sink; ``references`` the text as
    written of every value that came from elsewhere.
    """

    path: Path
    folder: Path
    feedbot: FeedbotSettings
    sources: Mapping[str, SourceSettings]
    source_types: Mapping[str, type[Any]]
    feeds: Mapping[str, FeedSettings]
    sinks: Mapping[str, SinkSettings]
    sink_types: Mapping[str, type[Any]]
    routes: tuple[RouteSettings, ...]
    warnings: tuple[ConfigProblem, ...] = ()
    references: Mapping[Key, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"Configuration({self.path})"

    @cached_property
    def state(self) -> Location:
        """The state: its file, absolute, or its database."""
        text = self.feedbot.state
        return Database(text) if is_database(text) else located(self.folder, text)

    @cached_property
    def cache_path(self) -> Path:
        """The folder of what sources keep to be quicker, and can do without; absolute."""
        state = self.state
        return self.folder / "feedbot.cache" if isinstance(state, Database) else state.with_suffix(".cache")

    @property
    def output_path(self) -> Path:
        """The folder of the published feeds, absolute; one that is never made where they are in a bucket."""
        if self.bucket is not None:
            return self.cache_path / "published"
        return located(self.folder, self.feedbot.output)

    @property
    def bucket(self) -> BucketPlace | None:
        """The bucket of the published feeds, None where they are in a folder."""
        return parse_bucket(self.feedbot.output) if self.feedbot.output.startswith(BUCKET) else None

    @cached_property
    def ca_path(self) -> Path | None:
        """The file of further certificates, absolute."""
        return located(self.folder, self.feedbot.ca_file) if self.feedbot.ca_file else None

    @property
    def proxy(self) -> str:
        """The address of the HTTP proxy, which may hold a password; "" for none."""
        return self.feedbot.proxy.get_secret_value() if self.feedbot.proxy is not None else ""

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of dates that carry none."""
        return ZoneInfo(self.feedbot.timezone)

    def sources_of(self, chooser: FeedSettings | RouteSettings) -> tuple[str, ...]:
        """The names of the sources that a feed or a route takes in."""
        return tuple(name for name in self.sources if named(name, chooser.sources))

    def sinks_of(self, route: RouteSettings) -> tuple[str, ...]:
        """The names of the sinks that a route leads to."""
        return tuple(name for name in self.sinks if named(name, route.to))
