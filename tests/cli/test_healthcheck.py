"""feedbot healthcheck: what it asks, and the code it leaves with."""

from __future__ import annotations

import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedbot.store.store import Store
from tests.support.cli import feedbot
from tests.support.daemon import CONFIG, daemon, installed
from tests.support.web import Answer, WebServer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return installed(tmp_path)


def beat(folder: Path, ago: timedelta) -> None:
    store = Store.open(folder / "feedbot.db")
    store.beat(datetime.now(UTC) - ago)
    store.close()


def test_a_daemon_at_work_is_well(folder: Path) -> None:
    with daemon(folder) as running:
        running.until_said("started")
        running.until(lambda: feedbot("healthcheck", cwd=folder).code == 0)
    (folder / "feedbot.toml").write_text(CONFIG)
    assert feedbot("healthcheck", cwd=folder).out == "well\n"  # for three minutes more


def test_a_run_counts_as_work_for_as_long_as_asked(folder: Path) -> None:
    feedbot("run", cwd=folder)
    assert feedbot("healthcheck", "--within", "1h", cwd=folder).code == 0
    beat(folder, timedelta(minutes=30))
    assert feedbot("healthcheck", "--within", "1h", cwd=folder).code == 0
    late = feedbot("healthcheck", cwd=folder)
    assert (late.code, late.out, late.err) == (1, "", "feedbot was last at work 30 min ago\n")
    assert feedbot("healthcheck", "--json", cwd=folder).json["well"] is False


def test_a_state_that_cannot_be_used_is_no_health(folder: Path) -> None:
    assert feedbot("healthcheck", cwd=folder).code == 5
    (folder / "feedbot.db").write_text("no database " * 1000)
    assert feedbot("healthcheck", cwd=folder).code == 5


def test_a_server_is_asked_without_a_configuration(tmp_path: Path, web: WebServer) -> None:
    web.answers["/readyz"] = lambda _asked: Answer(200, b"ok\n")
    assert feedbot("healthcheck", "--url", web.url("/"), cwd=tmp_path).code == 0
    web.answers["/readyz?token=hunter22"] = lambda _asked: Answer(503, b"ticker: it stands still\n")
    ran = feedbot("healthcheck", "--url", web.url("/readyz?token=hunter22"), cwd=tmp_path)
    assert ran.code == 1
    assert ran.err == f"{web.url('/readyz')} answers 503: ticker: it stands still\n"


def test_a_server_that_does_not_answer_is_not_well(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # which never accepts
        port = silent.getsockname()[1]
        ran = feedbot("healthcheck", "--url", f"http://127.0.0.1:{port}", "--timeout", "0.3", cwd=tmp_path)
        assert ran.code == 1
        assert "does not answer: timed out" in ran.err
    ran = feedbot("healthcheck", "--url", f"http://127.0.0.1:{port}", cwd=tmp_path)
    assert ran.code == 1
    assert "Connection refused" in ran.err


@pytest.mark.parametrize(
    "options",
    [
        ["--url", "127.0.0.1"],
        ["--url", "http://[::1"],
        ["--url", "http://a:b/"],
        ["--within", "soon"],
        ["--url", "x y"],
    ],
)
def test_what_cannot_be_understood_is_a_matter_of_usage(tmp_path: Path, options: list[str]) -> None:
    assert feedbot("healthcheck", *options, cwd=tmp_path).code == 2


def test_asking_a_server_imports_little(tmp_path: Path) -> None:
    asking = (
        "import sys; from feedbot.cli.entrance import enter; enter(['healthcheck', '--url', 'http://127.0.0.1:9/']);"
    )
    heavy = "print(sorted({'pydantic', 'sqlalchemy', 'requests', 'jinja2', 'rich', 'starlette'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", asking + heavy], cwd=tmp_path, capture_output=True, text=True)
    assert ran.stdout == "[]\n"
