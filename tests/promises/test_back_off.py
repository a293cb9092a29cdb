"""How a source that fails is left alone: longer and longer, over restarts, and never for ever (P14)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from time import sleep

import pytest

from feedbot.engine.report import SourceStatus
from feedbot.store.store import Store
from tests.promises.company import Company, asked_of, assert_unharmed, feed, ok, rss
from tests.support.cli import feedbot
from tests.support.web import Answer, Asked, WebServer

HALF_HOUR = timedelta(minutes=30)


def private(web: WebServer, name: str, more: str = "") -> str:
    return feed(name, web.url(f"/{name}"), f'interval = "30m"\nallow_private = ["{web.address}"]\n{more}')


@pytest.fixture
def company(tmp_path: Path, web: WebServer) -> Company:
    return Company(tmp_path / "with", web, private(web, "bad"))


def due(company: Company) -> datetime:
    """Before when the bad source is left alone."""
    store = Store.open_to_read(company.folder / "feedbot.db")
    try:
        moment = store.sources.states()["bad"].not_before
    finally:
        store.close()
    assert moment is not None
    return moment


def test_waits_double_up_to_a_day_with_jitter_and_have_no_end(company: Company) -> None:
    company.web.answers["/bad"] = Answer(500)
    assert_unharmed(company, company.run())
    waits: list[float] = []
    for number in range(12):
        waits.append((due(company) - company.now) / HALF_HOUR)
        company.now = due(company) - timedelta(seconds=1)
        assert company.run("bad").sources["bad"].status is SourceStatus.SKIPPED
        assert company.run("bad", seconds=2).sources["bad"].status is SourceStatus.FAILED
        assert len(asked_of(company.web, "/bad")) == number + 2
    for wait, meant in zip(waits, [1, 2, 4, 8, 16, 32, *[48] * 6], strict=True):
        assert meant <= wait <= meant * 1.11, waits
    assert len(set(waits[-6:])) == 6


def test_a_source_that_failed_for_months_is_still_asked_shown_and_told_of_once(company: Company) -> None:
    company.web.answers["/bad"] = Answer(500)
    reports = [company.run("bad", days=9).sources["bad"] for _ in range(14)]
    assert all(report.status is SourceStatus.FAILED for report in reports)
    assert len(asked_of(company.web, "/bad")) == 14
    assert sum(bool(report.alert) for report in reports) == 1
    state = feedbot("status", "--json", cwd=company.folder).json["sources"]["bad"]
    assert (state["state"], state["failures"]) == ("failing", 14)
    assert "500" in state["error"]
    company.web.answers["/bad"] = ok(rss("bad"))
    assert company.run("bad", days=2).sources["bad"].alert == "it is well again"


def test_sources_that_fail_together_are_not_asked_together_again(company: Company) -> None:
    company.bad = "".join(private(company.web, f"bad-{number}") for number in range(20))
    company.run()
    states = feedbot("status", "--json", cwd=company.folder).json["sources"]
    assert len({state["next_poll"] for name, state in states.items() if name.startswith("bad")}) > 15


def test_what_is_gone_is_asked_once_a_week_and_said_to_be(company: Company) -> None:
    company.web.answers["/bad"] = Answer(410)
    first = company.run()
    assert_unharmed(company, first)
    assert "gone for good" in str(first.sources["bad"].error)
    for week in range(1, 4):
        assert company.run("bad", days=6).sources["bad"].status is SourceStatus.SKIPPED
        assert company.run("bad", days=1, hours=1).sources["bad"].status is SourceStatus.FAILED
        assert len(asked_of(company.web, "/bad")) == week + 1
    state = feedbot("status", "--json", cwd=company.folder).json["sources"]["bad"]
    assert state["state"] == "gone"
    assert "410" in state["error"]


def test_a_host_is_asked_twice_at_once_and_no_more(tmp_path: Path, web: WebServer) -> None:
    at_once: list[int] = []
    inside = 0
    lock = Lock()

    def slow(_: Asked) -> Answer:
        nonlocal inside
        with lock:
            inside += 1
            at_once.append(inside)
        sleep(0.05)
        with lock:
            inside -= 1
        return ok(rss("x"))

    tables = "".join(private(web, f"f{number}") for number in range(12))
    web.answers.update({f"/f{number}": slow for number in range(12)})
    (tmp_path / "feedbot.toml").write_text('[feedbot]\nstate = "s.db"\n' + tables)
    assert feedbot("run", "-q", "--strict", cwd=tmp_path).code == 0
    assert len(at_once) == 12
    assert max(at_once) == 2
