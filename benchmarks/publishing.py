"""What publishing costs after an edit: 50 full-text entries in three formats, and 500 feeds of which three changed.

    python benchmarks/publishing.py [--entries 50] [--feeds 500] [--rounds 9]

Prints CPU milliseconds (median): making all.atom, all.rss and all.json anew after one of their entries changed, as a
run of its own does it (reading, cleaning, writing, recording); feedgen alone, which builds and serialises the same
entries with nothing done to them; and the same for a feed that is split by tag, of which three parts changed.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from feedgen.feed import FeedGenerator

from feedbot.app import App, RunOptions
from feedbot.engine import cycle
from feedbot.engine.sharing import publish
from feedbot.settings.load import load

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TEXT = "<h2>A heading</h2><p>Some <em>words</em> with <a href='/page'>a link</a>.</p><pre>code</pre>" * 80
CONFIG = """
[feedbot]
base_url = "https://example.org/feeds/"
[sources.blog]
type = "feed"
path = "blog.json"
backfill = 0
[feeds.all]
limit = 50
formats = ["atom", "rss", "json"]
"""


class Timed:
    """Stands before ``publish``, and remembers what it spent last."""

    spent = 0.0

    def __call__(self, *given: object, **named: object) -> object:
        begun = time.process_time()
        try:
            return publish(*given, **named)  # type: ignore[arg-type]
        finally:
            self.spent = (time.process_time() - begun) * 1000


def blog(number: int, edited: Sequence[int], edit: int) -> str:
    items = [
        {
            "id": f"https://example.org/{n}",
            "url": f"https://example.org/{n}",
            "title": f"Entry {n}" + (f", edited {edit} times" if n in edited else ""),
            "content_html": TEXT,
            "date_published": (NOW - timedelta(days=n)).isoformat(),
            "tags": [f"tag{n}"],
        }
        for n in range(number)
    ]
    return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Blog", "items": items})


def feedgen_alone(number: int) -> None:
    for form in ("atom_str", "rss_str"):
        feed = FeedGenerator()
        feed.id("https://example.org/")
        feed.title("all")
        feed.description("all")
        feed.link(href="https://example.org/")
        for n in range(number):
            entry = feed.add_entry(order="append")
            entry.guid(f"https://example.org/{n}")
            entry.title(f"Entry {n}")
            entry.link(href=f"https://example.org/{n}")
            entry.published(NOW)
            entry.updated(NOW)
            entry.content(TEXT, type="html")
        getattr(feed, form)(pretty=True)


def after_edits(folder: Path, config: str, number: int, edited: Sequence[int], rounds: int) -> tuple[float, int]:
    """Median CPU of publishing after these entries were edited, each time by an App that knows nothing, and how many
    files that wrote."""
    (folder / "feedbot.toml").write_text(config)
    timed = Timed()
    cycle.publish = timed  # type: ignore[assignment]
    times, written = [], 0
    for edit in range(rounds + 1):
        (folder / "blog.json").write_text(blog(number, edited, edit))
        app = App(load(folder / "feedbot.toml", {}), out=io.StringIO())
        written = len(app.run(RunOptions(force=True, notify=False)).feeds["all"].written)
        times.append(timed.spent)
    return statistics.median(times[1:]), written


def cost(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        times.append(time.process_time() - begun)
    return statistics.median(times) * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=50)
    parser.add_argument("--feeds", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        spent, written = after_edits(Path(name), CONFIG, options.entries, (7,), options.rounds)
    alone = cost(lambda: feedgen_alone(options.entries), options.rounds)
    print(f"one feed of {options.entries} entries, one edited: {spent:.1f} ms for {written} files")
    print(f"feedgen alone: {alone:.1f} ms; beyond it: {spent - alone:.1f} ms")
    split = CONFIG.replace('"atom", "rss", "json"', '"atom"') + 'split = ["tag"]\n'
    with tempfile.TemporaryDirectory() as name:
        spent, written = after_edits(Path(name), split, options.feeds, (7, 77, 177), options.rounds)
    print(f"{options.feeds} parts, three entries edited: {spent:.1f} ms for {written} files")


if __name__ == "__main__":
    main()
