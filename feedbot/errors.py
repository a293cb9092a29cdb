"""The errors that feedbot raises for a person to read.

Each says what is wrong, what to do about it (``hint``) and, where it matters, what is to happen next.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class FeedbotError(Exception):
    """Base of all: ``message`` for a person, ``hint`` for what to do about it."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class ConfigProblem(Struct, frozen=True):
    """One thing wrong with the configuration: where it stands and what would be right."""

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f"; {self.hint}" if self.hint else ""
        return f"{self.where}: {self.message}{hint}"


class ConfigError(FeedbotError):
    """The configuration cannot be used; ``problems`` lists everything that is wrong with it."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "", problems: tuple[ConfigProblem, ...] = ()) -> None:
        super().__init__(message, hint)
        self.problems = problems


class UsageError(FeedbotError):
    """The command was called with something that does not exist or does not fit."""

    exit_code = 2


class SourceError(FeedbotError):
    """A source could not be read; it is polled again later and nothing of it is changed.

    ``not_before`` is the earliest moment at which the other side wants to be asked again. ``status`` is that of its
    HTTP answer, 0 where there was none.
    """

    status = 0

    def __init__(self, message: str, hint: str = "", *, not_before: datetime | None = None, gone: bool = False) -> None:
        super().__init__(message, hint)
        self.not_before = not_before
        self.gone = gone


class DeliveryError(FeedbotError):
    """A delivery did not reach its receiver.

    ``permanent``: trying again is of no use. ``refused``: the receiver said no to this message (a
    few more tries, then dead). ``sink_down``: the receiver as a whole could not be reached, so that
    other deliveries would fare no better now. ``delivered``: recipients that did get it.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        permanent: bool = False,
        refused: bool = False,
        sink_down: bool = False,
        not_before: datetime | None = None,
        delivered: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(message, hint)
        self.permanent = permanent
        self.refused = refused
        self.sink_down = sink_down
        self.not_before = not_before
        self.delivered = delivered


class StateError(FeedbotError):
    """The state store cannot be used: nothing is announced, and no new one takes its place."""

    exit_code = 5


class LockedError(FeedbotError):
    """Another run works on the same state."""

    exit_code = 6


class LeaseLostError(FeedbotError):
    """Another process polls this source by now; what was found here is dropped."""
