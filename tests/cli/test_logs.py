"""The log: a line a run, transitions, three formats, and no secret in any of them."""

from __future__ import annotations

import json
import logging
import re
import sys
from pathlib import Path

import pytest

from feedbot.cli.logs import formatter
from tests.support.build import rss
from tests.support.cli import feedbot, started
from tests.support.daemon import CONFIG, daemon, installed

WITH_BAD = CONFIG + '[sources.bad]\ntype = "feed"\npath = "missing.xml"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return installed(tmp_path, WITH_BAD)


def lines(folder: Path, *options: str) -> list[str]:
    return feedbot("run", "--force", *options, cwd=folder).err.splitlines()


def test_a_run_is_one_line_beside_what_changed(folder: Path) -> None:
    failing, line = lines(folder, "-v")
    assert failing.startswith("INFO source bad: ")
    assert re.fullmatch(r"INFO run [0-9a-f]{4}: 2 sources \(1 failed\) · 1 new · 0 sent · 0 queued · \d+\.\d s", line)
    assert len(lines(folder, "-v")) == 1  # it fails as before
    (folder / "missing.xml").write_text(rss("late"))
    well, _ = lines(folder, "-v")
    assert well == "INFO source bad: it is well again"


def test_without_being_asked_a_run_logs_nothing(folder: Path) -> None:
    assert lines(folder) == []


def test_who_asks_for_everything_is_told_of_each_part(folder: Path) -> None:
    said = "\n".join(lines(folder, "-vv"))
    assert "DEBUG source blog: ok in " in said
    assert "DEBUG feed all: 1 entry, wrote all.atom" in said
    assert "DEBUG sink log: 0 sent, 0 failed, 0 waiting" in said


def test_json_lines_name_the_run_and_the_part(folder: Path) -> None:
    told = [json.loads(line) for line in lines(folder, "-vv", "--log-format", "json")]
    assert {"source": "blog"}.items() <= next(line for line in told if "source blog: ok" in line["message"]).items()
    assert {"sink": "log", "level": "debug"}.items() <= next(line for line in told if "sink" in line).items()
    assert next(line for line in told if "feed" in line)["feed"] == "all"
    assert len({line["run"] for line in told}) == 1
    assert all(re.match(r"\d{4}-\d\d-\d\dT", line["time"]) for line in told)


def test_who_reads_json_is_told_warnings_and_errors_as_json_too(folder: Path) -> None:
    (folder / "feedbot.toml").write_text(
        WITH_BAD + '[sources.open]\ntype = "feed"\nurl = "https://example.org/"\nverify_tls = false\npaused = true\n'
    )
    (warning,) = map(json.loads, lines(folder, "--log-format", "json"))
    (folder / "feedbot.toml").write_text(WITH_BAD + "nonsense = 1\n")
    (error,) = map(json.loads, lines(folder, "--log-format", "json"))

    assert (warning["level"], "does not verify TLS" in warning["message"]) == ("warning", True)
    assert (error["level"], 'unknown key "nonsense"' in error["message"]) == ("error", True)
    assert lines(folder, "--log-format", "journal")[0].startswith("<3>1 problem in ")


def test_the_journal_is_given_priorities(folder: Path) -> None:
    assert [line[:3] for line in lines(folder, "-v", "--log-format", "journal")] == ["<6>", "<6>"]


@pytest.mark.parametrize("is_journal", [True, False])
def test_the_journal_is_recognised_by_its_file(folder: Path, is_journal: bool) -> None:
    err = folder / "err"
    err.touch()
    status = err.stat()
    environment = {"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino + (not is_journal)}"}
    process = started("run", "-v", cwd=folder, env=environment, out=folder / "out", err=err)
    process.join(60)
    assert ("\n<6>run " in err.read_text()) is is_journal


def test_a_daemon_tells_the_time_and_repeats_nothing(folder: Path) -> None:
    (folder / "feedbot.toml").write_text(WITH_BAD.replace("missing.xml", 'missing.xml"\ninterval = "1s'))
    with daemon(folder) as running:
        running.until_said("source bad: ")
        (folder / "blog.xml").write_text(rss("two", "one"))
        running.until_said("sink log: 1 sent")
        running.end()
        assert running.said.count("source bad: ") == 1
        assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [A-Z]+ ", line) for line in running.said.splitlines())


def record(text: str, *, fails: bool = False) -> logging.LogRecord:
    try:
        raise ValueError("with hunter22 in it")
    except ValueError:
        caught = sys.exc_info() if fails else None
    return logging.LogRecord("feedbot", logging.WARNING, "x.py", 1, text, (), caught)


@pytest.mark.parametrize("log_format", ["text", "json", "journal"])
def test_no_format_tells_a_secret_or_breaks_its_lines(log_format: str) -> None:
    made = formatter(log_format, "7f3a", lambda text: text.replace("hunter22", "***"))
    for fails in (False, True):
        line = made.format(record("the password is hunter22\nand more", fails=fails))
        assert "hunter22" not in line
        assert "***" in line
        if log_format == "json":
            assert "\n" not in line
            assert ("ValueError" in json.loads(line).get("exception", "")) is fails
        if log_format == "journal":
            assert all(part.startswith("<4>") for part in line.split("\n"))
