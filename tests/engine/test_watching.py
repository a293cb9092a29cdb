"""Watched folders: every change is told, soon, and nothing else."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import pytest

from feedbot.engine import watching
from feedbot.engine.watching import Watcher


class Heard:
    """What a watcher told, of which the first is that it began."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def __call__(self, names: Collection[str]) -> None:
        self.names.extend(sorted(names))

    def until(self, condition: Callable[[], bool], seconds: float = 10) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, self.names
            time.sleep(0.02)

    def more_after(self, change: Callable[[], object], name: str = "blog") -> None:
        time.sleep(0.3)  # for what is still on its way
        before = len(self.names)
        change()
        self.until(lambda: name in self.names[before:])


def refused(_folders: Sequence[Path], _stop: threading.Event) -> Iterator[Collection[tuple[object, str]]]:
    raise OSError(28, "No space left on device")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture(params=["system", "itself"])
def watcher(request: pytest.FixtureRequest, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watcher]:
    """One that is told by the system, and one that must look itself."""
    monkeypatch.setattr(watching, "LOOK", 0.1)
    watcher = Watcher(heard) if request.param == "system" else Watcher(heard, refused)
    yield watcher
    watcher.close()


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    (tmp_path / "blog" / "deep").mkdir(parents=True)
    return tmp_path / "blog"


def test_what_is_written_renamed_and_removed_is_told(watcher: Watcher, heard: Heard, blog: Path) -> None:
    watcher.watch({"blog": [blog], "other": [blog.parent]})
    heard.until(lambda: "blog" in heard.names)

    heard.more_after(lambda: (blog / "a.md").write_text("a"))
    heard.more_after(lambda: (blog / "a.md").rename(blog / "deep" / "b.md"))
    heard.more_after(lambda: (blog / "deep" / "b.md").unlink())
    heard.more_after(lambda: (blog.parent / "beside.md").write_text("x"), "other")


def test_hidden_folders_and_what_feedbot_writes_itself_are_no_news(watcher: Watcher, heard: Heard, blog: Path) -> None:
    (blog / ".git").mkdir()
    watcher.watch({"blog": [blog]}, [blog / "feedbot.db", blog / "public"])
    heard.until(lambda: heard.names == ["blog"])
    time.sleep(0.3)

    (blog / ".git" / "index").write_text("x")
    (blog / "feedbot.db").write_text("x")
    time.sleep(0.5)

    assert heard.names == ["blog"]
    heard.more_after(lambda: (blog / "feedbot.db.md").write_text("a post"))


def test_a_folder_that_vanishes_and_comes_back_is_watched_again(watcher: Watcher, heard: Heard, blog: Path) -> None:
    watcher.watch({"blog": [blog]})
    heard.until(lambda: "blog" in heard.names)
    away = blog.with_name("away")

    heard.more_after(lambda: blog.rename(away))
    heard.more_after(lambda: away.rename(blog))
    heard.more_after(lambda: (blog / "deep" / "c.md").write_text("c"))


def test_a_folder_that_is_not_there_yet_is_watched_once_it_is(watcher: Watcher, heard: Heard, tmp_path: Path) -> None:
    watcher.watch({"blog": [tmp_path / "later"]})
    heard.until(lambda: "blog" in heard.names)

    heard.more_after(lambda: (tmp_path / "later").mkdir())
    heard.more_after(lambda: (tmp_path / "later" / "a.md").write_text("a"))


def test_a_link_to_a_folder_and_a_file_are_watched(watcher: Watcher, heard: Heard, blog: Path) -> None:
    link, file = blog.with_name("link"), blog.with_name("posts.json")
    link.symlink_to(blog)
    file.write_text("[]")
    watcher.watch({"link": [link], "file": [file]})
    heard.until(lambda: {"link", "file"} <= set(heard.names))

    heard.more_after(lambda: (blog / "a.md").write_text("a"), "link")
    other = blog.with_name("posts.json.new")
    other.write_text("[1]")
    heard.more_after(lambda: os.replace(other, file), "file")
    heard.more_after(lambda: file.write_text("[2, 3]"), "file")


def test_that_the_system_does_not_watch_is_told_once(
    heard: Heard, blog: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watcher = Watcher(heard, refused)
    with caplog.at_level(logging.WARNING):
        watcher.watch({"blog": [blog]})
        heard.until(lambda: heard.names == ["blog"])
        watcher.watch({"blog": [blog], "more": [blog.parent]})
        heard.until(lambda: "more" in heard.names)
        time.sleep(0.1)
        watcher.close()

    assert caplog.text.count("folders cannot be watched (No space left on device)") == 1


def test_nothing_to_watch_takes_no_thread(heard: Heard) -> None:
    before = threading.active_count()
    Watcher(heard).watch({"blog": []})
    assert (threading.active_count(), heard.names) == (before, [])
