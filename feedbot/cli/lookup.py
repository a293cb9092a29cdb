"""Finds out what stands at an address, in a folder or in a repository, by reading it as a source would."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace
from pydantic import ValidationError

from feedbot.cli.additions import address_key, addresses, path_key, repository_key
from feedbot.cli.context import Context
from feedbot.errors import FeedbotError, SourceError, UsageError
from feedbot.http import Fetcher, HttpError, Request, Response
from feedbot.http.target import shown
from feedbot.interchange.listing import web_address
from feedbot.model import Document, Memory
from feedbot.plugins import SOURCES, Source, SourceContext, load
from feedbot.settings.sentences import complaints, mask
from feedbot.sources.posts.detect import detect_at, tops
from feedbot.sources.posts.engineconfig import EngineConfig, gather_in, read

if TYPE_CHECKING:
    from feedbot.settings import Configuration

_HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,24}(?::\d+)?(?:/.*)?", re.IGNORECASE)
_GIT = re.compile(
    r"https://[^\s?#]+\.git/?|ssh://\S+|\w[\w.-]*@[\w.-]+:\S+"
    r"|https://(?:github\.com|gitlab\.com|codeberg\.org|bitbucket\.org)/[^\s/?#]+/[^\s/?#]+/?",
    re.IGNORECASE,
)
_ACCEPT = (
    "application/atom+xml, application/rss+xml, application/feed+json, text/html, application/xml;q=0.9, */*;q=0.1"
)
_MOST_TRIES = 16  # requests that looking for the feed of a page may take


class UnreadableError(FeedbotError):
    """There is nothing at a place that can be read as a source."""

    exit_code = 3


class Found(Struct, frozen=True, kw_only=True):
    """A source that can be read: its settings, and what it said. ``others`` are further feeds of the page."""

    settings: dict[str, Any]
    shown: str
    document: Document
    others: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def look_up(context: Context, configuration: Configuration, place: str) -> Found:
    """Read what stands at a place. Raises UsageError where it is a source already, UnreadableError where it is none."""
    try:
        return _looked_up(context, configuration, place)
    except SourceError as error:
        raise UnreadableError(f"{_shown(place)} cannot be added: {error.message}", error.hint) from error


def _looked_up(context: Context, configuration: Configuration, place: str) -> Found:
    if os.path.exists(os.path.expanduser(place)):  # noqa: PTH110, PTH111 - for an address they are False, and never raise
        return _folder_or_file(context, configuration, Path(place).expanduser())
    if _GIT.fullmatch(place):
        return _repository(context, configuration, place)
    if "://" not in place and not _HOST.fullmatch(place):
        raise UsageError(
            f"there is nothing at {place}",
            "give the address of a feed or page, with http:// or https:// before it, or an existing folder",
        )
    try:
        url = web_address(place if "://" in place else f"https://{place}")
    except ValueError as error:
        raise UsageError(mask(str(error))) from None
    return _web(context, configuration, url)


def _folder_or_file(context: Context, configuration: Configuration, here: Path) -> Found:
    _demand_new(configuration, path_key(here))
    path = _written(here, configuration.folder)
    try:
        told = detect_at(here)
    except OSError as error:
        raise SourceError(f"it cannot be read: {error.strerror}") from error
    settings: dict[str, Any] = {"type": "feed", "path": path}
    if here.is_dir() or told.preset == "ghost":
        said = _said(here.resolve(), told.preset)
        settings = {"type": "posts", "path": path, "preset": told.preset, **({"site": said.site} if said.site else {})}
    document = _polled(_source(configuration, settings), context)
    notes = [*document.notes, *map(str, document.problems[:3])]
    if settings["type"] == "posts":
        site = [f"site from {said.file}"] if "site" in settings else []
        notes = [f'preset = "{told.preset}" was chosen: {told.reason}', *site, *notes, *_lacking(document)]
    return Found(settings=settings, shown=here.resolve().name, document=document, notes=tuple(notes))


def _repository(context: Context, configuration: Configuration, address: str) -> Found:
    """The posts of a git repository, which are read once here to see whether there are any."""
    _demand_new(configuration, repository_key(address))
    settings = {"type": "posts", "git": address}
    with TemporaryDirectory(prefix="feedbot-") as folder:
        document = _polled(_source(configuration, settings, Path(folder)), context)
    notes = (*document.notes, *map(str, document.problems[:3]), *_lacking(document))
    name = re.split("[/:]", address.rstrip("/"))[-1].removesuffix(".git")
    return Found(settings=settings, shown=name, document=document, notes=notes)


def _lacking(document: Document) -> Iterator[str]:
    """What a blog does not say of itself and has to be set, for its posts to have addresses."""
    if not any(re.match("https?:", item.url) for item in document.items):
        yield "set site to the address of the blog, which the links of its posts start from"


def _source(configuration: Configuration, settings: Mapping[str, Any], cache: Path = Path(".feedbot")) -> Source:
    """A source with these settings. Raises UsageError where it cannot have them."""
    plugin = load(SOURCES, settings["type"])
    try:
        checked = plugin.Settings.model_validate(settings)
    except ValidationError as error:
        raise UsageError("; ".join(one.sentence for one in complaints(error, settings))) from None
    given = SourceContext(
        name="new",
        folder=configuration.folder,
        timezone=configuration.zone,
        fetcher=_no_fetcher,
        timeout=configuration.feedbot.timeout.total_seconds(),
        cache=cache,
        ca_file=configuration.ca_path,
        proxy=configuration.proxy,
        allow_private=tuple(configuration.feedbot.allow_private),
    )
    source: Source = plugin(checked, given)
    return source


def _web(context: Context, configuration: Configuration, url: str) -> Found:
    from feedbot.parts import open_client

    _demand_new(configuration, address_key(url))
    client = open_client(configuration)
    try:
        found = _feed(context, configuration, client, url)
    finally:
        client.close()
    _demand_new(configuration, address_key(found.settings["url"]))
    return found


def _feed(context: Context, configuration: Configuration, client: Fetcher, url: str) -> Found:
    """The feed at an address; where that is a page, the first one of it that can be read."""
    from feedbot.sources.feed.decode import decode
    from feedbot.sources.feed.discover import candidates

    page = _asked(context, client, url)
    try:
        return _read(context, configuration, page, url)
    except SourceError:
        if page.status != 200 or not _is_html(page):
            raise
    text = decode(page.body, page.headers.get("content-type", ""))
    listed = candidates(text, page.url, page.headers)
    others = [one.url for one in listed if one.stated]
    for candidate in listed[:_MOST_TRIES]:
        try:
            found = _read(context, configuration, _asked(context, client, candidate.url), candidate.url)
        except (SourceError, HttpError):
            continue
        further = tuple(other for other in others if other != candidate.url)
        return replace(found, others=further)
    tried = ", ".join(mask(one.url) for one in listed if one.stated) or "none, and none is where feeds are as a rule"
    raise SourceError("it is a web page, and no feed of it can be read", f"feeds that it names: {tried}")


def _is_html(page: Response) -> bool:
    return "html" in page.headers.get("content-type", "").lower() or b"<html" in page.body[:2000].lower()


def _asked(context: Context, client: Fetcher, url: str) -> Response:
    try:
        return client.send(Request(url=url, headers={"Accept": _ACCEPT}), context.now())
    except HttpError as error:
        raise SourceError(error.message, error.hint.replace("this source or sink", "[feedbot]")) from error


def _read(context: Context, configuration: Configuration, response: Response, url: str) -> Found:
    """An answer read as the feed source will read it. Raises SourceError where it is no feed."""
    from feedbot.sources.feed.source import FeedSettings, FeedSource

    settings = FeedSettings(type="feed", url=url)
    given = SourceContext(
        name="new",
        folder=configuration.folder,
        timezone=configuration.zone,
        fetcher=lambda: _Answered(response),
    )
    document = _polled(FeedSource(settings, given), context)
    final = response.moved_to or url
    notes = (f"{shown(url)} has moved there for good",) if final != url else ()
    return Found(settings={"type": "feed", "url": final}, shown=shown(final), document=document, notes=notes)


class _Answered:
    """Gives the answer that is there already, so that a server is asked but once."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def send(self, request: Request, now: object) -> Response:  # noqa: ARG002
        return self._response

    def close(self) -> None:
        """Nothing to let go of."""


def _shown(place: str) -> str:
    return shown(place) if "://" in place else place


def _polled(source: Source, context: Context) -> Document:
    return source.poll(Memory(), context.now())


def _demand_new(configuration: Configuration, key: str) -> None:
    there = addresses(configuration).get(key)
    if there:
        raise UsageError(f'this is the source "{there}" already', f"feedbot source show {there}")


def _no_fetcher() -> Fetcher:
    raise AssertionError("posts and files are read without HTTP")


def _written(path: Path, folder: Path) -> str:
    """A path as it stands in a configuration: from its folder where that is near, else in full."""
    relative = os.path.relpath(path.resolve(), folder.resolve())
    return relative if relative.count("..") <= 3 else str(path.resolve())


def _said(place: Path, preset: str) -> EngineConfig:
    """What the configuration of a blog's own tool says, at a place or above it."""
    files = (gather_in(top, preset) for top in tops(place, preset))
    return read(preset, next(filter(None, files), {}))
