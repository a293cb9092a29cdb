"""What feedbot doctor makes of what it finds: sound, to be looked at, or in the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from feedbot.core.dates import in_words
from feedbot.core.units import format_duration

CONFIGURATION, SOURCES, SINKS, STATE = 2, 3, 4, 5
"""The exit codes of a problem, by what it stands in the way of; where there are several, what must be mended first."""

_FIRST_MENDED = (CONFIGURATION, STATE, SINKS, SOURCES)
_MEGABYTE = 1_000_000
_PROXIES = ("http_proxy", "https_proxy", "all_proxy")
_A_LITTLE = timedelta(minutes=1)
_FAR_OFF = timedelta(hours=1)


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(Struct, frozen=True):
    """One thing that was looked at. ``hint`` says what to do; ``code`` is the exit code of a problem."""

    topic: str
    text: str
    verdict: Verdict = Verdict.OK
    hint: str = ""
    code: int = 0


def warning(topic: str, text: str, hint: str = "") -> Finding:
    return Finding(topic, text, Verdict.WARNING, hint)


def problem(topic: str, text: str, hint: str, code: int) -> Finding:
    return Finding(topic, text, Verdict.PROBLEM, hint, code)


def exit_code(findings: Iterable[Finding]) -> int:
    """That of the problem which stands in the way of most; 0 where there is none."""
    codes = {finding.code for finding in findings if finding.verdict is Verdict.PROBLEM}
    return next((code for code in _FIRST_MENDED if code in codes), max(codes, default=0))


def disk(topic: str, free: int, used: int = 0) -> Finding:
    """Whether there is room for what is written; sizes in bytes. A migration copies the state that is ``used``."""
    text = f"{free // _MEGABYTE} MB are free"
    if free < 20 * _MEGABYTE:
        return problem(topic, text, "make room: nothing can be stored soon", STATE)
    if free < max(200 * _MEGABYTE, 2 * used):
        return warning(topic, text, "make room for the state, a backup of it, and the feeds")
    return Finding(topic, text)


def clock(now: datetime, ahead: Sequence[timedelta], earliest: datetime) -> Finding:
    """Whether the clock can be right: by how much it is ``ahead`` of servers, and what must lie behind it."""
    if now < earliest - _A_LITTLE:
        text = f"{now:%Y-%m-%d %H:%M} UTC lies before what was done here already ({earliest:%Y-%m-%d %H:%M})"
        return problem("clock", text, "set the clock: timedatectl set-ntp true", SOURCES)
    if not ahead:
        return Finding("clock", f"{now:%Y-%m-%d %H:%M} UTC; no server was there to compare it with")
    off = sorted(ahead)[len(ahead) // 2]
    if abs(off) < _A_LITTLE:
        return Finding("clock", f"{now:%Y-%m-%d %H:%M} UTC, as {'a server says' if len(ahead) == 1 else 'servers say'}")
    span = in_words(now + abs(off), now).removeprefix("in ")
    text = f"it is {span} {'ahead of' if off > timedelta() else 'behind'} what servers say"
    hint = "set the clock: timedatectl set-ntp true"
    return warning("clock", text, hint) if abs(off) < _FAR_OFF else problem("clock", text, hint, SOURCES)


def proxies(environment: Mapping[str, str]) -> Finding | None:
    """Proxies that are set and not asked; None where none is."""
    names = [name for name in environment if name.lower() in _PROXIES and environment[name]]
    if not names:
        return None
    text = f"{', '.join(sorted(names))} set in the environment: feedbot asks servers directly"
    return warning("proxy", text, "open the way to the hosts below, or leave it at that where they can be reached")


def punctual(last_polls: Sequence[datetime], interval: timedelta, now: datetime) -> Finding | None:
    """Whether anything has feedbot run by itself, told by when sources were polled; None before the first time."""
    if not last_polls:
        return None
    last = max(last_polls)
    if now - last <= 3 * interval + timedelta(hours=1):
        return Finding("schedule", f"polled {in_words(last, now)}")
    return warning(
        "schedule",
        f"nothing was polled since {in_words(last, now).removesuffix(' ago')}, though sources are due each"
        f" {format_duration(interval)}",
        "have it run: feedbot service print systemd, timer or cron",
    )
