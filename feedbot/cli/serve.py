"""feedbot serve: publishes the feeds over HTTP."""

from __future__ import annotations

import logging
import signal
from types import FrameType

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context
from feedbot.web import DEFAULT_HOST, DEFAULT_PORT

log = logging.getLogger(__name__)


@click.command(cls=Command)
@click.option("--host", default=DEFAULT_HOST, show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=DEFAULT_PORT, show_default=True)
@click.pass_obj
def serve(context: Context, host: str, port: int) -> None:
    """Publish the feeds over HTTP, as they are written by a run or a daemon.

    SIGHUP has the configuration read anew.
    """
    from feedbot.cli.entrance import Stopped
    from feedbot.errors import FeedbotError
    from feedbot.service import open_hosting

    hosting = open_hosting(context.load(), host, port)
    context.tell_work()
    ended: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        if ended:
            raise Stopped(number)
        ended.append(number)
        hosting.server.stop()

    def reload(_number: int, _frame: FrameType | None) -> None:
        try:
            hosting.replace(context.load())
        except FeedbotError as error:
            context.fail(error)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    signal.signal(signal.SIGHUP, reload)
    context.tell(f"serving {hosting.server.address}")
    with hosting.server.running():
        while not ended and not hosting.server.ended.wait(0.5):
            pass
    raise Stopped(ended[0] if ended else signal.SIGTERM)
