"""An installation that is killed, starved and failed on purpose, and what must hold of it afterwards."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from xml.etree import ElementTree

from tests.formats.rules import feedbot_id
from tests.support.cli import First, feedbot
from tests.support.web import Answer, Asked, WebServer

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
    """A blog with two posts, each with an image, and a feed with two items; three sinks, one of them a webhook.

    ``more`` stands at the end of its configuration; ``status`` is what the webhook answers.
    """

    def __init__(self, folder: Path, web: WebServer, more: str = "") -> None:
        self.folder = folder
        self.received: list[str] = []
        self.status = 204
        web.serve("/feed", FEED)
        web.answers["/hook"] = self._receive
        (folder / "feedbot.toml").write_text(CONFIG.format(address=web.address) + more)
        for slug in ("first", "second"):
            post = folder / "blog" / "content" / "posts" / slug
            post.mkdir(parents=True)
            text = f"---\ntitle: {slug}\npublishDate: 2026-11-0{len(slug) - 4}\n---\nText of {slug} ![i](i.png)\n"
            (post / "index.md").write_text(text)
            (post / "i.png").write_bytes(slug.encode())

    def _receive(self, asked: Asked) -> Answer:
        self.received.append(asked.headers["webhook-id"])
        return Answer(self.status)

    def run(self, fault: str = "", first: First | None = None) -> int:
        """Run feedbot to its end; gives its exit code, negative where a signal ended it."""
        return feedbot("run", "-q", cwd=self.folder, env={"FEEDBOT_FAULT": fault}, first=first).code

    def let_back_off_end(self) -> None:
        """As if it had been a while that sources and sinks were left alone."""
        if (self.folder / "feedbot.db").exists():
            self._sql("UPDATE sources SET not_before = NULL")
            self._sql("UPDATE outbox SET not_before = 0 WHERE state = 'pending'")

    def outbox(self, columns: str) -> list[tuple[str, ...]]:
        return self._sql(f"SELECT {columns} FROM outbox")

    @property
    def repeats(self) -> int:
        """How often the webhook was sent what it had been sent before."""
        return len(self.received) - len(set(self.received))

    def check(self) -> None:
        """What holds after every run that was completed."""
        self.check_state()
        assert Counter(state for (state,) in self.outbox("state")) == {"sent": 12}
        keys: dict[str, set[str]] = {sink: set() for sink in ("hook", "log", "mails")}
        for sink, key in self.outbox("sink, key"):
            keys[sink].add(key)
        assert set(self.received) == keys["hook"]
        lines = [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]
        assert {line["key"] for line in lines} == keys["log"]
        assert len(lines) == 4
        assert len(list((self.folder / "mails").iterdir())) == 4
        atom = ElementTree.parse(self.folder / "public" / "all.atom")
        ids = {row[0] for row in self._sql("SELECT id FROM entries")}
        assert {feedbot_id(e.text) for e in atom.iterfind("{*}entry/{*}id")} == ids
        self.check_files_whole()
        assert {path.suffix for path in (self.folder / "public").glob("all.*")} == {".atom", ".rss", ".json"}
        assert len(list((self.folder / "public" / "media").iterdir())) == 2
        assert list(self.folder.rglob(".feedbot-*")) == []

    def check_state(self) -> None:
        assert self._sql("PRAGMA integrity_check") == [("ok",)]

    def check_files_whole(self) -> None:
        """What holds at any moment, also right after a kill."""
        for path in (self.folder / "public").glob("all.*"):
            if path.suffix == ".json":
                json.loads(path.read_text())
            else:
                ElementTree.parse(path)

    def _sql(self, statement: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.folder / "feedbot.db")) as database, database:
            return database.execute(statement).fetchall()
