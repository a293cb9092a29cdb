"""A blog read piece by piece is known as one read whole."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from feedbot.app import App, RunOptions
from feedbot.engine.report import SourceReport
from feedbot.settings import load
from feedbot.store.store import Store
from tests.sources.test_posts import post, write
from tests.support.examples import examples

LATER = datetime.now(UTC) + timedelta(hours=1)
NAMES = ("a.md", "b.md", "sub/c.md", "sub/d.md")
IMAGES = ("x.png", "sub/y.png")
BODIES = ("One.", "Two.", "![x](x.png)", "[d](sub/d.md) ![y](sub/y.png)", "[a](../a.md)", "![y](y.png)")
MATTERS = ("", "slug: own", "id: same", "author: Jo", "draft: true", "aliases: [/old/]", "title: [", "date: 2199-01-01")

Edit = tuple[str, ...]

EDITS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from(MATTERS), st.sampled_from(BODIES)),
    st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.just("remove"), st.sampled_from(NAMES + IMAGES)),
    st.tuples(st.just("draw"), st.sampled_from(IMAGES)),
    st.tuples(st.just("introduce"), st.sampled_from(("Jo", "Joe"))),
)


def do(folder: Path, edit: Edit, turn: int) -> None:
    """Make an edit; one of what is not there does nothing."""
    match edit:
        case ("write", name, matter, body):
            write(folder / name, f"---\ntitle: T\n{matter}\n---\n{body}\n")
        case ("rename", old, new) if (folder / old).exists():
            (folder / new).parent.mkdir(exist_ok=True)
            (folder / old).replace(folder / new)
        case ("remove", name):
            (folder / name).unlink(missing_ok=True)
        case ("draw", name):
            write(folder / name, b"image %d" % turn)
        case ("introduce", name):
            write(folder / "content/authors/jo.json", f'{{"name": "{name}", "website": "https://jo.example/{turn}"}}')


CONFIG = """
[feedbot]
output = "public"
base_url = "https://feeds.example/"
flood_limit = 1000
[sources.blog]
type = "posts"
path = "{path}"
site = "https://example.org"
preset = "generic"
interval = "0s"
backfill = "all"
[feeds.all]
[sinks.log]
type = "file"
path = "log.jsonl"
[[routes]]
on = ["new", "updated", "withdrawn"]
to = ["log"]
"""


class Installation:
    """feedbot, reading a blog anew each time or not."""

    def __init__(self, folder: Path, blog: Path, *, anew: bool) -> None:
        self.folder = folder
        self.anew = anew
        folder.mkdir()
        write(folder / "feedbot.toml", CONFIG.format(path=blog))

    def run(self, now: datetime) -> SourceReport:
        app = App(load(self.folder / "feedbot.toml", {}), out=io.StringIO(), clock=lambda: now)
        if self.anew:
            store = Store.open(app.configuration.state)
            store.sources.reset("blog")
            store.close()
        return app.run(RunOptions(force=True)).sources["blog"]

    def outcome(self) -> tuple[dict[str, bytes], list[object]]:
        """What is published, and what was announced but for the keys, which are each installation's own."""
        public = {path.name: path.read_bytes() for path in (self.folder / "public").glob("all.*")}
        log = self.folder / "log.jsonl"
        lines = log.read_text().splitlines() if log.exists() else []
        return public, [[said["type"], said["timestamp"], said["data"]] for said in map(json.loads, lines)]


@given(story=st.lists(st.lists(EDITS, min_size=1, max_size=3), min_size=1, max_size=5))
@examples(8)
def test_any_story_of_a_blog_ends_as_if_it_were_read_whole_each_time(story: list[list[Edit]]) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "blog/always.md", post())
        piecemeal = Installation(folder / "piecemeal", folder / "blog", anew=False)
        whole = Installation(folder / "whole", folder / "blog", anew=True)
        now = LATER
        for turn, edits in enumerate([[], *story]):
            for edit in edits:
                do(folder / "blog", edit, turn)
            now += timedelta(hours=1)
            one, other = piecemeal.run(now), whole.run(now)

            assert (one.new, one.updated, one.withdrawn, one.entries) == (
                other.new,
                other.updated,
                other.withdrawn,
                other.entries,
            )
            assert one.problems == other.problems
            assert piecemeal.outcome() == whole.outcome()
