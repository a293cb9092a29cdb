"""feed2exec's configuration: a section a feed, with the plugin that its items are given to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from feedbot.core.text import slug
from feedbot.interchange import ini
from feedbot.interchange.listing import Listing, Omitted, Subscription, web_address

_SILENT = ("", "null")


def read(text: str) -> Listing:
    """Read the feeds; Maildir folders and the terminal become sinks, other plugins are told. Raises ListingError."""
    found: list[Subscription] = []
    omitted: list[Omitted] = []
    sinks: dict[str, Mapping[str, Any]] = {}
    for name, section in ini.read(text).items():
        where = f"[{name}]"
        try:
            address = web_address(section.get("url", ""))
        except ValueError as error:
            omitted.append(Omitted(where, str(error)))
            continue
        sink, settings = _sink(name, section)
        if settings:
            sinks.setdefault(sink, settings)
        elif _plugin(section, "output") not in _SILENT:
            plugin = _plugin(section, "output")
            omitted.append(Omitted(where, f"output = {plugin}: there is no sink that does this; the feed goes nowhere"))
        if _plugin(section, "filter") not in _SILENT:
            plugin = _plugin(section, "filter")
            omitted.append(Omitted(where, f"filter = {plugin}: see the filter of a route for what to put in its place"))
        paused = {"paused": True} if ini.yes(section, "pause") else {}
        found.append(Subscription(url=address, title=name, where=where, settings=paused, sink=sink))
    return Listing(subscriptions=tuple(found), omitted=tuple(omitted), sinks=sinks)


def _plugin(section: Mapping[str, str], key: str) -> str:
    """The name of a plugin, without the package it is in."""
    return section.get(key, "maildir" if key == "output" else "").rpartition(".")[2]


def _sink(name: str, section: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    plugin = _plugin(section, "output")
    if plugin == "echo":
        return "terminal", {"type": "console"}
    if plugin != "maildir":
        return "", {}
    folder = section.get("folder") or slug(name)
    path = f"{section.get('mailbox') or '~/Maildir'}/{folder}"
    settings: dict[str, Any] = {"type": "email", "transport": "maildir", "path": path}
    if "@" in section.get("args", ""):
        settings["to"] = [section["args"]]
    return slug(f"maildir-{folder}"), settings
