"""feedbot check: everything that is wrong with the configuration, in one go."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click
from msgspec.structs import asdict

from feedbot.cli.commands import Command
from feedbot.cli.context import Context

if TYPE_CHECKING:
    from feedbot.core.checkup import Finding
    from feedbot.settings import Configuration


@click.command(cls=Command)
@click.option("--online", is_flag=True, help="Ask the hosts of sources and sinks, too, whether they answer.")
@click.pass_obj
def check(context: Context, online: bool) -> int:
    """Find everything that is wrong with the configuration, with the paths in it, and with templates of your own.

    Leaves with 2 where something is; with --online also with 4 where a sink's host does not answer, 3 for a source's.
    """
    from feedbot.cli.template import broken
    from feedbot.errors import ConfigError
    from feedbot.parts import Parts

    configuration = context.load(thorough=True)
    Parts(configuration, out=sys.stdout).check()
    if problems := broken(configuration, context.now()):
        raise ConfigError("templates of messages fail", problems=problems)
    counted = {
        "sources": len(configuration.sources),
        "feeds": len(configuration.feeds),
        "sinks": len(configuration.sinks),
        "routes": len(configuration.routes),
    }
    warnings = [asdict(warning) for warning in configuration.warnings]
    hosts = _asked(configuration) if online else []
    if context.json:
        told = [{"topic": found.topic, "verdict": str(found.verdict), "text": found.text} for found in hosts]
        asked = {"hosts": told} if online else {}
        context.answer({"file": str(configuration.path), "problems": [], "warnings": warnings, **counted, **asked})
    elif not context.quiet:
        numbers = ", ".join(f"{number} {kind if number != 1 else kind[:-1]}" for kind, number in counted.items())
        context.say(f"{configuration.path}: no problems ({numbers})")
    if online:
        from feedbot.cli.doctor import show
        from feedbot.core.checkup import exit_code

        if not context.json:
            show(context, hosts)
        return exit_code(hosts)
    return 0


def _asked(configuration: Configuration) -> list[Finding]:
    from feedbot.cli.doctor import IN_ALL, hosts
    from feedbot.cli.examine import side_by_side

    return side_by_side(hosts(configuration, []), IN_ALL)
