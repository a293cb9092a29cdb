"""feedbot metrics, and what a server answers at /metrics and /readyz."""

from __future__ import annotations

import http.client
import os
import re
from pathlib import Path

import pytest

from tests.support.cli import feedbot
from tests.support.daemon import CONFIG, RunningDaemon, daemon, installed


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return installed(tmp_path)


def get(running: RunningDaemon, path: str, token: str = "") -> tuple[int, str]:
    running.until_said("serving http://")
    address = re.findall(r"serving http://(\S+?)/", running.said)[-1].replace("0.0.0.0", "127.0.0.1")
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    return response.status, body


def test_the_metrics_are_printed_or_written_whole_to_a_file(folder: Path) -> None:
    feedbot("run", cwd=folder)
    assert 'feedbot_sources{health="ok"} 1.0' in feedbot("metrics", cwd=folder).out
    assert "feedbot_entries 1.0\n" in feedbot("metrics", "--json", cwd=folder).json["text"]
    target = folder / "feedbot.prom"

    written = feedbot("metrics", "--textfile", target, cwd=folder)

    assert (written.code, written.out, written.err) == (0, "", "")
    assert "feedbot_entries 1.0\n" in target.read_text()
    assert target.stat().st_mode & 0o777 == 0o644  # node_exporter is somebody else
    assert [name for name in os.listdir(folder) if name.endswith(".part")] == []


def test_a_file_that_cannot_be_written_is_told_in_a_sentence(folder: Path) -> None:
    feedbot("run", cwd=folder)
    (folder / "file").touch()
    ran = feedbot("metrics", "--textfile", folder / "file" / "x.prom", cwd=folder)
    assert ran.code == 1
    assert "cannot be written" in ran.err


def test_metrics_take_a_state(folder: Path) -> None:
    assert feedbot("metrics", cwd=folder).code == 5


def test_a_daemon_on_this_machine_alone_counts_what_it_does(folder: Path) -> None:
    with daemon(folder, "--serve", "127.0.0.1:0") as running:
        running.until(lambda: 'feedbot_polls_total{outcome="ok"} 1.0' in get(running, "/metrics")[1])
        status, text = get(running, "/metrics")
        assert status == 200
        assert "process_resident_memory_bytes" in text
        assert get(running, "/healthz") == (200, "ok\n")
        assert get(running, "/readyz") == (200, "ok\n")


def test_metrics_are_not_for_everybody(folder: Path) -> None:
    (folder / "feedbot.toml").write_text(CONFIG.replace("[feedbot]", '[feedbot]\ntoken = "open sesame"'))
    with daemon(folder, "--serve", "0.0.0.0:0") as running:
        assert get(running, "/metrics")[0] == 404
        running.until(lambda: (folder / "public" / "all.atom").exists() and get(running, "/readyz")[0] == 200)
        (folder / "public").rename(folder / "away")
        assert get(running, "/readyz") == (503, "not well\n")
    asked = CONFIG.replace("[feedbot]", '[feedbot]\nmetrics = true\ntoken = "open sesame"')
    (folder / "feedbot.toml").write_text(asked)
    with daemon(folder, "--serve", "0.0.0.0:0") as running:
        assert get(running, "/metrics")[0] == 401
        assert get(running, "/metrics", "wrong")[0] == 401
        assert get(running, "/metrics", "open sesame")[0] == 200
        assert get(running, "/metrics?token=open%20sesame")[0] == 200


def test_metrics_can_be_switched_off(folder: Path) -> None:
    (folder / "feedbot.toml").write_text(CONFIG.replace("[feedbot]", "[feedbot]\nmetrics = false"))
    with daemon(folder, "--serve", "127.0.0.1:0") as running:
        assert get(running, "/metrics")[0] == 404
