"""The manual page, made of the commands themselves, so that it cannot tell anything else.

python -m feedbot.cli.manual > docs/feedbot.1
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator

import click

from feedbot import __version__
from feedbot.cli.commands import global_options

EXIT_CODES = {
    "0": "It ran.",
    "1": "A fault of feedbot's own, or its output cannot be written.",
    "2": "The command line or the configuration is wrong.",
    "3": "Some source failed (with --strict only).",
    "4": "Some delivery failed (with --strict only).",
    "5": "The state cannot be used, or a published file cannot be written.",
    "6": "Another run works on the same state.",
    "128+n": "Ended by signal n.",
}

_FILES = {
    "./feedbot.toml, ~/.config/feedbot/config.toml, /etc/feedbot/config.toml": "The configuration, in this order, "
    "where neither --config nor $FEEDBOT_CONFIG names one.",
    "feedbot.db": "The state: what was seen and what was sent. It lies beside the configuration, in $STATE_DIRECTORY, "
    "or in ~/.local/state/feedbot; “feedbot config show” tells.",
}

_ENVIRONMENT = {
    "FEEDBOT_CONFIG": "The configuration file, where --config names none.",
    "STATE_DIRECTORY": "The folder of the state, where the configuration names none; systemd sets it.",
    "XDG_CONFIG_HOME, XDG_STATE_HOME": "Where the user's configuration and state lie.",
    "NO_COLOR": "No colours.",
}


def manual(root: click.Group) -> str:
    """The page in roff, with the macros of man(7)."""
    return "\n".join(_page(root)) + "\n"


def _page(root: click.Group) -> Iterator[str]:
    with click.Context(root, info_name="feedbot") as context:
        yield f'.TH FEEDBOT 1 "" "feedbot {__version__}" "User Commands"'
        yield from (".SH NAME", r"feedbot \- reads blogs and feeds, publishes feeds, and announces what is new")
        yield from (".SH SYNOPSIS", r".B feedbot", r"[\fIOPTION\fR]... \fICOMMAND\fR [\fIARGUMENT\fR]...")
        yield ".SH DESCRIPTION"
        yield from _paragraphs(root)
        yield from (".SH OPTIONS", "Every command takes these, before its name or after it.")
        yield from _options(global_options(), context)
        yield ".SH COMMANDS"
        yield from _commands(root, context)
        yield from _list("EXIT STATUS", EXIT_CODES)
        yield from _list("FILES", _FILES)
        yield from _list("ENVIRONMENT", _ENVIRONMENT)


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    """Every command below a group, as deep as they go."""
    shared = {parameter.name for parameter in global_options()}
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        with click.Context(command, info_name=name, parent=context) as below:
            if isinstance(command, click.Group):
                yield from _commands(command, below)
                continue
            pieces = [piece for piece in command.collect_usage_pieces(below) if piece != "[OPTIONS]"]
            own = [parameter for parameter in command.params if parameter.name not in shared]
            options = "[OPTION]..." if any(isinstance(parameter, click.Option) for parameter in own) else ""
            path = below.command_path.removeprefix("feedbot ")
            yield f'.SS "{_escaped(" ".join(filter(None, (path, options, *pieces))))}"'
            yield from _paragraphs(command)
            yield from _options(own, below)


def _paragraphs(command: click.Command) -> Iterator[str]:
    text = inspect.cleandoc(command.help or "").partition("\f")[0].replace("\b\n", "")
    for number, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        if number:
            yield ".PP"
        yield from map(_line, paragraph.splitlines())


def _options(parameters: Iterable[click.Parameter], context: click.Context) -> Iterator[str]:
    for parameter in parameters:
        record = parameter.get_help_record(context)
        if record is not None and isinstance(parameter, click.Option):
            yield from _item(record[0], record[1])


def _list(title: str, items: dict[str, str]) -> Iterator[str]:
    yield f".SH {title}"
    for term, text in items.items():
        yield from _item(term, text)


def _item(term: str, text: str) -> Iterator[str]:
    yield ".TP"
    yield rf"\fB{_escaped(term)}\fR"
    yield _line(" ".join(text.split()) or "–")


def _line(text: str) -> str:
    """A line of text; what begins with a dot or an apostrophe would be a request."""
    line = _escaped(text.strip())
    return rf"\&{line}" if line.startswith((".", "'")) else line


def _escaped(text: str) -> str:
    """Text as roff takes it, whatever encoding it expects."""
    text = text.replace("\\", r"\e").replace("-", r"\-").replace('"', r"\(dq").replace("'", r"\(aq")
    return "".join(letter if letter.isascii() else rf"\[u{ord(letter):04X}]" for letter in text)
