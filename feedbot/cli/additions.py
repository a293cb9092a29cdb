"""What the commands that add sources have in common: names, addresses that are there already, routes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from feedbot.core.identity import normalised
from feedbot.core.text import slug
from feedbot.interchange.listing import Listing, Subscription
from feedbot.paths import located
from feedbot.settings import Configuration
from feedbot.settings.edit import ConfigFile, Table

_Groups = dict[tuple[str, tuple[str, ...]], list[str]]
"""The new sources that go to a sink, by its name and the kinds of change."""


class Plan(Struct, frozen=True, kw_only=True):
    """What a listing adds to a configuration: sources by their new names; ``existing`` ones by those they have."""

    tables: tuple[Table, ...]
    added: Mapping[str, Subscription]
    existing: Mapping[str, Subscription]
    sinks: Mapping[str, Mapping[str, Any]]


def plan(file: ConfigFile, configuration: Configuration, listing: Listing) -> Plan:
    """Merge a listing into a configuration: what is there already, by its address, is left alone."""
    known = addresses(configuration)
    names = set(configuration.sources)
    added: dict[str, Subscription] = {}
    existing: dict[str, Subscription] = {}
    for one in listing.subscriptions:
        there = known.get(address_key(one.url))
        if there is None:
            name = free_name(one.title or urlsplit(one.url).hostname or "", names)
            names.add(name)
            known[address_key(one.url)] = name
            added[name] = one
        elif there not in added:
            existing[there] = one
    sinks, called = _sinks(file, configuration, listing, added)
    groups: _Groups = {}
    for name, one in added.items():
        if one.sink:
            groups.setdefault((called[one.sink], one.on), []).append(name)
    everything = not configuration.sources and all(one.sink for one in added.values())
    sources = (Table("sources", name, {"type": "feed", "url": one.url, **one.settings}) for name, one in added.items())
    written = (Table("sinks", name, values) for name, values in sinks.items())
    return Plan(
        tables=(*sources, *written, *routes(file, configuration, groups, everything=everything)),
        added=added,
        existing=existing,
        sinks=sinks,
    )


def routes(
    file: ConfigFile, configuration: Configuration, groups: _Groups, *, everything: bool = False
) -> Iterator[Table]:
    """The routes that new sources take, so that those of the other sources stay what they are.

    ``everything``: there are no sources but those of the groups.
    Without any route everything goes everywhere, which the first one ends: it is written down then.
    """
    if not groups:
        return
    implied = "routes" not in file.data
    if implied and configuration.sources and configuration.sinks:
        values = {"sources": list(configuration.sources), "to": list(configuration.sinks)}
        yield Table("routes", "", values, "as without routes: everything to every sink")
    elif implied and everything and not configuration.sinks and [on for _, on in groups] == [("new",)]:
        return  # one sink, which is told everything as it is
    for (sink, on), names in groups.items():
        kinds = {} if on == ("new",) else {"on": list(on)}
        yield Table("routes", "", {"sources": names, "to": [sink], **kinds})


def addresses(configuration: Configuration) -> dict[str, str]:
    """The sources by what they read, in a form that is equal for what is the same."""
    found: dict[str, str] = {}
    for name, settings in configuration.sources.items():
        if url := getattr(settings, "url", ""):
            found[address_key(url)] = name
        elif git := getattr(settings, "git", ""):
            if not getattr(settings, "path", ""):  # of one repository several folders may be read
                found[repository_key(git)] = name
        elif path := getattr(settings, "path", ""):
            found[path_key(located(configuration.folder, path))] = name
    return found


def address_key(url: str) -> str:
    """An address without what two spellings of it differ in."""
    return normalised(url) or url


def path_key(path: Path) -> str:
    return f"path:{path.resolve()}"


def repository_key(address: str) -> str:
    return f"git:{address.rstrip('/').removesuffix('.git')}"


def free_name(wanted: str, taken: Collection[str]) -> str:
    """A name for a source, sink or feed made of a text, and of no other one's."""
    base = slug(wanted[:200], "source")[:40].strip("-")
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def unrouted(configuration: Configuration, name: str) -> bool:
    """Whether there are sinks, and none of them is ever told of a source."""
    return bool(configuration.sinks) and not any(
        name in configuration.sources_of(route) and configuration.sinks_of(route) for route in configuration.routes
    )


def _sinks(
    file: ConfigFile, configuration: Configuration, listing: Listing, added: Mapping[str, Subscription]
) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """The sinks to write, and what each of the listing's is called: an equal one that is there serves as well."""
    standing = file.data.get("sinks", {})
    names = set(configuration.sinks)
    fresh: dict[str, Mapping[str, Any]] = {}
    called: dict[str, str] = {}
    for wanted in dict.fromkeys(one.sink for one in added.values() if one.sink):
        values = listing.sinks[wanted]
        equal = next((name for name, there in standing.items() if there == values), "")
        called[wanted] = equal or free_name(wanted, names)
        if not equal:
            names.add(called[wanted])
            fresh[called[wanted]] = values
    return fresh, called
