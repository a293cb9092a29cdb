"""Feeds that may take long are read in a process that ends in time, and what it says arrives as it was."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedbot.errors import SourceError
from feedbot.model import Author, Enclosure, Item
from feedbot.sources.feed import reading, worker, xmlfeed
from feedbot.sources.feed.parsed import Parsed
from tests.conftest import PROJECT
from tests.sources.feeds import NOW, atom, ids, rss
from tests.support.processes import children_of, is_running, wait_until

URL = "https://a.example/feed"
SLOW = rss("& <b>" * 200_000)


def task(text: str, **more: object) -> reading.Task:
    return reading.Task(text=text, url=URL, now=NOW, **more)  # type: ignore[arg-type]


def test_a_feed_reads_the_same_there_as_here() -> None:
    for text in (
        rss("<guid>1</guid><title>Ä 😀</title><author>a@a.example (A)</author>", "<guid>2</guid>", head="<ttl>5</ttl>"),
        atom("<id>a:1</id><updated>2026-01-01T00:00:00.25Z</updated><link rel='enclosure' href='/a.mp3' length='5'/>"),
        rss("<guid>1</guid>", before="")[:-20],
    ):
        here = reading.read(task(text), watched=True)
        assert worker.read(task(text), 30) == here


def test_it_is_told_what_is_known_and_reads_what_is_new() -> None:
    memory = worker.read(task(rss("<guid>1</guid>")), 30).memory

    parsed = worker.read(task(rss("<guid>2</guid>", "<guid>1</guid>"), memory=memory), 30)

    assert ids(parsed.items) == ["2"]
    assert parsed.standing == {"id:1"}
    assert worker.read(task(rss("<guid>1</guid>"), memory=memory), 30).unchanged
    assert isinstance(worker.read(task(rss("<guid>1</guid>"), by_id=False), 30).memory["entries"], list)


@pytest.mark.parametrize(
    "text",
    [
        rss("<guid>1</guid>&nbsp;"),
        rss(*(f"<guid>{n}</guid><description>{'word ' * 200}</description>" for n in range(600))),
        rss("<guid>1</guid>" + "<category>c</category>" * 60),
        rss("<guid>1</guid><author>" + f"{'a' * 1_000} " * 10 + "</author>"),
        rss("<guid>1</guid>" + "<link/>" * 30_000),
        rss("<guid>1</guid>", before="<!DOCTYPE rss [<!ENTITY a 'b'>]>"),
    ],
    ids=["broken", "large", "categories", "long names", "tags", "entities"],
)
def test_what_may_take_long_is_not_read_here(text: str) -> None:
    assert reading.read(task(text), watched=False) is None
    assert xmlfeed.read(text, URL, NOW).items


def test_of_a_large_feed_what_is_new_is_read_here() -> None:
    entries = [f"<guid>{n}</guid><description>{'word ' * 200}</description>" for n in range(600)]
    memory = xmlfeed.read(rss(*entries[1:]), URL, NOW).memory

    parsed = reading.read(task(rss(*entries), memory=memory), watched=False)

    assert parsed is not None
    assert ids(parsed.items) == ["0"]


def test_what_is_wrong_with_a_feed_is_told_from_there() -> None:
    with pytest.raises(SourceError) as caught:
        worker.read(task("<svg/>"), 30)

    assert "no feed that feedbot can read" in caught.value.message
    assert caught.value.hint


def test_a_process_is_killed_at_its_deadline_and_leaves_nothing_behind() -> None:
    before = children_of(os.getpid())
    start = time.monotonic()

    with pytest.raises(SourceError, match=r"takes more than 0\.5 s"):
        worker.read(task(SLOW), 0.5)

    assert time.monotonic() - start < 1.5
    assert children_of(os.getpid()).keys() <= before.keys()


def test_when_feedbot_is_killed_its_process_ends_soon() -> None:
    program = "from tests.sources.test_feed_worker import *\ntry: worker.read(task(SLOW * 3), 1)\nfinally: pass"
    feedbot = subprocess.Popen([sys.executable, "-c", program], cwd=PROJECT, stderr=subprocess.DEVNULL)
    assert wait_until(lambda: children_of(feedbot.pid), 30)
    (child,) = children_of(feedbot.pid)

    os.kill(feedbot.pid, signal.SIGKILL)
    feedbot.wait()

    assert wait_until(lambda: not is_running(child))


def answered(text: str, change: str) -> dict[str, Any]:
    """What the process says, with something changed in it beforehand."""
    program = (
        "import sys\nfrom feedbot.sources.feed import worker\n"
        f"{change}\nsys.stdout.buffer.write(worker.answered(sys.stdin.buffer.read()))"
    )
    asked = {"url": URL, "now": NOW.isoformat(), "memory": {}, "by_id": True, "seconds": 30}
    question = json.dumps(asked).encode() + b"\n" + text.encode()
    done = subprocess.run(
        [sys.executable, "-c", program], input=question, capture_output=True, cwd=PROJECT, timeout=60, check=True
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_too_much_memory_is_told_and_not_taken() -> None:
    large = rss(*(f"<guid>{n}</guid><description>{'word ' * 4000}</description>" for n in range(1000)))

    assert "memory" in answered(large, "worker.MAX_MEMORY = 120_000_000")["error"]


def test_an_answer_that_would_not_end_is_not_given() -> None:
    assert "memory" in answered(rss("<guid>1</guid>"), "worker.MAX_ANSWER = 100")["error"]


CONFIG = '[feedbot]\nstate = "s.db"\noutput = "public"\n[feeds.all]\nformats = ["json"]\n'
STARTED = """
import feedbot.processes, sys
from feedbot.cli import main
start, began = feedbot.processes._started, []
feedbot.processes._started = lambda module: began.append(module) or start(module)
sys.argv = ["feedbot", "run", "--force", "--json"]
try:
    main()
finally:
    print(len(began), *began[:1], file=sys.stderr)
"""


def run_with(folder: Path, **feeds: str) -> tuple[dict[str, Any], int]:
    """What a run says of sources, and how many processes it started."""
    tables = ""
    for name, text in feeds.items():
        (folder / f"{name}.xml").write_text(text)
        patience = 4 if text is SLOW else 30
        tables += f'[sources.{name}]\ntype = "feed"\npath = "{name}.xml"\ntimeout = "{patience}s"\n'
    (folder / "feedbot.toml").write_text(CONFIG + tables)
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    ran = subprocess.run([sys.executable, "-c", STARTED], cwd=folder, env=environment, capture_output=True, text=True)
    sources: dict[str, Any] = json.loads(ran.stdout)["sources"]
    return sources, int(ran.stderr.split()[0])


def broken(number: int) -> str:
    return rss(f"<guid>{number}</guid><title>Broken &nbsp; {number}</title>")


def test_many_broken_feeds_of_a_run_are_read_by_one_process(tmp_path: Path) -> None:
    sources, started = run_with(tmp_path, **{f"bad-{number}": broken(number) for number in range(10)})

    assert [source["new"] for source in sources.values()] == [[str(number)] for number in range(10)]
    assert started == 1


def test_a_feed_that_takes_too_long_costs_only_itself(tmp_path: Path) -> None:
    feeds = {f"bad-{number}": broken(number) for number in range(6)}

    sources, started = run_with(tmp_path, **{**feeds, "killer": SLOW})

    assert "reading it takes more than" in sources.pop("killer")["error"]
    assert [source["new"] for source in sources.values()] == [[str(number)] for number in range(6)]
    assert started <= 3


TEXTS = st.text(st.characters(codec=None), max_size=8)
DATES = st.none() | st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))
ITEMS = st.builds(
    Item,
    id=TEXTS, url=TEXTS, title=TEXTS, summary=TEXTS, content=TEXTS, base=TEXTS, language=TEXTS, image=TEXTS,
    authors=st.lists(st.builds(Author, TEXTS, TEXTS, TEXTS), max_size=2).map(tuple),
    enclosures=st.lists(st.builds(Enclosure, TEXTS, TEXTS, st.none() | st.integers(0, 2**63)), max_size=2).map(tuple),
    published=DATES, updated=DATES,
    tags=st.lists(TEXTS, max_size=3).map(tuple), aliases=st.lists(TEXTS, max_size=2).map(tuple),
    keys=st.lists(TEXTS, max_size=2).map(tuple),
    extra=st.dictionaries(TEXTS, TEXTS, max_size=2),
)  # fmt: skip
PARSED = st.builds(
    Parsed,
    items=st.lists(ITEMS, max_size=2).map(tuple), title=TEXTS, link=TEXTS, cut=TEXTS,
    notes=st.lists(TEXTS, max_size=2).map(tuple), standing=st.frozensets(TEXTS, max_size=2),
    unchanged=st.booleans(), strict=st.booleans(),
    memory=st.dictionaries(TEXTS, st.none() | TEXTS | st.dictionaries(TEXTS, st.lists(TEXTS)), max_size=2),
)  # fmt: skip


@given(PARSED)
def test_what_was_read_survives_becoming_json(parsed: Parsed) -> None:
    said = worker._encoded(json.dumps(worker.as_json(parsed), ensure_ascii=False))

    assert worker.parsed_of(json.loads(worker._decoded(said))) == parsed
