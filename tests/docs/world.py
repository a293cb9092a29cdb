"""A folder in which the commands of the documentation find what they speak of."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.cli import Ran, feedbot
from tests.support.git import Blog
from tests.support.smtp import SmtpServer, smtp_server
from tests.support.web import Answer, WebServer, web_server

_CONFIG = """
[feedbot]
state = "feedbot.db"
output = "public"
base_url = "https://blog.example.org/feeds/"

[sources.blog]
type = "posts"
path = "../my-blog"
preset = "keystatic"
site = "https://blog.example.org"
interval = "0s"
backfill = "all"

[sources.planet]
type = "feed"
url = "https://planet.example.org/feed.xml"
interval = "0s"

[feeds.all]
split = ["tag"]

[sinks.readers]
type = "email"
transport = "maildir"
path = "Mail"
from = "news@example.org"
to = ["ada@example.org"]

[sinks.team]
type = "webhook"
url = "https://hooks.example.org/feedbot"
"""

_FEED = """<rss version="2.0"><channel><title>{host}</title><link>https://{host}.example.org/</link>
<description>All of it</description><item><title>A comet</title><guid>comet of {host}</guid>
<link>https://{host}.example.org/comet</link><pubDate>Sat, 21 Nov 2026 08:00:00 GMT</pubDate></item></channel></rss>"""

_PAGE = '<html><head><link rel="alternate" type="application/rss+xml" href="feed.xml"></head><body>Hello</body></html>'

_OPML = """<opml version="2.0"><head><title>Feeds</title></head><body>
<outline type="rss" text="Chess" xmlUrl="https://chess.example.org/feed.xml"/></body></opml>"""

_HOME = {
    ".config/rss2email.cfg": "[DEFAULT]\nfrom = me@example.org\nto = me@example.org\nemail-protocol = sendmail\n"
    "[feed.weather]\nurl = https://weather.example.org/rss\n",
    ".local/share/rss2email.json": json.dumps({"version": 2, "feeds": [{"name": "weather", "seen": {}}]}),
    ".config/feed2exec.ini": "[music]\nurl = https://music.example.org/atom\noutput = echo\n",
    ".newsboat/urls": 'https://books.example.org/rss "reading" "~Books"\n',
}

_POST = "---\ntitle: {title}\npublishDate: 2026-11-{day:02}\ntags: [python]\n---\nHello from {title}.\n"


@dataclass(frozen=True)
class World:
    """``folder`` is where commands run, ``home`` the user's; ``web`` answers for every host of example.org.

    ``entry`` is the id of one that feedbot knows.
    """

    folder: Path
    home: Path
    web: WebServer
    mail: SmtpServer
    entry: str = ""

    def copied(self, folder: Path) -> World:
        """The same world elsewhere, to be changed."""
        shutil.copytree(self.folder.parent, folder, symlinks=True)
        return replace(self, folder=folder / self.folder.name, home=folder / self.home.name)

    def run(self, arguments: list[str]) -> Ran:
        """Run feedbot as a shell would, with ``ENTRY`` for an entry that there is."""
        words = [word.replace("~", str(self.home), 1) if word.startswith("~/") else word for word in arguments]
        words = [self.entry if word == "ENTRY" else self.local(word) for word in words]
        hook = self.web.url("/hooks/feedbot")
        environment = {"HOME": str(self.home), "BROWSER": "true", "TEAM_WEBHOOK": hook, "SLACK_WEBHOOK": hook}
        return feedbot(*words, cwd=self.folder, env=environment)

    def local(self, text: str) -> str:
        """Text in which each host of example.org is a folder here."""
        return re.sub(r"https://(?!blog\.example\.org/feeds)([a-z]+)\.example\.org(?=/)", self.web.url(r"/\1"), text)

    def configure(self, text: str) -> None:
        """Write a configuration that is shown in a page, so that it asks nobody but this world."""
        text = re.sub(r'host *= *"smtp\.example\.org"', f'host = "127.0.0.1"\nport = {self.mail.port}', text)
        text = re.sub(r"^(username|password|password_file) *=.*$", 'tls = "none"', text, flags=re.MULTILINE)
        text = re.sub(r'(tls = "none"\n)+', r"\1", text)
        if "[feedbot]" not in text:
            text = f"[feedbot]\n{text}"
        text = text.replace("[feedbot]\n", '[feedbot]\nallow_private = ["127.0.0.0/8"]\n')
        path = self.folder / "feedbot.toml"
        path.touch(0o600)
        path.write_text(self.local(text), "utf-8")


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """A blog in a git repository, a feed, a page, lists of other programs, and a first run of feedbot over them."""
    with web_server() as web, smtp_server() as mail:
        for host in ("books", "chess", "music", "news", "planet", "weather"):
            web.serve(f"/{host}/", _PAGE, "text/html")
            for path in ("feed.xml", "rss", "atom"):
                web.serve(f"/{host}/{path}", _FEED.format(host=host), "application/rss+xml")
        web.answers["/hooks/feedbot"] = Answer(200, b"ok")
        made = World(folder / "work", folder / "home", web, mail)
        made.folder.mkdir()
        for name, text in _HOME.items():
            listed = made.home / name
            listed.parent.mkdir(parents=True, exist_ok=True)
            listed.write_text(made.local(text), "utf-8")
        (made.folder / "feeds.opml").write_text(made.local(_OPML), "utf-8")
        _write_blog(folder)
        made.configure(_CONFIG)
        first = made.run(["run", "--json"])
        assert first.code == 0, first.err
        yield replace(made, entry=first.json["sources"]["blog"]["new"][0])


def _write_blog(folder: Path) -> None:
    repository = Blog(folder / "my-blog.git")
    for day, title in enumerate(("One", "Two", "Three"), 1):
        path = f"content/posts/{title.lower()}/index.md"
        repository.commit({path: _POST.format(title=title, day=day), "keystatic.config.ts": "export default {}\n"})
    repository.git("clone", "-q", str(repository.folder), str(folder / "my-blog"))
