"""feedbot service: files with which other programs run feedbot, or serve what it writes."""

from __future__ import annotations

import getpass
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedbot import plugins
from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context
from feedbot.cli.servicefiles import FILES, Place
from feedbot.paths import located, plain

if TYPE_CHECKING:
    from feedbot.settings import Configuration

_SANDBOXED = ("systemd", "timer", "docker")  # what starts feedbot only where its folders are


@click.group(cls=Group)
def service() -> None:
    """Print files with which other programs run feedbot."""


@service.command("print", cls=Command)
@click.argument("kind", type=click.Choice(list(FILES)))
@click.pass_obj
def print_file(context: Context, kind: str) -> None:
    """Print a file, with the paths of this machine in it; its first line says where it goes."""
    place = _place(context.load())
    text = FILES[kind](place)
    if context.json:
        context.answer({"kind": kind, "text": text})
    else:
        context.say(text.rstrip("\n"))
    missing = [path for path in place.writable if not path.is_dir()]
    if missing and kind in _SANDBOXED:
        folders = ", ".join(map(str, missing))
        context.warn(f"{folders}: not there yet; run feedbot once as {place.user} before it is started this way")


def _place(configuration: Configuration) -> Place:
    """Where everything is on this machine."""
    program = Path(sys.argv[0]).absolute()
    if program.name != "feedbot":
        program = Path(shutil.which("feedbot") or Path(sys.executable).with_name("feedbot"))
    return Place(
        program=program,
        config=_clean(configuration.path),
        state=_clean(configuration.cache_path),
        output=_clean(configuration.output_path),
        user=getpass.getuser(),
        owner=f"{os.getuid()}:{os.getgid()}" if os.name == "posix" else "1000:1000",
        base_url=configuration.feedbot.base_url,
        written=tuple(_written(configuration)),
        read=tuple(_read(configuration)),
        paged=tuple(name for name, feed in configuration.feeds.items() if "html" in feed.formats and not feed.token),
        guarded=tuple(name for name, feed in configuration.feeds.items() if feed.token),
        aliases=dict(_aliases(configuration)),
    )


def _aliases(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """Further paths of feeds with their media type, which is for nobody to know where the feed wants a token."""
    for feed in configuration.feeds.values():
        media_type = "" if feed.token else plugins.load(plugins.FORMATS, feed.formats[0]).media_type
        yield from ((alias, media_type) for alias in feed.aliases)


def _written(configuration: Configuration) -> Iterator[Path]:
    """The folders that sinks write to."""
    for settings in configuration.sinks.values():
        for place in settings.places():
            path = located(configuration.folder, place.path)
            if place.wanted == "made":
                yield _clean(path if place.path.endswith("/") or path.is_dir() else path.parent)


def _read(configuration: Configuration) -> Iterator[Path]:
    """What sources read beside the configuration."""
    for settings in configuration.sources.values():
        for place in settings.places():
            if place.wanted != "made":
                yield _clean(located(configuration.folder, place.path))


def _clean(path: Path) -> Path:
    """An absolute path without ``..``, which neither units nor compose files follow."""
    path = plain(path.absolute())
    return path if ".." not in path.parts else path.resolve()
