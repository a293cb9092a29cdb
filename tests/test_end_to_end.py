"""The whole program on a blog, on feeds over HTTP, with a mail server and a webhook receiver that are real."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import feedparser
import pytest
from standardwebhooks import Webhook

from tests.conftest import CORPUS
from tests.formats.rules import feedbot_id
from tests.support.cli import Ran, feedbot
from tests.support.smtp import smtp_server
from tests.support.web import Answer, Asked, WebServer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NONE: dict[str, list[str]] = {"new": [], "updated": [], "withdrawn": []}


def blog_config(folder: Path, sinks: str = "") -> None:
    (folder / "feedbot.toml").write_text(
        f"""
[feedbot]
state = "feedbot.db"
output = "public"
base_url = "https://feeds.example/"

[sources.blog]
type = "posts"
path = "content"
preset = "keystatic"
site = "https://blog.example"
interval = "0s"

[feeds.all]
{sinks}
"""
    )


def changes(ran: Ran, source: str = "blog") -> dict[str, list[str]]:
    assert ran.code == 0, ran.err
    report = ran.json["sources"][source]
    return {kind: report[kind] for kind in NONE}


def published(folder: Path) -> dict[str, tuple[bytes, int]]:
    files = (path for path in (folder / "public").rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


class TestABlog:
    """A year of a blog: what each kind of edit leads to."""

    @pytest.fixture
    def blog(self, tmp_path: Path) -> Path:
        for number, slug in enumerate(("alpha", "beta", "gamma"), start=1):
            post = tmp_path / "content" / "posts" / slug / "index.md"
            post.parent.mkdir(parents=True)
            front = f"title: {slug}\npublishDate: '2026-0{number}-10'\nauthor: Ada\ndescription: about {slug}\n"
            post.write_text(f"---\n{front}published: true\n---\n\nThis is {slug}.\n\nIt has two paragraphs.\n")
        blog_config(tmp_path)
        assert feedbot("run", cwd=tmp_path).code == 0
        return tmp_path

    def edit(self, blog: Path, slug: str, old: str, new: str) -> Ran:
        post = blog / "content" / "posts" / slug / "index.md"
        text = post.read_text()
        assert old in text
        post.write_text(text.replace(old, new))
        return feedbot("run", "--json", cwd=blog)

    def test_nothing_changed(self, blog: Path) -> None:
        before = published(blog)
        assert changes(feedbot("run", "--json", cwd=blog)) == NONE
        assert published(blog) == before

    def test_files_were_only_touched(self, blog: Path) -> None:
        before = published(blog)
        for post in (blog / "content").rglob("*.md"):
            post.touch()
        assert changes(feedbot("run", "--json", cwd=blog)) == NONE
        assert published(blog) == before

    def test_a_post_was_added(self, blog: Path) -> None:
        shutil.copytree(blog / "content" / "posts" / "beta", blog / "content" / "posts" / "delta")
        ran = self.edit(blog, "delta", "beta", "delta")
        assert changes(ran) == {**NONE, "new": ["https://blog.example/2026/02/delta/"]}

    def test_its_text_was_edited(self, blog: Path) -> None:
        ran = self.edit(blog, "beta", "two paragraphs", "2 paragraphs")
        assert changes(ran) == {**NONE, "updated": ["https://blog.example/2026/02/beta/"]}

    def test_only_white_space_was_edited(self, blog: Path) -> None:
        before = published(blog)
        assert changes(self.edit(blog, "beta", "It has two", "It   has\ntwo")) == NONE
        assert published(blog) == before

    def test_only_front_matter_was_edited(self, blog: Path) -> None:
        ran = self.edit(blog, "beta", "about beta", "all about beta")
        assert changes(ran) == NONE
        assert ran.json["sources"]["blog"]["edited"] == {"https://blog.example/2026/02/beta/": "front matter"}
        assert b"all about beta" in (blog / "public" / "all.json").read_bytes()

    def test_its_date_was_corrected(self, blog: Path) -> None:
        assert changes(self.edit(blog, "beta", "2026-02-10", "2026-05-10")) == NONE
        feed = json.loads((blog / "public" / "all.json").read_text())
        assert [(i["id"], i["url"]) for i in feed["items"] if i["title"] == "beta"] == [
            ("https://blog.example/2026/02/beta/", "https://blog.example/2026/05/beta/")
        ]

    def test_its_folder_was_renamed(self, blog: Path) -> None:
        (blog / "content" / "posts" / "beta").rename(blog / "content" / "posts" / "better")
        assert changes(feedbot("run", "--json", cwd=blog)) == NONE
        ids = [entry["id"] for entry in feedbot("entry", "list", "--json", cwd=blog).json["entries"]]
        assert "https://blog.example/2026/02/beta/" in ids
        assert len(ids) == 3

    def test_it_was_deleted(self, blog: Path) -> None:
        shutil.rmtree(blog / "content" / "posts" / "beta")
        ran = feedbot("run", "--json", cwd=blog)
        assert changes(ran) == {**NONE, "withdrawn": ["https://blog.example/2026/02/beta/"]}
        feed = (blog / "public" / "all.atom").read_bytes()
        assert b">beta<" not in feed
        assert b'deleted-entry ref="https://blog.example/2026/02/beta/"' in feed

    def test_it_was_broken(self, blog: Path) -> None:
        ran = self.edit(blog, "beta", "title: beta", "title: [beta")
        assert changes(ran) == NONE
        (problem,) = ran.json["sources"]["blog"]["problems"]
        assert re.match(r"content/posts/beta/index\.md:\d+$", problem["where"])
        assert b"beta" in (blog / "public" / "all.atom").read_bytes()

    def test_the_folder_is_empty(self, blog: Path) -> None:
        before = published(blog)
        shutil.rmtree(blog / "content" / "posts")
        (blog / "content" / "posts").mkdir()
        ran = feedbot("run", "--json", cwd=blog)
        assert changes(ran) == NONE
        assert ran.json["sources"]["blog"]["status"] == "failed"
        assert published(blog) == before

    def test_the_site_moved(self, blog: Path) -> None:
        config = blog / "feedbot.toml"
        config.write_text(config.read_text().replace("https://blog.example", "https://new.example"))
        assert changes(feedbot("run", "--json", cwd=blog)) == NONE
        feed = json.loads((blog / "public" / "all.json").read_text())
        assert {i["id"].split("/")[2] for i in feed["items"]} == {"blog.example"}
        assert {i["url"].split("/")[2] for i in feed["items"]} == {"new.example"}


def test_mail_and_webhook_get_each_entry_once(tmp_path: Path, web: WebServer) -> None:
    hooks: list[Asked] = []

    def receive(asked: Asked) -> Answer:
        hooks.append(asked)
        return Answer(204)

    web.answers["/hook"] = receive
    web.serve(
        "/feed",
        "<rss version='2.0'><channel><title>N</title><link>https://n.example/</link>"
        + "".join(f"<item><guid>g{i}</guid><title>No {i}</title></item>" for i in range(3))
        + "</channel></rss>",
    )
    with smtp_server() as mail:
        (tmp_path / "feedbot.toml").write_text(
            f"""
[feedbot]
state = "feedbot.db"
allow_private = ["{web.address}"]
[sources.news]
type = "feed"
url = "{web.url("/feed")}"
interval = "0s"
backfill = "all"
[sinks.hook]
type = "webhook"
url = "{web.url("/hook")}"
secret = "{SECRET}"
[sinks.readers]
type = "email"
host = "127.0.0.1"
port = {mail.port}
tls = "none"
from = "feedbot@example.org"
to = ["a@example.org", "b@example.org"]
"""
        )
        for _ in range(2):
            assert feedbot("run", "--strict", cwd=tmp_path).code == 0

    assert [json.loads(asked.body)["data"]["id"] for asked in hooks] == ["g2", "g1", "g0"]
    for asked in hooks:
        body = Webhook(SECRET).verify(asked.body, asked.headers)
        assert body["type"] == "entry.new"
    assert len({asked.headers["webhook-id"] for asked in hooks}) == 3
    subjects = [received.message["Subject"] for received in mail.received]
    assert subjects == ["[news] No 2", "[news] No 1", "[news] No 0"]
    assert all(received.recipients == ["a@example.org", "b@example.org"] for received in mail.received)
    assert len({received.message["Message-ID"] for received in mail.received}) == 3


def test_a_broken_feed_stops_no_other(tmp_path: Path, web: WebServer) -> None:
    web.serve("/good", "<rss version='2.0'><channel><title>N</title><item><guid>g</guid></item></channel></rss>")
    web.serve("/page", "<html><head><title>A page</title></head></html>", "text/html")
    web.answers["/error"] = Answer(500)
    names = ("good", "page", "error", "missing")
    sources = "".join(f'[sources.{name}]\ntype = "feed"\nurl = "{web.url(f"/{name}")}"\n' for name in names)
    (tmp_path / "feedbot.toml").write_text(
        f'[feedbot]\nstate = "s.db"\nallow_private = ["{web.address}"]\n{sources}[feeds.all]\n'
    )
    report = feedbot("run", "--json", cwd=tmp_path).json["sources"]
    assert {name: source["status"] for name, source in report.items()} == {
        "good": "ok", "page": "failed", "error": "failed", "missing": "failed",
    }  # fmt: skip
    assert report["good"]["new"] == ["g"]
    for name in ("page", "error", "missing"):
        assert report[name]["error"]


if (CORPUS / "posts").exists():

    def test_a_real_blog(tmp_path: Path) -> None:
        shutil.copytree(CORPUS / "posts" / "content", tmp_path / "content")
        blog_config(tmp_path)
        first = feedbot("run", "--json", cwd=tmp_path).json
        assert first["sources"]["blog"]["entries"] == 43
        before = published(tmp_path)

        assert changes(feedbot("run", "--json", cwd=tmp_path)) == NONE
        assert published(tmp_path) == before
        for name in ("all.atom", "all.rss"):
            parsed = feedparser.parse((tmp_path / "public" / name).read_bytes())
            assert not parsed.bozo
            assert len(parsed.entries) == 43


if (CORPUS / "feeds").exists():

    def test_every_real_feed_over_http(tmp_path: Path, web: WebServer) -> None:
        names = sorted(path.name for path in (CORPUS / "feeds").iterdir())
        config = f'[feedbot]\nstate = "s.db"\nbase_url = "https://f.example/"\nallow_private = ["{web.address}"]\n'
        for number, name in enumerate(names):
            kind = "application/json" if name.endswith("json") else "application/xml"
            url = web.serve(f"/{name}", (CORPUS / "feeds" / name).read_bytes(), kind)
            config += f'[sources.s{number}]\ntype = "feed"\nurl = "{url}"\ninterval = "0s"\n'
            config += f'[feeds.f{number}]\nsources = ["s{number}"]\nlimit = 1000\n'
        (tmp_path / "feedbot.toml").write_text(config)

        first = feedbot("run", "--json", cwd=tmp_path, timeout=110)
        assert first.code == 0, first.err
        second = feedbot("run", "--json", "--force", cwd=tmp_path, timeout=110).json
        for source in second["sources"].values():
            assert (source["new"], source["updated"]) == ([], []), source
        failed = {names[int(n[1:])] for n, s in second["sources"].items() if s["status"] == "failed"}
        assert failed == {"feedjira-JoomlapoweredSite.xml", "gofeed-empty_feed.xml", "gofeed-invalid.json"}

        for number, name in enumerate(names):
            if name in failed:
                continue
            ids = first.json["sources"][f"s{number}"]["new"]
            assert max(Counter(ids).values(), default=1) == 1
            for extension in ("atom", "rss"):
                parsed = feedparser.parse((tmp_path / "public" / f"f{number}.{extension}").read_bytes())
                assert not parsed.bozo, (name, parsed.get("bozo_exception"))
                known = (feedbot_id(entry.id) if extension == "atom" else entry.id for entry in parsed.entries)
                assert sorted(known) == sorted(ids), name
            items = json.loads((tmp_path / "public" / f"f{number}.json").read_text())["items"]
            assert sorted(item["id"] for item in items) == sorted(ids)
