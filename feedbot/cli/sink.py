"""feedbot sink: where notifications go, and whether they arrive."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from feedbot.model import Delivery
    from feedbot.settings import Configuration


@click.group(cls=Group, later=frozenset({"preview"}))
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
@click.argument("name")
@click.pass_obj
def test(context: Context, name: str) -> None:
    """Send a test message through a sink, past routes and outbox, and tell whether it was taken."""
    from feedbot.app import App
    from feedbot.errors import DeliveryError

    configuration = context.load()
    _known(configuration, name)
    app = App(configuration, out=sys.stderr if context.json else sys.stdout)
    delivery = _trial(context, name)
    made = app.sink(name)()
    try:
        try:
            made.send(delivery, context.now())
        finally:
            made.close()
            app.close()
    except DeliveryError as error:
        error.exit_code = 4
        raise
    if context.json:
        context.answer({"sink": name, "taken": True, "key": delivery.key})
    elif not context.quiet:
        context.say(f"{name} took the test message (key {delivery.key})")


def _known(configuration: Configuration, name: str) -> None:
    from feedbot.errors import UsageError
    from feedbot.settings.document import suggestion

    if name not in configuration.sinks:
        raise UsageError(f'there is no sink named "{name}"', suggestion(name, list(configuration.sinks)))


def _trial(context: Context, sink_name: str) -> Delivery:
    """A change that was made up to be looked at; its key is another one each time, so that nobody drops it."""
    import uuid

    from feedbot.model import Author, ChangeKind, Delivery, Entry

    now = context.now()
    entry = Entry(
        id="tag:feedbot,2026:test",
        source="test",
        first_seen=now,
        url="https://example.org/feedbot-test/",
        title="A test message from feedbot",
        authors=(Author("feedbot"),),
        published=now,
        summary="This message was sent by hand, to see whether it arrives.",
        content="<p>This message was sent by hand, to see <b>whether it arrives</b>.</p>",
        tags=("test",),
    )
    return Delivery(
        pk=0,
        key=f"test-{uuid.uuid4().hex}",
        sink=sink_name,
        change=ChangeKind.NEW,
        entry=entry,
        attempts=1,
        created=now,
        not_before=now,
    )
