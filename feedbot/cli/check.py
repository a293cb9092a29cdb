"""feedbot check: everything that is wrong with the configuration, in one go."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context


@click.command(cls=Command)
@click.pass_obj
def check(context: Context) -> None:
    """Find everything that is wrong with the configuration, and with the paths in it."""
    from feedbot.app import App

    configuration = context.load(thorough=True)
    App(configuration, out=sys.stdout).check()
    counted = {
        "sources": len(configuration.sources),
        "feeds": len(configuration.feeds),
        "sinks": len(configuration.sinks),
        "routes": len(configuration.routes),
    }
    warnings = [asdict(warning) for warning in configuration.warnings]
    if context.json:
        context.answer({"file": str(configuration.path), "problems": [], "warnings": warnings, **counted})
    elif not context.quiet:
        numbers = ", ".join(f"{number} {kind if number != 1 else kind[:-1]}" for kind, number in counted.items())
        context.say(f"{configuration.path}: no problems ({numbers})")
