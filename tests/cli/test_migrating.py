"""The commands of docs/migrating.md, run as they are written there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.support.cli import feedbot
from tests.support.web import WebServer

RSS = "<rss version='2.0'><channel><title>t</title><link>http://x.example/</link></channel></rss>"


@pytest.mark.timeout(300)
def test_every_command_shown_works(tmp_path: Path, web: WebServer) -> None:
    blog = web.serve("/blog", RSS)
    (tmp_path / "feedbot.toml").write_text(
        f'[feedbot]\nstate = "s.db"\nallow_private = ["{web.address}"]\n\n'
        '[sinks.team]\ntype = "file"\npath = "team.jsonl"\n'
    )
    feed = web.serve("/feed", RSS)
    files = {
        "feeds.opml": f"<opml><body><outline text='a' xmlUrl='{feed}'/></body></opml>",
        ".config/rss2email.cfg": f"[feed.b]\nurl = {feed}?b\nemail-protocol = maildir\nmaildir-path = Mail\n",
        ".local/share/rss2email.json": '{"version": 2, "feeds": [{"name": "b", "seen": {"x": {}}}]}',
        ".config/feed2exec.ini": f"[c]\nurl = {feed}?c\noutput = null\n",
        ".newsboat/urls": f"{feed}?d tag\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    commands = re.findall("^    feedbot (.*)$", (PROJECT / "docs" / "migrating.md").read_text(), re.MULTILINE)
    assert len(commands) > 12
    for command in commands:
        words = command.replace("~", str(tmp_path)).replace("https://blog.example.org/", blog).split()
        ran = feedbot(*words, cwd=tmp_path)
        assert ran.code == 0, (command, ran)
