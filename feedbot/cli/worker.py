"""feedbot worker: works off the queue of a distributed installation, beside others."""

from __future__ import annotations

import sys

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context

_QUEUES = ("poll", "deliver", "publish")


@click.command(cls=Command)
@click.option(
    "--queues", metavar="NAMES", default=",".join(_QUEUES), show_default=True, help="What it does, with commas between."
)
@click.option("--concurrency", metavar="N", type=click.IntRange(1, 1000), help="How many sources it reads at once.")
@click.pass_obj
def worker(context: Context, queues: str, concurrency: int | None) -> None:
    """Poll, publish and deliver beside other workers, on any number of machines; takes a state in PostgreSQL.

    SIGHUP, or a change of the configuration file, has it read anew. SIGTERM and SIGINT end it; a second one at once.
    """
    from feedbot.cli.lasting import last
    from feedbot.working import WorkerService

    context.tell_work()
    service = WorkerService(
        context.find()[0],
        context.load,
        out=sys.stdout,
        quiet=context.quiet,
        queues=_chosen(queues),
        concurrency=concurrency,
    )
    last(context, service)


def _chosen(names: str) -> tuple[str, ...]:
    chosen = {name.strip() for name in names.split(",")} - {""}
    unknown = sorted(chosen - set(_QUEUES))
    if unknown or not chosen:
        wrong = f'there is no queue "{unknown[0]}"' if unknown else "it names no queue"
        raise click.BadParameter(f"{wrong}; they are {', '.join(_QUEUES)}", param_hint="--queues")
    return tuple(name for name in _QUEUES if name in chosen)
