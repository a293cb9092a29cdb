"""The life of a delivery: its states, and what each outcome of a try leads to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from feedbot.core.calendar import awake
from feedbot.core.schedule import DAY, MAX_REFUSALS, retry_after
from feedbot.errors import DeliveryError
from feedbot.model import ChangeKind
from feedbot.model import DeliveryState as S

MAY_FOLLOW: Mapping[S, frozenset[S]] = {
    S.PENDING: frozenset({S.SENDING, S.HELD, S.DROPPED}),
    S.SENDING: frozenset({S.SENT, S.PENDING, S.HELD, S.DEAD}),
    S.HELD: frozenset({S.PENDING, S.DROPPED}),
    S.DEAD: frozenset({S.PENDING, S.DROPPED}),
    S.SENT: frozenset(),
    S.DROPPED: frozenset(),
}
"""What a delivery of one state may become. ``sending`` turns back to ``pending`` also when its sender died."""

OPEN = (S.PENDING, S.HELD)
"""States of a delivery that is still to carry its entry as it is by then."""

GONE_FIRST = "its entry was withdrawn before it was sent"
"""The error of a delivery that was dropped for that."""

BACK_FIRST = "its entry came back before that was sent"
"""The error of the notice of a withdrawal that was dropped for that."""

UNDONE = "its edit was undone before it was sent"
"""The error of a notice of an update that was dropped for that."""


class Standing(NamedTuple):
    """A delivery as far as planning another of the same entry takes. ``carried``: the revision that it last carried;
    ``base``: the one that an update is shown against; ``partly``: it was not sent, but some recipients have it."""

    pk: int
    sink: str
    change: ChangeKind
    state: S
    attempts: int
    not_before: datetime
    done_at: datetime | None = None
    carried: int | None = None
    base: int | None = None
    partly: bool = False
    gone_first: bool = False
    digest: str = ""
    quiet: str = ""

    @property
    def told(self) -> bool:
        """Whether somebody has it, or is being sent it."""
        return self.partly or self.state in (S.SENT, S.SENDING)

    @property
    def unsent(self) -> bool:
        """Whether nobody has it, and somebody may get it yet."""
        return not self.partly and self.state in (*OPEN, S.DEAD)


class Verdict(NamedTuple):
    """What becomes of a delivery after a try that failed."""

    state: S
    not_before: datetime
    error: str


def verdict(attempts: int, error: DeliveryError, now: datetime, chance: float) -> Verdict:
    """Decide after the n-th failed try: again later, dead, or held where the receiver wants no more of anything.

    A receiver's own wish for a later try is kept to, clamped to a day.
    """
    text = str(error)
    if disables(error):
        return Verdict(S.HELD, now, text)
    if error.permanent or (error.refused and attempts >= MAX_REFUSALS):
        return Verdict(S.DEAD, now, text)
    wait = retry_after(attempts, chance)
    if wait is None:
        return Verdict(S.DEAD, now, text)
    return Verdict(S.PENDING, max(now + wait, _wished(error, now)), text)


def comes_apart(decided: Verdict, error: DeliveryError, number: int) -> bool:
    """Whether a message of so many deliveries is tried in parts, as its receiver may mind but one of them."""
    return decided.state is S.DEAD and error.refused and number > 1


def rests_until(error: DeliveryError, now: datetime) -> datetime:
    """Until when a receiver is to be left alone with other deliveries too, as it has said; a day ahead at most."""
    return _wished(error, now) if error.sink_down else now


def disables(error: DeliveryError) -> bool:
    """Whether the receiver wants no more deliveries, ever: they are held until a person says otherwise."""
    return error.permanent and error.sink_down


def retried(quiet: str, decided: Verdict, zone: tzinfo) -> Verdict:
    """The verdict with its next try outside of the quiet hours."""
    if decided.state is not S.PENDING:
        return decided
    return decided._replace(not_before=awake(quiet, decided.not_before, zone))


def worth_telling(failing_since: datetime | None, told: bool, now: datetime) -> bool:
    """Whether a person should be told that a sink has failed for a day, which is said once."""
    return not told and failing_since is not None and now - failing_since >= DAY


def _wished(error: DeliveryError, now: datetime) -> datetime:
    return now if error.not_before is None else max(now, min(error.not_before, now + DAY))


def lease_until(now: datetime) -> datetime:
    """How long a claimed delivery is its claimer's: longer than any sink's deadline."""
    return now + timedelta(minutes=2)
