"""feedbot sink: where notifications go, and whether they arrive."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context
from feedbot.cli.naming import names_of

if TYPE_CHECKING:
    from feedbot.settings import Configuration


@click.group(cls=Group)
def sink() -> None:
    """Look at sinks, or try one."""


@sink.command("list", cls=Command)
@click.pass_obj
def list_sinks(context: Context) -> None:
    """List the sinks of the configuration, and which routes lead to each."""
    configuration = context.load()
    rows = [
        {
            "name": name,
            "type": settings.type,
            "routes": sum(name in configuration.sinks_of(route) for route in configuration.routes),
        }
        for name, settings in configuration.sinks.items()
    ]
    if context.json:
        context.answer({"sinks": rows})
        return
    for row in rows:
        context.say(f"{row['name']:<20} {row['type']:<10} {row['routes']} of {len(configuration.routes)} routes")
    if not rows:
        context.say("there are no sinks; add a table such as [sinks.me] to the configuration")


@sink.command(cls=Command)
@click.argument("name", shell_complete=names_of("sinks"))
@click.pass_obj
def test(context: Context, name: str) -> None:
    """Send a test message through a sink, past routes and outbox, and tell whether it was taken."""
    import uuid

    from feedbot.cli.samples import made_up
    from feedbot.errors import DeliveryError
    from feedbot.parts import Parts

    configuration = context.load()
    _known(configuration, name)
    parts = Parts(configuration, out=sys.stderr if context.json else sys.stdout)
    delivery = made_up(name, f"test-{uuid.uuid4().hex}", context.now())  # another key each time: nobody drops it
    made = parts.sink(name)()
    try:
        try:
            made.send(delivery, context.now())
        finally:
            made.close()
            parts.close()
    except DeliveryError as error:
        error.exit_code = 4
        raise
    if context.json:
        context.answer({"sink": name, "taken": True, "key": delivery.key})
    elif not context.quiet:
        context.say(f"{name} took the test message (key {delivery.key})")


@sink.command(cls=Command)
@click.argument("name", shell_complete=names_of("sinks"))
@click.option("--entry", "entry_id", default="", metavar="ID", help="The entry to show. Default: the newest.")
@click.option("--open", "in_browser", is_flag=True, help="Show the HTML of a mail in a browser.")
@click.pass_obj
def preview(context: Context, name: str, entry_id: str, in_browser: bool) -> None:
    """Show what a sink would send of an entry, without sending it."""
    from feedbot.cli.samples import known, made_up
    from feedbot.errors import UsageError
    from feedbot.message.terminal import safe
    from feedbot.parts import Parts
    from feedbot.plugins import PreviewSink

    configuration = context.load()
    _known(configuration, name)
    delivery = known(context, configuration, name, entry_id)
    if delivery is None and not context.quiet:
        context.tell("there is no entry yet; this is one made up")
    delivery = delivery or made_up(name, "test", context.now())
    parts = Parts(configuration, out=sys.stdout)
    made = parts.sink(name)()
    try:
        if not isinstance(made, PreviewSink):
            raise UsageError(f"sinks of type {configuration.sinks[name].type} cannot show what they would send")
        shown = made.preview(delivery, context.now())
    finally:
        made.close()
        parts.close()
    if in_browser and not shown.page:
        raise UsageError(f'the sink "{name}" sends no HTML page', "leave --open out to see what it sends")
    if context.json:
        context.answer({"sink": name, "entry": delivery.entry.id, "text": shown.text, "page": shown.page})
    else:
        for line in shown.text.split("\n"):
            context.say(safe(line))
    if in_browser:
        _open(context, shown.page)


def _open(context: Context, page: str) -> None:
    """Write a page where the browser, which may read it later, finds it."""
    import tempfile

    with tempfile.NamedTemporaryFile("w", suffix=".html", prefix="feedbot-", encoding="utf-8", delete=False) as file:
        file.write(context.redact(page))
    context.tell(f"the page is {file.name}")
    click.launch(f"file://{file.name}")


def _known(configuration: Configuration, name: str) -> None:
    from feedbot.errors import UsageError
    from feedbot.settings.document import suggestion

    if name not in configuration.sinks:
        raise UsageError(f'there is no sink named "{name}"', suggestion(name, list(configuration.sinks)))
