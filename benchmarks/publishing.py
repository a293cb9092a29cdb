"""What publishing a feed of 50 full-text entries costs after one change, beside feedgen's own time.

    python benchmarks/publishing.py [--entries 50] [--rounds 20]

Prints CPU milliseconds (median): cleaning all entries, which a run does once; writing them in each format; and
feedgen alone, which builds and serialises the same entries with nothing done to them.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from feedgen.feed import FeedGenerator

from feedbot.core.present import present
from feedbot.formats.atom import AtomFormat
from feedbot.formats.jsonfeed import JsonFormat
from feedbot.formats.rss import RssFormat
from feedbot.model import Channel, Entry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHANNEL = Channel(name="all", id="tag:example.org,2026:all", title="All", link="https://example.org/", description="")
TEXT = "<h2>A heading</h2><p>Some <em>words</em> with <a href='/page'>a link</a>.</p><pre>code</pre>" * 80


def entries(number: int) -> list[Entry]:
    return [
        Entry(
            id=f"https://example.org/{n}",
            source="blog",
            first_seen=NOW,
            url=f"https://example.org/{n}",
            title=f"Entry {n}",
            content=TEXT,
            published=NOW - timedelta(days=n),
        )
        for n in range(number)
    ]


def feedgen_alone(shown: list[Entry]) -> None:
    for form in ("atom_str", "rss_str"):
        feed = FeedGenerator()
        feed.id(CHANNEL.id)
        feed.title(CHANNEL.title)
        feed.description(CHANNEL.title)
        feed.link(href=CHANNEL.link)
        for one in shown:
            entry = feed.add_entry(order="append")
            entry.guid(one.id)
            entry.title(one.title)
            entry.link(href=one.url)
            entry.published(one.published)
            entry.updated(one.published)
            entry.content(one.content, type="html")
        getattr(feed, form)(pretty=True)


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
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    stored = entries(options.entries)
    shown = [present(one) for one in stored]
    costs = {"cleaning": cost(lambda: [present(one) for one in stored], options.rounds)}
    for form in (AtomFormat(), RssFormat(), JsonFormat()):
        costs[form.extension] = cost(lambda form=form: form.render(CHANNEL, shown), options.rounds)  # type: ignore[misc]
    alone = cost(lambda: feedgen_alone(shown), options.rounds)
    for name, spent in costs.items():
        print(f"{name:>10} {spent:7.1f} ms")
    print(f"{'feedgen':>10} {alone:7.1f} ms\n{'beyond it':>10} {sum(costs.values()) - alone:7.1f} ms")


if __name__ == "__main__":
    main()
