"""Runs a command and turns whatever ends it into a sentence and an exit code."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

import click

from feedbot.cli.commands import feedbot
from feedbot.cli.context import Context
from feedbot.cli.output import OutputError, abandon
from feedbot.errors import FeedbotError


class Stopped(BaseException):
    """A signal asked the program to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def enter(arguments: Sequence[str]) -> int:
    """Run feedbot with these arguments; gives the exit code. Nothing is raised, and no traceback shown."""
    context = Context()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        return _outcome(context, arguments)
    except OutputError as error:
        abandon()
        if error.nobody_reads:  # whoever read the output has enough
            return 128 + signal.SIGPIPE
        context.fail(error)
        return 1


def _outcome(context: Context, arguments: Sequence[str]) -> int:
    try:
        code = feedbot.main(list(arguments), prog_name="feedbot", standalone_mode=False, obj=context)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except Stopped as stop:
        _leave(128 + stop.number)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.ClickException as error:
        error.show()
        if context.json or "--json" in arguments:  # it may stand behind what could not be understood
            context.answer({"error": error.format_message(), "hint": "", "problems": []})
        return 2
    except click.Abort:
        _leave(128 + signal.SIGINT)
    except OutputError:
        raise
    except FeedbotError as error:
        context.fail(error)
        return error.exit_code
    except OSError as error:
        context.fail(FeedbotError(f"{_place(error)}: {error.strerror or error}"))
        return 1
    except Exception as error:
        context.log_fault(error)
        context.fail(
            FeedbotError(
                f"feedbot met a fault of its own: {type(error).__name__}: {error}", "-vv tells more; please report it"
            )
        )
        return 1


def _place(error: OSError) -> str:
    """What an error of the system is about: the folder, where it is a temporary file that nobody knows of."""
    place = str(error.filename or "feedbot")
    folder, _, name = place.rpartition("/")
    return f"nothing can be written to {folder}" if name.startswith(".feedbot-") else place


def _stop(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)


def _leave(code: int) -> NoReturn:
    """End at once, without waiting for threads that still read or send: the next run completes their work."""
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
