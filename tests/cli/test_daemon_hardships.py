"""feedbot daemon when it is killed, starved of disk, robbed of its state, or watches a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support.build import rss
from tests.support.cli import feedbot, limited
from tests.support.daemon import CONFIG as PLAIN
from tests.support.daemon import daemon, installed

CONFIG = PLAIN.replace('interval = "1s"', 'interval = "1s"\nbackfill = "all"')
WATCHING = CONFIG.replace(
    'type = "feed"\npath = "blog.xml"\ninterval = "1s"\nbackfill = "all"',
    'type = "posts"\npath = "."\nfiles = ["*.md"]\ninterval = "1d"\nwatch = true\nsettle = "3s"',
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return installed(tmp_path, CONFIG)


def announced(folder: Path) -> list[str]:
    """The titles that were announced, in their order; a last line that is only begun is none."""
    log = folder / "log.jsonl"
    lines = log.read_text().splitlines(keepends=True) if log.exists() else []
    return [json.loads(line)["data"]["title"] for line in lines if line.endswith("\n")]


def test_killed_at_any_time_it_goes_on_where_it_was(folder: Path) -> None:
    names: list[str] = []
    for pause in (0.0, 0.05, 0.2):
        with daemon(folder) as running:
            running.until_said("started")
            names.insert(0, f"entry {len(names)}")
            (folder / "blog.xml").write_text(rss(*names))
            running.until(lambda: (folder / "feedbot.db").exists())
            time.sleep(pause)
            assert running.end(signal.SIGKILL) == -signal.SIGKILL
    assert feedbot("run", "-q", "--force", cwd=folder).code == 0

    assert sorted(set(announced(folder))) == sorted(names)
    assert len(announced(folder)) <= len(names) + 1  # what was in flight may come twice
    assert feedbot("state", "check", cwd=folder).code == 0
    published = (folder / "public" / "all.atom").read_text()
    assert all(name in published for name in names)


def test_a_full_disk_loses_nothing(folder: Path) -> None:
    assert feedbot("run", "-q", cwd=folder).code == 0
    room = (folder / "feedbot.db").stat().st_size + 60_000  # no file may grow beyond, as if the disk was full
    with daemon(folder) as running:
        running.until_said("started")
        set_room(running.pid, room)
        (folder / "blog.xml").write_text(rss(*(f"{number} {'x' * 4000}" for number in range(20)), "one"))
        running.until_said("make room on the disk")
        assert announced(folder) == ["one"]

        set_room(running.pid, 1 << 40)
        running.until(lambda: len(announced(folder)) == 21, 30)
        running.until_said("it is well again")
        assert running.end() == 128 + signal.SIGTERM
    assert feedbot("state", "check", cwd=folder).code == 0


def set_room(process: int, most: int) -> None:
    """Limit how large a file a process may write."""
    command = ["prlimit", f"--pid={process}", f"--fsize={most}:"]
    subprocess.run(command, check=True)


def test_a_disk_that_is_full_from_the_start_is_told(folder: Path) -> None:
    done = feedbot("daemon", cwd=folder, first=limited(8192))
    assert (done.code, "make room on the disk" in done.err) == (5, True), done.err
    assert not (folder / "feedbot.db").exists()


def test_it_does_not_go_on_with_a_state_that_is_not_there_any_more(folder: Path) -> None:
    with daemon(folder) as running:
        running.until(lambda: announced(folder) == ["one"])
        (folder / "feedbot.db").rename(folder / "moved.db")

        assert running.ended() == 5
        assert "was removed or replaced while feedbot works on it" in running.said


def test_a_bad_configuration_is_told_with_its_place_and_the_former_one_goes_on(folder: Path) -> None:
    with daemon(folder) as running:
        running.until_said("started")
        (folder / "feedbot.toml").write_text(CONFIG + "nonsense = 1\n")
        running.until_said(f"feedbot.toml:{len(CONFIG.splitlines()) + 1}: unknown key")
        (folder / "feedbot.toml").unlink()
        running.tell(signal.SIGHUP)
        running.until(lambda: running.said.count("the former one goes on") == 2)

        (folder / "blog.xml").write_text(rss("two", "one"))
        running.until(lambda: announced(folder) == ["one", "two"])
        assert running.end() == 128 + signal.SIGTERM


def test_a_watched_folder_is_read_within_two_seconds_of_a_change(folder: Path) -> None:
    (folder / "feedbot.toml").write_text(WATCHING)
    (folder / "first.md").write_text("---\ntitle: First\n---\n")
    with daemon(folder) as running:
        running.until(lambda: (folder / "public" / "all.atom").exists())

        (folder / ".post.md.swp").write_text("an editor's own")
        draft = folder / "post.md~"
        draft.write_text("---\ntitle: Half\n---\n")
        draft.rename(folder / "post.md")
        running.until(lambda: "Half" in (folder / "public" / "all.atom").read_text(), 15)
        (folder / "post.md").write_text("---\ntitle: Whole\n---\nText.\n")
        running.until(lambda: "Whole" in (folder / "public" / "all.atom").read_text(), 15)

        running.until(lambda: announced(folder) != [], 15)
        assert announced(folder) == ["Whole"]
        assert running.end() == 128 + signal.SIGTERM


def test_what_feedbot_writes_into_a_watched_folder_does_not_wake_it(folder: Path) -> None:
    (folder / "feedbot.toml").write_text(WATCHING)
    (folder / "post.md").write_text("---\ntitle: Post\n---\nText.\n")
    with daemon(folder) as running:
        running.until(lambda: (folder / "public" / "all.atom").exists())
        time.sleep(2.5)
        before = polled(folder)
        time.sleep(2.5)
        assert polled(folder) == before
        assert running.end() == 128 + signal.SIGTERM


def polled(folder: Path) -> str:
    return str(feedbot("status", "--json", cwd=folder).json["sources"]["blog"]["last_poll"])


def test_watching_a_repository_elsewhere_is_refused(folder: Path) -> None:
    text = WATCHING.replace('path = "."', 'git = "https://example.org/blog.git"')
    (folder / "feedbot.toml").write_text(text)
    refused = feedbot("check", cwd=folder)
    assert (refused.code, "a repository elsewhere cannot" in refused.err + refused.out) == (2, True)


def test_a_pipe_in_place_of_the_configuration_is_told_and_waited_for_by_nobody(folder: Path) -> None:
    with daemon(folder) as running:
        running.until_said("started")
        (folder / "feedbot.toml").unlink()
        os.mkfifo(folder / "feedbot.toml")
        running.until_said("is a pipe, which nobody may ever write to")
        assert running.end() == 128 + signal.SIGTERM
    assert feedbot("check", cwd=folder).code == 2
