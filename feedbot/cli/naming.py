"""Completes names of the configuration on a command line."""

from __future__ import annotations

import os
from collections.abc import Callable

import click

from feedbot.cli.context import Context


def names_of(kind: str) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What completes a name of the "sources", "feeds" or "sinks", as far as the configuration can be read."""

    def complete(ctx: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
        from feedbot.errors import FeedbotError
        from feedbot.settings.edit import ConfigFile

        context = ctx.find_object(Context) or Context()
        try:
            table = ConfigFile.read(context.find()[0], os.environ).data.get(kind)
        except (FeedbotError, OSError):
            return []
        return [name for name in table if name.startswith(begun)] if isinstance(table, dict) else []

    return complete
