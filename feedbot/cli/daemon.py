"""feedbot daemon: keeps running, for a service manager or a container."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context


@click.command(cls=Command)
@click.pass_obj
def daemon(context: Context) -> None:
    """Keep running: poll, publish and deliver as things come due.

    SIGHUP, or a change of the configuration file, has it read anew. SIGTERM and SIGINT end it; a second one at once.
    """
    from feedbot.cli.entrance import Stopped
    from feedbot.service import Service

    context.tell_work()
    service = Service(context.find()[0], context.load, out=sys.stdout, quiet=context.quiet)
    ended: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if ended:
            os._exit(128 + number)
        ended.append(number)
        service.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, lambda _number, _frame: service.reload())
    service.run()
    raise Stopped(ended[0])
