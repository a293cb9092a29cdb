"""feedbot init: a first configuration, of the blog or feed that is at hand."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import Struct, field

from feedbot.cli.commands import Command
from feedbot.cli.context import Context
from feedbot.errors import FeedbotError, UsageError

if TYPE_CHECKING:
    from feedbot.cli.lookup import Found
    from feedbot.settings import Configuration
    from feedbot.settings.starter import Start


_MOST_BESIDE = 5


@click.command(cls=Command)
@click.argument("where", required=False, default="", metavar="[DIR|URL]")
@click.option("--output", default="", metavar="FILE", help='The file to write, "-" for stdout. Default: feedbot.toml.')
@click.option(
    "--ca-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Further certificates (PEM) to trust on the way there; the configuration names them too.",
)
@click.pass_obj
def init(context: Context, where: str, output: str, ca_file: Path | None) -> None:
    """Write a first configuration: for the blog in this folder, or for a folder, repository, page or feed.

    A file that is there already is left as it is.
    """
    from feedbot.settings.starter import starting

    usual = os.environ.get("FEEDBOT_CONFIG") or "feedbot.toml"
    target = None if output == "-" else Path(output or context.config or usual).expanduser()
    if target is not None and os.path.lexists(target):
        raise _there_already(target)
    folder = (target.parent if target is not None else Path()).absolute()
    looked = _look(context, folder, where, ca_file)
    text = starting(_start(looked, folder))
    if target is None:
        context.say(text.rstrip("\n"))
        return
    _write(target, text)
    _tell(context, target, looked)


class _Looked(Struct, frozen=True):
    """What was found, if anything; ``passed`` tells what was looked at in vain, ``reach`` what it took in [feedbot].

    ``beside`` are folders next to the blog that was found, which hold blogs too.
    """

    found: Found | None
    passed: tuple[str, ...] = ()
    reach: Mapping[str, Any] = field(default_factory=dict)
    beside: tuple[Path, ...] = ()


def _look(context: Context, folder: Path, where: str, ca_file: Path | None) -> _Looked:
    """Find what a configuration in a folder begins with."""
    from feedbot.cli.lookup import look_up
    from feedbot.cli.nearby import blogs, private

    if where:
        reach: dict[str, Any] = {}
        here = os.path.exists(os.path.expanduser(where))  # noqa: PTH110, PTH111 - of an address they are False
        if not here and (allowed := private(where)):  # whoever names a private address on the command line means it
            reach["allow_private"] = list(allowed)
        if ca_file is not None:
            reach["ca_file"] = str(ca_file.absolute())
        return _Looked(look_up(context, _empty(folder, reach), where), (), reach)
    passed: list[str] = []
    places = blogs(Path.cwd())
    for place in places:
        try:
            found = look_up(context, _empty(folder, {}), str(place))
        except FeedbotError as error:
            passed.append(str(error))
        else:
            beside = () if place == Path.cwd() else tuple(islice(places, _MOST_BESIDE))
            return _Looked(found, tuple(passed), beside=beside)
    return _Looked(None, tuple(passed))


def _empty(folder: Path, reach: Mapping[str, Any]) -> Configuration:
    """A configuration of a folder that says nothing yet but how to get to the source."""
    from feedbot.settings.edit import ConfigFile, literal

    text = "[feedbot]\n" + "".join(f"{key} = {literal(value)}\n" for key, value in reach.items())
    return ConfigFile(folder / "feedbot.toml", "", text).standing(os.environ)


def _start(looked: _Looked, folder: Path) -> Start:
    from feedbot.cli.additions import free_name
    from feedbot.settings.starter import Start

    found = looked.found
    if found is None:
        return Start(settings={})
    own = found.settings.get("path") == "."
    return Start(
        settings=found.settings,
        name=free_name(found.document.title or found.shown, ()),
        title=found.document.title,
        why=[note for note in found.notes if not note[:1].isdigit()],  # counts are true but today
        reach=looked.reach,
        # "public" is where several tools write the site itself.
        output=("feeds" if not (folder / "feeds").exists() else "feedbot-feeds") if own else "public",
    )


def _write(target: Path, text: str) -> None:
    """Make the file, whole and in the place of no other. Raises UsageError where one is there, OSError."""
    from feedbot.files import sync_folder

    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".feedbot-", suffix=".part", dir=target.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fchmod(file.fileno(), stat.S_IRUSR | stat.S_IWUSR)  # passwords may come to stand in it
            os.fsync(file.fileno())
        _put(part, target)
    finally:
        part.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        sync_folder(target.parent)


def _put(part: Path, target: Path) -> None:
    try:
        os.link(part, target)  # unlike a rename, it replaces nothing
    except FileExistsError:
        raise _there_already(target) from None
    except OSError:  # a file system without links
        if os.path.lexists(target):
            raise _there_already(target) from None
        part.rename(target)


def _there_already(target: Path) -> UsageError:
    return UsageError(
        f"{target} is there already, and stays as it is",
        "feedbot add URL|PATH adds a source to it; --output FILE writes another one",
    )


def _tell(context: Context, target: Path, looked: _Looked) -> None:
    """Say what was found and written, and what comes next."""
    from feedbot.message.terminal import counted, inert
    from feedbot.settings.sentences import mask

    found = looked.found
    steps = _next(target, looked)
    if context.json:
        told: dict[str, Any] | None = None
        if found is not None:
            told = {
                "settings": {key: mask(value) for key, value in found.settings.items()},
                "title": found.document.title,
                "entries": len(found.document.items),
                "others": [mask(other) for other in found.others],
                "notes": list(found.notes),
            }
        context.answer({"file": str(target.absolute()), "found": told, "passed": list(looked.passed), "next": steps})
        return
    if context.quiet:
        return
    context.say(f"wrote {target}")
    if found is not None:
        title = f": {inert(found.document.title)}" if found.document.title else ""
        entries = counted(len(found.document.items), "entry", "entries")
        context.say(f"  {found.settings['type']} {inert(found.shown)}{title} ({entries})")
        for note in (*found.notes, *(f"the page names another feed: {mask(other)}" for other in found.others)):
            context.say(f"  {inert(note)}")
    else:
        context.say("  no blog was found in this folder, so that it has an example in it, which is paused")
        for reason in looked.passed:
            context.say(f"  {inert(reason)}")
    context.say("Next:")
    for step in steps:
        context.say(f"  {step}")


def _next(target: Path, looked: _Looked) -> list[str]:
    """The commands that come next, as they are to be typed."""
    import shlex

    found_by_itself = Path(os.environ.get("FEEDBOT_CONFIG") or "feedbot.toml").expanduser()
    named = "" if target.absolute() == found_by_itself.absolute() else f" --config {shlex.quote(str(target))}"
    first = f"feedbot run{named}"
    return [
        *([] if looked.found else [f"feedbot add{named} URL  # a feed, a page with one, or a blog's folder"]),
        *(f"feedbot add{named} {shlex.quote(place.name)}  # it looks like a blog too" for place in looked.beside),
        f"{first}  # publishes feeds; what is there already is not announced",
        f"feedbot sink test{named} mail  # once [sinks.mail] in {target.name} is filled in",
        f"feedbot service print{named} {_SCHEDULER}  # has it run by itself",
    ]


_SCHEDULER = "launchd" if sys.platform == "darwin" else "systemd"
