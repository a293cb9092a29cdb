"""Checks across tables: names that must exist, files that must not meet, paths that must be usable."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from feedbot.core.route import named
from feedbot.errors import ConfigError
from feedbot.location import BUCKET, is_database
from feedbot.paths import located
from feedbot.plugins import FORMATS, Place, Settings
from feedbot.plugins import exists as plugin_exists
from feedbot.plugins import load as load_plugin
from feedbot.plugins import names as plugin_names
from feedbot.settings.document import Document, label, suggestion
from feedbot.settings.locate import Key
from feedbot.settings.model import FeedbotSettings, FeedSettings, RouteSettings

_RESERVED = {
    "index.html": "the page of all feeds",
    "feeds.opml": "the list of all feeds",
    "feed.css": "the style sheet of all feeds",
}
_PLACE_HINTS = {
    "folder": "relative paths start from the folder of the configuration",
    "file": "relative paths start from the folder of the configuration",
    "inside": "the file of a feed stands in the folder of the configuration, or below it",
    "made": "give feedbot the right to write there, or name another place",
}


def check_paths(document: Document, settings: FeedbotSettings | None) -> None:
    """Whether state, output and certificates name what can be such."""
    if settings is None:
        return
    output = None if settings.output.startswith(BUCKET) else _resolved(document.folder, settings.output)
    if settings.output.startswith(BUCKET):
        if not settings.s3_access_key or not settings.s3_secret_key:
            tip = "set s3_access_key and s3_secret_key, or $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY"
            document.problem(("feedbot", "output"), '"output" in [feedbot]: a bucket takes a key to write to it', tip)
    elif output is None or _kind(output) == "file":
        document.problem(("feedbot", "output"), f'"output" in [feedbot]: "{settings.output}" is not a folder')
    elif output == Path(output.anchor):
        document.problem(
            ("feedbot", "output"),
            '"output" in [feedbot] must not be the root of the file system',
            'name a folder of its own, such as "public"',
        )
    state = _resolved(document.folder, settings.state)
    if not is_database(settings.state) and (state is None or _kind(state) == "folder"):
        document.problem(
            ("feedbot", "state"),
            f'"state" in [feedbot]: "{settings.state}" is a folder, not a file',
            f'for instance "{settings.state.rstrip("/")}/feedbot.db"',
        )
    authorities = _resolved(document.folder, settings.ca_file) if settings.ca_file else None
    if settings.ca_file and (authorities is None or _kind(authorities) != "file"):
        document.problem(("feedbot", "ca_file"), f'"ca_file" in [feedbot]: there is no file "{settings.ca_file}"')


def check_places(document: Document, key: Key, settings: Settings) -> None:
    """Whether the paths of a source or a sink lead where they should."""
    for place in settings.places():
        at = (*key, place.key)
        path = _resolved(document.folder, place.path)
        wrong = f'"{place.path}" is not the path of a file' if path is None else _wrong(place, path, document.folder)
        if wrong:
            document.problem(at, f"{label(at)}: {wrong}", _PLACE_HINTS[place.wanted])


def check_feeds(document: Document, feeds: Mapping[Key, FeedSettings], *, served: bool) -> None:
    """Whether the sources and formats of feeds exist, filters are expressions and no two files meet.

    ``served``: it is known at which address they are.
    """
    if not feeds:
        return
    sources = _names(document, "sources")
    formats = {name for feed in feeds.values() for name in feed.formats if plugin_exists(FORMATS, name)}
    for key, feed in feeds.items():
        _check_names(document, (*key, "sources"), feed.sources, sources, "source")
        _check_filter(document, (*key, "filter"), feed.filter)
        if feed.hub and not served:
            place = (*key, "hub")
            document.problem(place, f"{label(place)}: a hub is told addresses", "set base_url in [feedbot]")
        for index, name in enumerate(feed.formats):
            place = (*key, "formats", index)
            if name in feed.formats[:index]:
                document.problem(place, f'{label(place)}: "{name}" is there twice')
            elif name in formats or document.is_broken(place):
                continue
            else:
                known = plugin_names(FORMATS)
                document.problem(place, f'{label(place)}: there is no format "{name}"', suggestion(name, known))
    if any(feed.aliases for feed in feeds.values()):
        _check_files(document, feeds, formats)


def check_alerts(document: Document, settings: FeedbotSettings | None) -> None:
    """Whether the sinks that are told of failures exist."""
    if settings is None:
        return
    sinks = _names(document, "sinks")
    for index, name in enumerate(settings.alerts):
        place = ("feedbot", "alerts", index)
        if name not in sinks and not document.is_broken(place):
            tip = suggestion(name, sinks) if sinks else "add a table [sinks.NAME]"
            document.problem(place, f'{label(place)}: there is no sink "{name}"', tip)


def check_routes(document: Document, routes: Mapping[Key, RouteSettings], told: Collection[str] = ()) -> None:
    """Whether the sources and sinks of routes exist, filters are expressions, and every sink is reached.

    ``told``: the sinks that alerts go to, which need no route.
    """
    if not routes:
        return
    sources, sinks = _names(document, "sources"), _names(document, "sinks")
    for key, route in routes.items():
        _check_names(document, (*key, "sources"), route.sources, sources, "source")
        _check_filter(document, (*key, "filter"), route.filter)
        if not sinks:
            document.problem((*key, "to"), f"{label(key)} leads nowhere: there is no sink", "add a table [sinks.NAME]")
        _check_names(document, (*key, "to"), route.to, sinks, "sink")
    for name in sinks:
        if name not in told and not any(named(name, route.to) for route in routes.values()):
            document.warn(
                ("sinks", name),
                f'nothing is sent to the sink "{name}": no route leads to it',
                'add it to the "to" of one of the [[routes]]',
            )


def _wrong(place: Place, path: Path, folder: Path) -> str:
    """What is wrong with a path; "" where nothing is."""
    found = _kind(path)
    if place.wanted == "made":
        return _obstacle(path, is_folder=place.path.endswith(("/", os.sep)))
    noun = "folder" if place.wanted == "folder" else "file"
    if found != noun:
        return f'"{place.path}" is not a {noun}' if found else f'there is no {noun} "{place.path}"'
    if not os.access(path, os.R_OK | (os.X_OK if noun == "folder" else 0)):
        return f'the {noun} "{place.path}" may not be read'
    if place.wanted == "inside" and not path.is_relative_to(folder.resolve()):
        return f'"{place.path}" is not below {folder}'
    return ""


def _obstacle(path: Path, *, is_folder: bool) -> str:
    """What keeps a file or a folder from being made, or written where it is there; "" where nothing does."""
    if is_folder and _kind(path) == "file":
        return f"{path} is a file, not a folder"
    standing = next(place for place in (path, *path.parents) if place == place.parent or _kind(place))
    if standing != path and _kind(standing) == "file":
        return f"{path} cannot be made: {standing} is a file"
    if not os.access(standing, os.W_OK):
        return f"{standing} cannot be written"
    return ""


def _names(document: Document, kind: str) -> list[str]:
    tables = document.data.get(kind, {})
    return list(tables) if isinstance(tables, dict) else []


def _check_names(document: Document, key: Key, patterns: Collection[str], known: list[str], noun: str) -> None:
    for index, pattern in enumerate(patterns):
        place = (*key, index)
        if not known or document.is_broken(place) or any(named(name, [pattern]) for name in known):
            continue
        missing = f'no {noun} fits "{pattern}"' if set(pattern) & set("*?[") else f'there is no {noun} "{pattern}"'
        document.problem(place, f"{label(place)}: {missing}", suggestion(pattern, known))


def _check_filter(document: Document, key: Key, text: str) -> None:
    if not text or document.is_broken(key):
        return
    from feedbot.core.expression import compile_filter

    try:
        compile_filter(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        sentence = str(error) if isinstance(error, ValueError) else "the filter is nested too deeply"
        document.problem(key, f"{label(key)}: {sentence}")


def _check_files(document: Document, feeds: Mapping[Key, FeedSettings], formats: Collection[str]) -> None:
    """No two files at one path, in any spelling, and none where another needs a folder."""
    owners, taken = dict(_RESERVED), dict(_folders(feeds))
    files = list(_files(document, feeds, formats))
    for path, _, owner in files:
        owners.setdefault(path.casefold(), owner)
    for path, key, owner in files:
        folded = path.casefold()
        above = next((part for part in _parents(folded) if part in owners), "")
        met = next((one for one in taken if f"{folded}/".startswith(f"{one}/") or one.startswith(f"{folded}/")), "")
        if owners[folded] != owner:
            document.problem(key, f'{owner} would be written to "{path}", where {owners[folded]} is written')
        elif above:
            document.problem(key, f'{owner} would be written to "{path}", but "{above}" is a file: {owners[above]}')
        elif met:
            document.problem(key, f'{owner} would be written to "{path}", but "{met}" is the folder of {taken[met]}')


def _files(
    document: Document, feeds: Mapping[Key, FeedSettings], formats: Collection[str]
) -> Iterator[tuple[str, Key, str]]:
    """The path of every published file, with the key and the words for what asks for it; aliases come last."""
    extensions = {
        name: _extension(document, key, name) for key, feed in feeds.items() for name in feed.formats if name in formats
    }
    for key, feed in feeds.items():
        for name in feed.formats:
            if name in extensions:
                yield f"{key[1]}.{extensions[name]}", key, f'the feed "{key[1]}" as {name}'
    for key, feed in feeds.items():
        for index, alias in enumerate(feed.aliases):
            yield alias, (*key, "aliases", index), f'the alias {index + 1} of the feed "{key[1]}"'


def _folders(feeds: Mapping[Key, FeedSettings]) -> Iterator[tuple[str, str]]:
    """The folders of which feedbot names the files, with the words for what is in them."""
    yield "media", "copied files"
    for key, feed in feeds.items():
        yield from ((f"{key[1]}/{by}".casefold(), f'the feed "{key[1]}" by {by}') for by in feed.split)
        if feed.archive:
            yield f"{key[1]}/archive".casefold(), f'the archive of the feed "{key[1]}"'


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(1, len(parts))]


def _extension(document: Document, key: Key, name: str) -> str:
    try:
        return str(load_plugin(FORMATS, name).extension)
    except ConfigError as error:
        document.problem((*key, "formats"), error.message, error.hint)
    except AttributeError:
        document.problem((*key, "formats"), f'the plugin for the format "{name}" is faulty: it has no extension')
    return name


def _resolved(folder: Path, text: str) -> Path | None:
    try:
        return located(folder, text).resolve()
    except (OSError, RuntimeError, ValueError):
        return None


def _kind(path: Path) -> str:
    """Whether there is a "folder" or a "file" at a path; "" for neither, and where nobody can tell."""
    try:
        return "folder" if stat.S_ISDIR(path.stat().st_mode) else "file"
    except OSError:
        return ""
