"""Many posts are rendered in several processes, and a hostile one costs only itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from feedbot.model import Document, Memory, Problem
from feedbot.sources.posts import blog, workers
from feedbot.sources.posts.outline import Site
from feedbot.sources.posts.presets import PRESETS
from feedbot.sources.posts.press import Plan, Press, Sheet, broken
from feedbot.sources.posts.tree import Found
from tests.sources.test_posts import SITE, post, source, write

LATER = datetime.now(UTC) + timedelta(hours=1)


def plan(**fields: Any) -> Plan:
    rules = PRESETS["generic"]
    values = {"assets": "copy", "assets_base": "", "known": {}, "components": {}, **fields}
    return Plan(site=Site(SITE, rules, UTC), source="blog", **values)


def jobs(*bodies: str) -> Iterator[workers.Job]:
    for number, body in enumerate(bodies):
        yield Found(f"{number:03}.md", "", len(body), ""), post(body=body).encode(), {}


def nowhere(job: workers.Job) -> Sheet:
    return broken(job[0].name, Problem(job[0].name, "rendered here"))


def read(folder: Path, memory: Memory | None = None) -> Document:
    return source(folder).poll(memory or Memory(), LATER)


def test_processes_give_what_this_one_gives() -> None:
    bodies = [f"Post *{number}*, [a](001.md), ![x](x.png)." for number in range(90)]
    press = Press(plan())
    here = [press.sheet(file, data, lambda _: "") for file, data, _ in jobs(*bodies)]

    assert list(workers.sheets(jobs(*bodies), plan(), nowhere)) == here


def test_a_post_that_takes_too_long_costs_only_itself() -> None:
    slow = "[a](" * 30_000
    bodies = ["one", f"{'> ' * 25}{slow}" * 20, "three"]
    found = list(workers.sheets(jobs(*bodies), plan(), nowhere, patience=0.5))

    assert [sheet.kind for sheet in found] == ["post", "broken", "post"]
    assert "took more than 0.5 s" in found[1].problems[0].message


def test_without_processes_posts_are_rendered_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nonexistent/python")
    found = list(workers.sheets(jobs("one", "two"), plan(), nowhere))

    assert [sheet.problems[0].message for sheet in found] == ["rendered here"] * 2


def test_no_process_outlives_the_reading() -> None:
    sheets = workers.sheets(jobs(*["text"] * 200), plan(), nowhere)
    next(sheets)
    sheets.close()  # type: ignore[attr-defined]

    assert children() == []


def test_a_large_blog_is_read_as_a_small_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "x.png", b"png")
    write(tmp_path / "content/authors/jo.json", '{"name": "Jo", "website": "https://jo.example"}')
    for number in range(60):
        body = f"[next]({number + 1:03}.md) ![x](x.png)" if number % 3 else "Hello."
        write(tmp_path / f"{number:03}.md", post("author: Jo", body))
    small = read(tmp_path)
    monkeypatch.setattr(blog, "MANY", 50)
    large = read(tmp_path)

    assert large.items == small.items
    assert (large.problems, large.assets, large.memory) == (small.problems, small.assets, small.memory)


def children() -> list[str]:
    tasks = Path("/proc/self/task").glob("*/children")
    return [pid for task in tasks for pid in task.read_text().split() if alive(pid)]


def alive(pid: str) -> bool:
    try:
        return "feedbot.sources.posts.workers" in Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
