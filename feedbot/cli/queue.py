"""feedbot queue: deliveries that wait, and what to do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from feedbot.model import DeliveryState


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
    from feedbot.core.dates import in_words, rfc3339
    from feedbot.message.terminal import fit, inert
    from feedbot.model import DeliveryState

    states = [DeliveryState(s) for s in state or ("pending", "sending", "held", "dead")]
    store = context.open_store(context.load())
    try:
        found = store.outbox.listed(states, sink=sink, limit=limit)
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
        context.answer({"deliveries": deliveries})
        return
    now = context.now()
    for d in found:
        when = f"next try {in_words(d.not_before, now)}" if d.state is DeliveryState.PENDING else d.state.value
        context.say(
            f"{d.pk:>6}  {fit(d.sink, 14)}  {d.change.value:<9}  {fit(inert(d.entry.title), 44)}  "
            f"{when}, {d.attempts} tries"
        )
        if d.error:
            context.say(f"        {inert(d.error)}")
    if not found and not context.quiet:
        context.say("nothing is waiting")


def _mover(name: str, text: str, to: str, only: str | None, done: str) -> None:
    """Define a command that moves deliveries into a state: ``only`` those of one, where it is given."""

    @queue.command(name, cls=Command, help=text)
    @click.argument("numbers", nargs=-1, type=int, metavar="[NUMBER]...")
    @click.option("--sink", default="", help="All of one sink.")
    @click.option("--all", "everything", is_flag=True, help="All there are.")
    @click.pass_obj
    def move(context: Context, numbers: tuple[int, ...], sink: str, everything: bool) -> None:
        from feedbot.app import run_lock
        from feedbot.errors import UsageError
        from feedbot.model import DeliveryState

        if not (numbers or sink or everything):
            raise UsageError(
                "it is not said which deliveries", "give numbers of feedbot queue list, --sink NAME or --all"
            )
        configuration = context.load()
        with run_lock(configuration.state_path):
            store = context.open_store(configuration)
            try:
                target: DeliveryState = DeliveryState(to)
                state = DeliveryState(only) if only else None
                moved = store.outbox.move(target, context.now(), pks=numbers, sink=sink, only=state)
            finally:
                store.close()
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
_mover("release", "Let held deliveries go out at the next run.", "pending", "held", "will go out at the next run")
_mover("absorb", "Take held entries in without announcing them.", "dropped", "held", "taken in without an announcement")
