"""feedbot daemon: keeps running, for a service manager or a container."""

from __future__ import annotations

import sys

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context
from feedbot.web import DEFAULT_HOST, DEFAULT_PORT


@click.command(cls=Command)
@click.option("--serve", metavar="HOST:PORT", default="", help="Publish the feeds over HTTP, too.")
@click.pass_obj
def daemon(context: Context, serve: str) -> None:
    """Keep running: poll, publish and deliver as things come due.

    SIGHUP, or a change of the configuration file, has it read anew. SIGTERM and SIGINT end it; a second one at once.
    """
    from feedbot.cli.lasting import last
    from feedbot.service import Service

    context.tell_work()
    service = Service(context.find()[0], context.load, out=sys.stdout, quiet=context.quiet, serve=_address(serve))
    last(context, service)


def _address(given: str) -> tuple[str, int] | None:
    """Where to listen: "HOST:PORT", or one of them alone."""
    if not given:
        return None
    host, colon, port = given.rpartition(":")
    if (not colon and not given.isdigit()) or given.endswith("]"):
        host, port = given, str(DEFAULT_PORT)
    bare = ":" in host and not host.startswith("[")  # nobody can tell the port of an address of IPv6
    if bare or not port.isdecimal() or int(port) > 65535:
        raise click.BadParameter(
            f'"{given}" is no address; write it as "{DEFAULT_HOST}:{DEFAULT_PORT}"', param_hint="--serve"
        )
    return host or DEFAULT_HOST, int(port)
