"""What a run costs does not grow with the state: no statement of it looks through a whole table."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from feedbot.errors import DeliveryError
from feedbot.model import ChangeKind
from feedbot.plugins import SourceSettings
from feedbot.settings import RouteSettings
from tests.engine.world import RememberingSink, World
from tests.support.build import feed, folder, item, post

GROWS = ("entries", "aliases", "revisions", "outbox", "tries", "announced")
"""The tables that grow with what was seen; the others are as large as the configuration."""

KINDS = (ChangeKind.NEW, ChangeKind.UPDATED, ChangeKind.WITHDRAWN)

IN_ORDER = "USING INDEX ix_entries_sort_at"
"""How the newest entries of all are read: along the index, as far as they are asked for."""


@contextlib.contextmanager
def overheard() -> Iterator[dict[str, Any]]:
    """The statements that are run meanwhile, each with parameters that it was run with."""
    heard: dict[str, Any] = {}

    def hear(_conn: object, _cursor: object, statement: str, parameters: Any, _context: object, many: bool) -> None:
        heard[statement] = parameters[0] if many else parameters

    sa.event.listen(sa.Engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", hear)


def plans(database: Path, statements: dict[str, Any]) -> list[str]:
    """How the database goes about each of these statements."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [
            "\n".join(step[-1] for step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))
            for statement, parameters in statements.items()
            if statement.startswith("SELECT")
        ]


def scans(database: Path, statements: dict[str, Any]) -> list[tuple[str, str]]:
    """The steps of these statements that go through a whole table that grows."""
    found = []
    with contextlib.closing(sqlite3.connect(database)) as connection:
        for statement, parameters in statements.items():
            if not re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)", statement):
                continue
            for step in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters):
                scanned = re.match(r"SCAN (\w+)", step[-1])
                table = scanned and scanned[1].removesuffix("_1")
                if table in GROWS and IN_ORDER not in step[-1]:
                    found.append((step[-1], statement))
    return found


def test_no_statement_of_a_run_scans_a_table_that_grows(tmp_path: Path) -> None:
    settings = {"interval": timedelta(0), "backfill": "all", "withdraw_after": 2, "max_age": timedelta(days=90)}
    world = World(
        tmp_path,
        sources={name: SourceSettings(type="scripted", **settings) for name in ("blog", "news", "third")},  # type: ignore[arg-type]
        routes=[RouteSettings(to=("log",), on=KINDS, dedupe="across")],
    )
    for name in ("news", "third"):
        world.say(feed(*(item(f"{name}{n}", f"text {n}") for n in range(3))), name)
    with overheard() as statements:
        world.run(folder(*(post(f"p{n}", f"text {n}") for n in range(5))))
        RememberingSink.errors = {"log": [DeliveryError("down", sink_down=True)]}
        world.run(folder(post("p0", "edited"), *(post(f"p{n}", f"text {n}") for n in range(1, 4)), post("p9", "late")))
        world.say(feed(item("news0", "edited"), item("news9", "new")), "news")
        for _ in range(3):
            world.run()
        world.run(folder(*(post(f"p{n}", f"text {n}") for n in range(5))))
        store = world.store()
        with overheard() as of_one:
            list(store.entries.newest(["blog"]))
        list(store.entries.newest(["blog", "news", "third"]))
        store.entries.find("news0")
        store.close()
    assert {change for _, change, _ in world.sent} == {"new", "updated", "withdrawn"}
    assert len(statements) > 30
    assert scans(tmp_path / "feedbot.db", statements) == []
    assert not [steps for steps in plans(tmp_path / "feedbot.db", of_one) if IN_ORDER in steps]
    assert any("SEARCH entries USING INTEGER PRIMARY KEY" in steps for steps in plans(tmp_path / "feedbot.db", of_one))


def test_a_scan_is_noticed(tmp_path: Path) -> None:
    World(tmp_path).run(feed(item("a")))
    assert scans(tmp_path / "feedbot.db", {"SELECT count(*) FROM outbox WHERE attempts = ?": (1,)})
