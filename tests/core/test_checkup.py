"""What doctor makes of what it finds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from feedbot.core.checkup import (
    CONFIGURATION,
    SINKS,
    SOURCES,
    STATE,
    Finding,
    Verdict,
    clock,
    disk,
    exit_code,
    problem,
    proxies,
    punctual,
    warning,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=100)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("codes", "code"),
    [([], 0), ([SOURCES], 3), ([SOURCES, SINKS], 4), ([SINKS, STATE], 5), ([STATE, CONFIGURATION, SOURCES], 2)],
)
def test_what_must_be_mended_first_names_the_exit_code(codes: list[int], code: int) -> None:
    findings = [Finding("a", "fine"), warning("b", "odd"), *(problem("c", "bad", "mend it", each) for each in codes)]
    assert exit_code(findings) == code


@pytest.mark.parametrize(
    ("ahead", "verdict"),
    [
        ([], Verdict.OK),
        ([timedelta(seconds=2)], Verdict.OK),
        ([5 * MINUTE, 5 * MINUTE], Verdict.WARNING),
        ([-5 * MINUTE], Verdict.WARNING),
        ([timedelta(0), timedelta(seconds=1), timedelta(days=4)], Verdict.OK),  # one server is wrong
        ([timedelta(hours=3)], Verdict.PROBLEM),
    ],
)
def test_the_clock_is_compared_with_what_most_servers_say(ahead: list[timedelta], verdict: Verdict) -> None:
    assert clock(NOW, ahead, LONG_AGO).verdict is verdict


def test_a_clock_that_was_later_already_is_wrong() -> None:
    found = clock(NOW, [], NOW + timedelta(days=3))
    assert found.verdict is Verdict.PROBLEM
    assert "2026-11-24" in found.text


@pytest.mark.parametrize(
    ("free", "used", "verdict"),
    [
        (10**9, 0, Verdict.OK),
        (10**9, 600 * 10**6, Verdict.WARNING),
        (10**8, 0, Verdict.WARNING),
        (10**6, 0, Verdict.PROBLEM),
    ],
)
def test_there_must_be_room_for_the_state_and_a_copy_of_it(free: int, used: int, verdict: Verdict) -> None:
    assert disk("disk", free, used).verdict is verdict


def test_proxies_that_are_not_heeded_are_named_without_their_passwords() -> None:
    found = proxies({"HTTPS_PROXY": "http://me:hush@proxy.example:3128", "http_proxy": "", "PATH": "/bin"})
    assert found is not None
    assert "HTTPS_PROXY" in found.text
    assert "http_proxy" not in found.text
    assert "hush" not in found.text + found.hint
    assert proxies({"NO_PROXY": "*"}) is None


def test_what_was_not_polled_for_long_is_run_by_nothing() -> None:
    half_an_hour = timedelta(minutes=30)
    assert punctual([], half_an_hour, NOW) is None
    fresh = punctual([NOW - timedelta(hours=1), LONG_AGO], half_an_hour, NOW)
    assert fresh is not None
    assert fresh.verdict is Verdict.OK
    stale = punctual([NOW - timedelta(days=2)], half_an_hour, NOW)
    assert stale is not None
    assert stale.verdict is Verdict.WARNING
    assert "feedbot service print" in stale.hint
