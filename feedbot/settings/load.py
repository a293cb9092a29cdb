"""A configuration file into a :class:`Configuration`, or everything that is wrong with it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import SecretStr

from feedbot.core.text import slug
from feedbot.errors import ConfigError
from feedbot.location import BUCKET, Database, is_database
from feedbot.plugins import SINKS, SOURCES, Settings, SinkSettings, SourceSettings
from feedbot.plugins import exists as plugin_exists
from feedbot.plugins import load as load_plugin
from feedbot.plugins import names as plugin_names
from feedbot.settings.crosscheck import check_alerts, check_feeds, check_paths, check_places, check_routes
from feedbot.settings.document import Document, label, nearest, read, suggestion, unusable
from feedbot.settings.find import default_state
from feedbot.settings.locate import Key
from feedbot.settings.model import Configuration, FeedbotSettings, FeedSettings, RouteSettings, agent
from feedbot.settings.sentences import show
from feedbot.settings.tables import inline_secrets, read_table

_NAME = re.compile(r"[a-z0-9-]+")
_TABLES = ("feedbot", "sources", "feeds", "sinks", "routes")
_AWS = {
    "s3_endpoint": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"),
    "s3_region": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "s3_access_key": ("AWS_ACCESS_KEY_ID",),
    "s3_secret_key": ("AWS_SECRET_ACCESS_KEY",),
    "s3_session_token": ("AWS_SESSION_TOKEN",),
}
_AWS_SECRETS = ("s3_secret_key", "s3_session_token")
_MEANT = {"git": 'a blog in a git repository is of type "posts", with its address as "git"'}


class Part(NamedTuple):
    """A source or a sink: its plugin class and its settings."""

    plugin: type[Any]
    settings: Any


def load(path: Path, env: Mapping[str, str], *, thorough: bool = False, text: str | None = None) -> Configuration:
    """Read, complete and check a configuration, offline; that of a ``text``, as if the file said that.

    ``thorough``: whether the paths of sources and sinks lead somewhere, too, which a run finds out for itself.
    Raises ConfigError whose ``problems`` list everything that is wrong, in the order of the file.
    """
    document = read(path, env, text)
    data = document.data
    for name in data.keys() - set(_TABLES):
        document.problem((name,), f'unknown {_what(data[name])} "{name}"', _top_hint(name))
    feedbot = _feedbot(document, env)
    sources = _parts(document, SOURCES, SourceSettings)
    sinks = _parts(document, SINKS, SinkSettings)
    feeds = _feeds(document)
    routes = _routes(document)
    if not data.get("sources"):
        document.problem(
            ("sources",),
            "there is no source, so there is nothing to do",
            "add one: feedbot add URL, or a table [sources.NAME] with type and url",
        )
    check_paths(document, feedbot)
    if thorough:
        check_places(document, ("feedbot",), feedbot or FeedbotSettings())
        for key, part in {**sources, **sinks}.items():
            check_places(document, key, part.settings)
    served = feedbot is None or feedbot.base_url or data.get("feedbot", {}).get("base_url")  # also one that is wrong
    check_feeds(document, feeds, served=bool(served))
    check_alerts(document, feedbot)
    check_routes(document, routes, told=feedbot.alerts if feedbot else ())
    _warn(document, {**sources, **sinks})
    if document.problems:
        raise unusable(path, document.problems)
    return Configuration(
        path=path,
        folder=document.folder,
        feedbot=feedbot or FeedbotSettings(),
        sources={str(key[1]): part.settings for key, part in sources.items()},
        source_types={str(key[1]): part.plugin for key, part in sources.items()},
        feeds={str(key[1]): feed for key, feed in feeds.items()},
        sinks={str(key[1]): part.settings for key, part in sinks.items()},
        sink_types={str(key[1]): part.plugin for key, part in sinks.items()},
        routes=tuple(routes.values()) if "routes" in data else _default_routes(sinks),
        warnings=document.warnings,
        references=document.references,
        secrets=frozenset(document.secrets),
    )


def _what(value: Any) -> str:
    return "table" if isinstance(value, (dict, list)) else "key"


def _top_hint(name: str) -> str:
    if nearest(name, _TABLES):
        return suggestion(name, _TABLES)
    if name in FeedbotSettings.model_fields:
        return f'"{name}" belongs below [feedbot]'
    return "the tables are [feedbot], [sources.NAME], [feeds.NAME], [sinks.NAME] and [[routes]]"


def _feedbot(document: Document, env: Mapping[str, str]) -> FeedbotSettings | None:
    values = document.data.get("feedbot", {})
    if not isinstance(values, dict):
        document.problem(("feedbot",), f"expected a table [feedbot], found {show(values)}")
        return None
    settings = read_table(FeedbotSettings, values, ("feedbot",), document)
    if settings is None:
        return None
    if is_database(settings.state):
        document.secrets.update(Database(settings.state).secrets)
    defaults: dict[str, Any] = {}
    if "state" not in values:
        defaults["state"] = str(default_state(env, document.path.absolute()))
    if "user_agent" not in values:
        defaults["user_agent"] = agent(settings.base_url)
    if settings.output.startswith(BUCKET):
        defaults |= _of_environment(values, env)
        document.secrets.update(value.get_secret_value() for value in defaults.values() if isinstance(value, SecretStr))
    return settings.model_copy(update=defaults)


def _of_environment(values: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """What the environment says of a bucket, where the configuration does not, as other programs take it from there."""
    found: dict[str, Any] = {}
    for key, names in _AWS.items():
        value = next((env[name] for name in names if env.get(name)), "")
        if value and key not in values and f"{key}_file" not in values:
            found[key] = value
    if "s3_access_key" in values:  # the environment's are of another key
        found = {key: value for key, value in found.items() if key not in ("s3_secret_key", "s3_session_token")}
    return {key: SecretStr(value) if key in _AWS_SECRETS else value for key, value in found.items()}


def _named_tables(document: Document, kind: str) -> Iterator[tuple[Key, dict[str, Any]]]:
    """The tables [kind.NAME] whose names are in order."""
    tables = document.data.get(kind, {})
    if not isinstance(tables, dict):
        document.problem((kind,), f"expected tables [{kind}.NAME], found {_written_as(kind, tables)}")
        return
    for name, values in tables.items():
        key = (kind, name)
        if not isinstance(values, dict):
            document.problem(
                key,
                f"expected a table [{kind}.NAME], found {_written_as(f'{kind}.{name}', values)}",
                f'"{name}" must stand in such a table',
            )
            continue
        if not _NAME.fullmatch(name):
            document.problem(
                key,
                f"{show(name)} is no name for a {kind[:-1]}: only a-z, 0-9 and hyphens are allowed",
                f'for instance "{slug(name, kind[:-1])}"',
            )
        yield key, values


def _written_as(name: str, value: Any) -> str:
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return f"[[{name}]]"
    return f"{name} = {show(value)}" if not isinstance(value, list) else f"{name} = [...]"


def _parts(document: Document, group: str, base: type[Settings]) -> dict[Key, Part]:
    """The sources or the sinks that are in order."""
    found: dict[Key, Part] = {}
    plugins: dict[str, type[Any] | None] = {}
    for key, values in _named_tables(document, group.removeprefix("feedbot.")):
        kind = _kind(document, group, key, values)
        if not kind:
            continue
        if kind not in plugins:
            plugins[kind] = _plugin(document, group, kind, base, (*key, "type"))
        plugin = plugins[kind]
        if plugin is None:
            continue
        settings = read_table(plugin.Settings, values, key, document)
        if settings is not None:
            found[key] = Part(plugin, settings)
    return found


def _kind(document: Document, group: str, key: Key, values: Mapping[str, Any]) -> str:
    """The type of a source or sink; "" where it is missing or unknown."""
    kind, place, noun = values.get("type"), (*key, "type"), group.removeprefix("feedbot.").removesuffix("s")
    if "type" not in values:
        meant = nearest("type", set(values))
        hint = f'did you mean "type" instead of "{meant}"?' if meant else _types(group)
        document.problem(place, f'"type" is missing in {label(key)}', hint)
    elif not isinstance(kind, str):
        document.problem(place, f"{label(place)}: expected text in quotes, found {show(kind)}", _types(group))
    elif plugin_exists(group, kind):
        return kind
    elif not document.is_broken(place):
        written = show(document.written(place, kind))
        document.problem(
            place, f"{label(place)}: there is no {noun} of type {written}", _MEANT.get(kind) or _type_hint(kind, group)
        )
    return ""


def _type_hint(kind: str, group: str) -> str:
    meant = nearest(kind, plugin_names(group))
    return f'did you mean "{meant}"? {_types(group)}' if meant else _types(group)


def _types(group: str) -> str:
    return f"known types: {', '.join(plugin_names(group))}"


def _plugin(document: Document, group: str, kind: str, base: type[Settings], place: Key) -> type[Any] | None:
    try:
        plugin = load_plugin(group, kind)
    except ConfigError as error:
        document.problem(place, error.message, error.hint)
        return None
    model = getattr(plugin, "Settings", None)
    if isinstance(plugin, type) and isinstance(model, type) and issubclass(model, base):
        return plugin
    document.problem(place, f'the plugin for type "{kind}" is faulty: it has no settings derived from {base.__name__}')
    return None


def _feeds(document: Document) -> dict[Key, FeedSettings]:
    found: dict[Key, FeedSettings] = {}
    for key, values in _named_tables(document, "feeds"):
        feed = read_table(FeedSettings, values, key, document)
        if feed is not None:
            found[key] = feed if "title" in values else feed.model_copy(update={"title": str(key[1])})
    return found


def _routes(document: Document) -> dict[Key, RouteSettings]:
    tables = document.data.get("routes", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        document.problem(
            ("routes",), "expected routes to be written as [[routes]]", "in double brackets, once for each route"
        )
        return {}
    found: dict[Key, RouteSettings] = {}
    for index, values in enumerate(tables):
        route = read_table(RouteSettings, values, ("routes", index), document)
        if route is not None:
            found["routes", index] = route
    return found


def _default_routes(sinks: Mapping[Key, Part]) -> tuple[RouteSettings, ...]:
    return (RouteSettings.model_construct(),) if sinks else ()  # as it is by default, without a validator for it


def _warn(document: Document, parts: Mapping[Key, Part]) -> None:
    """Note what works and is dangerous."""
    inline: list[Key] = []
    for key, part in parts.items():
        if getattr(part.settings, "verify_tls", True) is False:
            document.warn(
                (*key, "verify_tls"),
                f"{label(key)} does not verify TLS certificates",
                'anybody on the way can read and change what it says; better: "ca_file" in [feedbot]',
            )
        values = document.data[str(key[0])][str(key[1])]
        inline += inline_secrets(type(part.settings), values, key, document)
    if inline and _others_may_read(document.path):
        document.warn(
            inline[0],
            f"{label(inline[0])} holds a secret, and other users may read this file",
            f"chmod 600 {document.path}, or name the secret by ${{VAR}} or a *_file key",
        )


def _others_may_read(path: Path) -> bool:
    try:
        return os.name == "posix" and bool(path.stat().st_mode & 0o044)
    except OSError:
        return False
