"""feedbot service: files with which other programs run feedbot, or serve what it writes."""

from __future__ import annotations

import getpass
import shutil
import sys
from pathlib import Path

import click

from feedbot.cli.commands import Command, Group
from feedbot.cli.context import Context
from feedbot.cli.servicefiles import FILES, Place


@click.group(cls=Group)
def service() -> None:
    """Print files with which other programs run feedbot."""


@service.command("print", cls=Command)
@click.argument("kind", type=click.Choice(list(FILES)))
@click.pass_obj
def print_file(context: Context, kind: str) -> None:
    """Print a file, with the paths of this machine in it; its first line says where it goes."""
    configuration = context.load()
    program = Path(sys.argv[0]).absolute()
    if program.name != "feedbot":
        program = Path(shutil.which("feedbot") or Path(sys.executable).with_name("feedbot"))
    place = Place(
        program=program,
        config=configuration.path.absolute(),
        state=configuration.state_path.absolute(),
        output=configuration.output_path.absolute(),
        user=getpass.getuser(),
    )
    text = FILES[kind](place)
    if context.json:
        context.answer({"kind": kind, "text": text})
    else:
        context.say(text.rstrip("\n"))
