"""What reading a feed costs, stage by stage: CPU milliseconds for one of RSS and one of Atom (100 KB, 35 entries).

python benchmarks/reading.py
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from feedserver import body

from feedbot.sources.feed import parse, plain, reading
from feedbot.sources.feed.decode import decode, readable_xml
from feedbot.sources.feed.identity import identified
from feedbot.sources.feed.parts import divided
from feedbot.sources.feed.survey import survey

URL = "https://a.example/feed"
NOW = datetime(2026, 12, 1, tzinfo=UTC)
ENTRIES = 35


def milliseconds(stage: Callable[[], object], rounds: int = 5, calls: int = 20) -> float:
    """The CPU time of a call, of the best round."""
    stage()
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        for _ in range(calls):
            stage()
        best = min(best, time.process_time() - begun)
    return best / calls * 1000


def stages(content: bytes) -> dict[str, Callable[[], object]]:
    """The steps of reading a body for the first time; the last two hold all of them."""
    text = decode(content)
    data = readable_xml(text)[0].encode()
    found = survey(data)
    outline = found.outline
    assert outline is not None
    parsed = parse.parse(data, URL, NOW)
    assert parsed is not None
    task = reading.Task(text=text, url=URL, now=NOW)
    return {
        "decode": lambda: readable_xml(decode(content)),
        "survey": lambda: survey(data),
        "digests": lambda: divided(data, outline, URL),
        "values (own reader)": lambda: plain.read(data),
        "values (feedparser)": lambda: parse.by_feedparser(data),
        "values and items": lambda: parse.parse(data, URL, NOW),
        "names": lambda: identified(parsed.items, "auto"),
        "all of reading": lambda: identified(reading.read(task, watched=True).items, "auto"),  # type: ignore[union-attr]
    }


def main() -> None:
    measured = [
        {
            name: milliseconds(stage)
            for name, stage in stages(body(kind, ENTRIES).replace(b"@STAMP@", b"2026-01-01")).items()
        }
        for kind in (0, 1)
    ]
    print(f"{'':<22} {'RSS':>7} {'Atom':>7}   CPU ms a feed")
    for name in measured[0]:
        print(f"{name:<22} {measured[0][name]:7.2f} {measured[1][name]:7.2f}")


if __name__ == "__main__":
    main()
