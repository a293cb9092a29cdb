"""Killed or failing at any point, a run is completed by the next one: nothing lost, repeats under the same key."""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

import pytest

from feedbot.faults import STAGES
from tests.formats.rules import feedbot_id
from tests.support.web import Answer, Asked, WebServer

_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload(
    [
        "feedbot.app",
        "feedbot.cli.run",
        "feedbot.cli.runreport",
        "feedbot.http.client",
        "feedbot.sources.posts.blog",
        "feedbot.sources.feed.xmlfeed",
        "feedbot.formats.feedtree",
        "feedbot.store.migrate",
        "feedbot.message.mail",
    ]
)

CONFIG = """
[feedbot]
state = "feedbot.db"
output = "public"
base_url = "https://feeds.example/"
allow_private = ["{address}"]

[sources.blog]
type = "posts"
path = "blog"
preset = "keystatic"
site = "https://blog.example"
interval = "0s"
backfill = "all"

[sources.news]
type = "feed"
url = "http://{address}/feed"
interval = "0s"
backfill = "all"

[feeds.all]

[sinks.hook]
type = "webhook"
url = "http://{address}/hook"

[sinks.log]
type = "file"
path = "log.jsonl"

[sinks.mails]
type = "file"
path = "mails/"
"""

FEED = """<rss version="2.0"><channel><title>N</title><link>https://news.example/</link><description>d</description>
<item><guid isPermaLink="false">n1</guid><title>One</title><link>https://news.example/1</link></item>
<item><guid isPermaLink="false">n2</guid><title>Two</title><link>https://news.example/2</link></item>
</channel></rss>"""


class Installation:
    """A blog with two posts, one of them with an image, and a feed with two items; three sinks."""

    def __init__(self, folder: Path, web: WebServer) -> None:
        self.folder = folder
        self.received: list[str] = []
        web.serve("/feed", FEED)
        web.answers["/hook"] = self._receive
        (folder / "feedbot.toml").write_text(CONFIG.format(address=web.address))
        for slug in ("first", "second"):
            post = folder / "blog" / "content" / "posts" / slug
            post.mkdir(parents=True)
            text = f"---\ntitle: {slug}\npublishDate: 2026-11-0{len(slug) - 4}\n---\nText of {slug} ![i](i.png)\n"
            (post / "index.md").write_text(text)
            (post / "i.png").write_bytes(slug.encode())

    def _receive(self, asked: Asked) -> Answer:
        self.received.append(asked.headers["webhook-id"])
        return Answer(204)

    def run(self, fault: str = "") -> int | None:
        """Run feedbot to its end; gives its exit code, negative where a signal ended it."""
        process = _processes.Process(target=_enter, args=(str(self.folder), fault))
        process.start()
        process.join(60)
        assert process.exitcode is not None, "the run did not end"
        return process.exitcode

    def check(self) -> None:
        """What holds after every run that was completed."""
        database = sqlite3.connect(self.folder / "feedbot.db")
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        states = Counter(state for (state,) in database.execute("SELECT state FROM outbox"))
        assert states == {"sent": 12}
        keys: dict[str, set[str]] = {sink: set() for sink in ("hook", "log", "mails")}
        for sink, key in database.execute("SELECT sink, key FROM outbox"):
            keys[sink].add(key)
        ids = {row[0] for row in database.execute("SELECT id FROM entries")}
        database.close()
        assert set(self.received) == keys["hook"]
        lines = [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]
        assert {line["key"] for line in lines} == keys["log"]
        assert len(lines) == 4
        assert len(list((self.folder / "mails").iterdir())) == 4
        atom = ElementTree.parse(self.folder / "public" / "all.atom")
        assert {feedbot_id(e.text) for e in atom.iterfind("{*}entry/{*}id")} == ids
        ElementTree.parse(self.folder / "public" / "all.rss")
        json.loads((self.folder / "public" / "all.json").read_text())
        assert len(list((self.folder / "public" / "media").iterdir())) == 2
        assert list(self.folder.rglob(".feedbot-*")) == []

    def check_files_whole(self) -> None:
        """What holds at any moment, also right after a kill."""
        for path in (self.folder / "public").glob("all.*"):
            if path.suffix == ".json":
                json.loads(path.read_text())
            else:
                ElementTree.parse(path)


def _enter(folder: str, fault: str) -> None:
    os.chdir(folder)
    os.environ.pop("FEEDBOT_FAULT", None)
    if fault:
        os.environ["FEEDBOT_FAULT"] = fault
    from feedbot.cli.entrance import enter

    os._exit(enter(["run", "-q"]))


@pytest.mark.parametrize("stage", STAGES)
def test_a_kill_at_any_point_loses_nothing(stage: str, tmp_path: Path, web: WebServer) -> None:
    reached = 0
    for number in range(1, 40):
        folder = tmp_path / str(number)
        folder.mkdir()
        installation = Installation(folder, web)
        code = installation.run(f"{stage}:{number}:kill")
        installation.check_files_whole()
        if code == 0:
            break
        assert code == -9
        reached += 1
        assert installation.run() == 0
        installation.check()
        repeats = Counter(installation.received)
        assert sum(count - 1 for count in repeats.values()) <= 1
    assert reached, f"{stage} is never reached"
    assert code == 0, "there are more fault points than this test looks at"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("how", ["raise", "enospc"])
def test_a_failure_at_any_point_is_told_and_mended(stage: str, how: str, tmp_path: Path, web: WebServer) -> None:
    installation = Installation(tmp_path, web)
    code = installation.run(f"{stage}:1:{how}")
    assert code in (0, 1, 5)
    for _ in range(3):
        _let_back_off_end(installation.folder)
        assert installation.run() == 0
    installation.check()


def _let_back_off_end(folder: Path) -> None:
    if (folder / "feedbot.db").exists():
        with sqlite3.connect(folder / "feedbot.db") as database:
            database.execute("UPDATE sources SET not_before = NULL")
            database.execute("UPDATE outbox SET not_before = 0 WHERE state = 'pending'")
        database.close()
