"""feedbot queue: deliveries that wait, and what to do with them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from datetime import datetime

    from feedbot.model import Delivery
    from feedbot.settings import Configuration
    from feedbot.store.store import Store


@click.group(cls=Group)
def queue() -> None:
    """Look at deliveries that wait, or care for them."""


@queue.command("list", cls=Command)
@click.option("--sink", default="", help="Only those of one sink.")
@click.option(
    "--state",
    type=click.Choice(["pending", "sending", "held", "dead", "sent", "dropped"]),
    multiple=True,
    help="Only those of a state. Default: all that are not done.",
)
@click.option("-n", "--limit", type=click.IntRange(min=1), default=1000, show_default=True)
@click.pass_obj
def list_deliveries(context: Context, sink: str, state: tuple[str, ...], limit: int) -> None:
    """List deliveries, oldest first."""
    from feedbot.core.dates import rfc3339
    from feedbot.model import DeliveryState

    states = [DeliveryState(s) for s in state or ("pending", "sending", "held", "dead")]
    configuration = context.load()
    store = context.open_store(configuration)
    try:
        _check_sink(sink, configuration, store)
        found = store.deliveries.listed(states, sink=sink, limit=limit)
        disabled = [one for one in store.sinks.states().values() if one.disabled_at and sink in ("", one.name)]
    finally:
        store.close()
    if context.json:
        deliveries = [
            {
                "number": d.pk,
                "key": d.key,
                "sink": d.sink,
                "change": d.change.value,
                "entry": d.entry.id,
                "title": d.entry.title,
                "source": d.entry.source,
                "state": d.state.value,
                "attempts": d.attempts,
                "created": rfc3339(d.created),
                "not_before": rfc3339(d.not_before),
                "error": d.error,
            }
            for d in found
        ]
        context.answer({"deliveries": deliveries, "disabled": {one.name: one.error for one in disabled}})
        return
    now = context.now()
    for d in found:
        for line in _lines(d, now):
            context.say(line)
    for one in disabled:
        context.say(f"{one.name} wants no more deliveries ({one.error}); feedbot queue release --sink {one.name}")
    if not found and not context.quiet:
        context.say("nothing is waiting")


def _lines(delivery: Delivery, now: datetime) -> Iterator[str]:
    from feedbot.core.dates import in_words
    from feedbot.message.terminal import counted, fit, inert
    from feedbot.model import DeliveryState

    when = delivery.state.value
    if delivery.state is DeliveryState.PENDING:
        due = delivery.not_before <= now
        when = "at the next run" if due else f"next try {in_words(delivery.not_before, now)}"
    yield (
        f"{delivery.pk:>6}  {fit(delivery.sink, 14)}  {delivery.change.value:<9}  "
        f"{fit(inert(delivery.entry.title), 44)}  {when}, {counted(delivery.attempts, 'try', 'tries')}"
    )
    if delivery.error:
        yield f"        {inert(delivery.error)}"


def _check_sink(name: str, configuration: Configuration, store: Store) -> None:
    """A sink has to be configured, or to have had deliveries. Raises UsageError."""
    from feedbot.errors import UsageError
    from feedbot.settings.document import suggestion

    known = list(dict.fromkeys((*configuration.sinks, *store.deliveries.counts())))
    if name and name not in known:
        raise UsageError(f'there is no sink named "{name}"', suggestion(name, known))


def _mover(name: str, text: str, to: str, only: str | None, done: str) -> None:
    """Define a command that moves deliveries into a state: ``only`` those of one, where it is given."""

    @queue.command(name, cls=Command, help=text)
    @click.argument("numbers", nargs=-1, type=int, metavar="[NUMBER]...")
    @click.option("--sink", default="", help="All of one sink.")
    @click.option("--all", "everything", is_flag=True, help="All there are.")
    @click.pass_obj
    def move(context: Context, numbers: tuple[int, ...], sink: str, everything: bool) -> None:
        from feedbot.errors import UsageError
        from feedbot.locking import run_lock
        from feedbot.model import DeliveryState

        if not (numbers or sink or everything):
            raise UsageError(
                "it is not said which deliveries", "give numbers of feedbot queue list, --sink NAME or --all"
            )
        configuration = context.load()
        with run_lock(configuration.state):
            store = context.open_store(configuration, writable=True)
            try:
                _check_sink(sink, configuration, store)
                target: DeliveryState = DeliveryState(to)
                state = DeliveryState(only) if only else None
                moved = store.outbox.move(target, context.now(), pks=numbers, sink=sink, only=state)
                if name == "release" and (sink or everything):
                    for known in [sink] if sink else store.sinks.states():
                        store.sinks.enable(known)
            finally:
                store.close()
        if numbers and not moved:
            named = " or ".join(map(str, numbers))
            raise UsageError(
                f"there is no delivery {named} in a state that allows it",
                "feedbot queue list shows those that wait; with --state sent or --state dropped, those that are done",
            )
        if context.json:
            context.answer({"deliveries": moved})
        elif not context.quiet:
            context.say(f"{moved} {done}")
        if numbers and moved < len(set(numbers)) and not context.quiet:
            context.warn(f"{len(set(numbers)) - moved} of those named are in no state that allows it, or not there")


_mover(
    "retry", "Try deliveries again at the next run, dead ones too.", "pending", None, "will be tried at the next run"
)
_mover("drop", "Give deliveries up for good.", "dropped", None, "dropped")
_mover(
    "release",
    "Let held deliveries go out at the next run; with --sink also to a sink that wanted no more.",
    "pending",
    "held",
    "will go out at the next run",
)
_mover("absorb", "Take held entries in without announcing them.", "dropped", "held", "taken in without an announcement")
