"""feedbot template: the texts around entries, and how to change them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from datetime import datetime

    from feedbot.errors import ConfigProblem
    from feedbot.message.templates import TemplateFailedError
    from feedbot.model import Delivery, Digest
    from feedbot.settings import Configuration


@click.group(cls=Group)
def template() -> None:
    """Look at the templates of messages, or try your own."""


@template.command("list", cls=Command)
@click.pass_obj
def list_templates(context: Context) -> None:
    """List the templates, and your own files that take their place."""
    from feedbot.message.templates import NAMES

    configuration = context.load()
    rows = [
        {"name": name, "own": [_shown(path, configuration) for path in _own(configuration, name)]} for name in NAMES
    ]
    if context.json:
        context.answer({"templates": rows})
        return
    for row in rows:
        context.say(f"{row['name']:<12} {', '.join(row['own']) or 'shipped'}")


@template.command(cls=Command)
@click.argument("name")
@click.option(
    "--to", metavar="SINK", help="Write it where it takes the place of the shipped one for this sink or type."
)
@click.pass_obj
def export(context: Context, name: str, to: str | None) -> None:
    """Print a shipped template, to start your own from."""
    from feedbot.errors import UsageError
    from feedbot.message.templates import FOLDER, NAMES, shipped
    from feedbot.settings.document import suggestion

    name = name.removesuffix(".j2")
    if name not in NAMES:
        raise UsageError(f'there is no template named "{name}"', suggestion(name, list(NAMES)))
    if to is None:
        context.say(shipped(name).rstrip("\n"))
        return
    configuration = context.load()
    kinds = {settings.type for settings in configuration.sinks.values()}
    if to not in configuration.sinks and to not in kinds:
        raise UsageError(f'there is no sink named "{to}"', suggestion(to, list(configuration.sinks)))
    path = configuration.folder / FOLDER / to / f"{name}.j2"
    _write_new(path, shipped(name))
    if context.json:
        context.answer({"template": name, "path": str(path)})
    elif not context.quiet:
        context.say(f"wrote {_shown(path, configuration)}")


@template.command(cls=Command)
@click.option("--entry", "entry_id", default="", metavar="ID", help="The entry to try with. Default: the newest.")
@click.pass_obj
def test(context: Context, entry_id: str) -> None:
    """Render each of your own templates, and tell which of them fail."""
    from feedbot.cli.samples import known, made_up
    from feedbot.errors import ConfigError

    configuration = context.load()
    delivery = known(context, configuration, "test", entry_id) or made_up("test", "test", context.now())
    outcomes = _tried(configuration, delivery)
    rows = [{"template": name, "error": str(failure) if failure else None} for name, failure in outcomes.items()]
    if context.json:
        context.answer({"templates": rows})
    elif not context.quiet:
        for row in rows:
            context.say(f"{row['template']}: {row['error'] or 'works'}")
        if not rows:
            context.say("there are no templates of your own; feedbot template export NAME --to SINK makes one")
    failed = [row for row in rows if row["error"]]
    if failed and not context.json:
        raise ConfigError(f"{len(failed)} of {len(rows)} templates fail", "the shipped ones are used in their place")
    if failed:
        raise SystemExit(ConfigError.exit_code)


def broken(configuration: Configuration, now: datetime) -> tuple[ConfigProblem, ...]:
    """What is wrong with own templates, of which each is tried with an entry that has everything."""
    from feedbot.cli.samples import made_up
    from feedbot.errors import ConfigProblem
    from feedbot.model import Enclosure

    made = made_up("check", "check", now)
    image = f"{made.entry.url}picture.png"
    entry = replace(made.entry, updated=now, image=image, enclosures=(Enclosure(image, "image/png", 1),), language="en")
    return tuple(
        ConfigProblem(
            f"{name}:{failure.line}" if failure.line else name,
            f"the template {failure.what}",
            "the shipped one is used in its place; feedbot template test tries it with an entry of yours",
        )
        for name, failure in _tried(configuration, replace(made, entry=entry)).items()
        if failure is not None
    )


def _tried(configuration: Configuration, delivery: Delivery) -> dict[str, TemplateFailedError | None]:
    """Each of the operator's own templates, and how it fails, if it does."""
    from feedbot.message.templates import FOLDER, NAMES, TemplateFailedError, rendered
    from feedbot.model import Digest

    digest = Digest(key="test", sink="test", deliveries=(delivery,), created=delivery.created)
    found: dict[str, TemplateFailedError | None] = {}
    for name in NAMES:
        for sink, settings in configuration.sinks.items():
            folders = [configuration.folder / FOLDER / place for place in (sink, settings.type)]
            for path in (folder / f"{name}.j2" for folder in folders):
                shown = _shown(path, configuration)
                if shown not in found and path.is_file():
                    try:
                        rendered(path, _values(name, delivery, digest), folders)
                        found[shown] = None
                    except TemplateFailedError as failure:
                        found[shown] = failure
    return found


def _values(name: str, delivery: Delivery, digest: Digest) -> dict[str, Any]:
    from feedbot.message import values

    if name.startswith("digest"):
        shown = values.of_digest(digest, bodies=1)
    else:
        shown = values.line(delivery) if name.startswith("chat") else values.of_change(delivery)
    return {**shown, "unsubscribe": ""}


def _own(configuration: Configuration, name: str) -> list[Path]:
    """The files that take the place of a template for some sink of the configuration."""
    from feedbot.message.templates import FOLDER

    places = [place for sink, settings in configuration.sinks.items() for place in (sink, settings.type)]
    paths = (configuration.folder / FOLDER / place / f"{name}.j2" for place in dict.fromkeys(places))
    return [path for path in paths if path.is_file()]


def _shown(path: Path, configuration: Configuration) -> str:
    return str(path.relative_to(configuration.folder))


def _write_new(path: Path, text: str) -> None:
    from feedbot.errors import UsageError

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already", "remove it first, or change it") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "check the folder's rights") from error
