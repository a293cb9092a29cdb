"""feedbot metrics: what the state tells, for Prometheus."""

from __future__ import annotations

from pathlib import Path

import click

from feedbot.cli.commands import Command
from feedbot.cli.context import Context
from feedbot.errors import FeedbotError


@click.command(cls=Command)
@click.option(
    "--textfile", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Write them to a file, for the textfile collector of node_exporter: whole, or not at all.",
)  # fmt: skip
@click.pass_obj
def metrics(context: Context, textfile: Path | None) -> None:
    """Tell Prometheus how sources, feeds and sinks are doing, as the state has it.

    A daemon that serves answers at /metrics, and counts there what it has done.
    """
    from feedbot.metrics import exposition

    configuration = context.load()
    store = context.open_store(configuration)
    try:
        text = exposition(configuration, store, context.now())
    finally:
        store.close()
    if textfile is not None:
        _write(context, textfile, text)
    if context.json:
        context.answer({"text": text.decode(), "file": None if textfile is None else str(textfile.absolute())})
    elif textfile is None:
        context.say(text.decode().rstrip("\n"))


def _write(context: Context, textfile: Path, text: bytes) -> None:
    """Write the file. Raises FeedbotError."""
    from feedbot.files import write_atomic

    if textfile.suffix != ".prom":
        context.warn(f"{textfile}: node_exporter reads only files whose names end in .prom")
    try:
        write_atomic(textfile, text)
    except OSError as error:
        raise FeedbotError(f"{textfile} cannot be written: {error.strerror}", "name another file") from error
