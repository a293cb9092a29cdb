"""Whatever comes over workers: nothing is lost, and what is sent twice has the same key."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from feedbot.store.store import Store
from tests.scale.storm import storm
from tests.scale.village import Village
from tests.support.postgres import Databases, Server, own_server
from tests.support.web import WebServer

KILLS = int(os.environ.get("FEEDBOT_TEST_KILLS", "5"))
HASTY = "FEEDBOT_TEST_KILLS" not in os.environ
"""Whether the processes take each other for dead after seconds already."""


@pytest.fixture
def server() -> Iterator[Server]:
    with own_server() as own:
        yield own


@pytest.mark.timeout(120 + 10 * KILLS)
def test_workers_that_are_killed_frozen_and_cut_off_lose_nothing(
    tmp_path: Path, server: Server, web: WebServer
) -> None:
    database = Databases(server.url).empty()
    Store.open(database).close()
    village = Village(web, 40, delay=0.02)
    village.write(tmp_path, database, interval="2s")
    everyone = storm(tmp_path, village, server, kills=KILLS, chance=random.Random(KILLS), hasty=HASTY)
    assert village.lost == set(), "\n".join(one.said for one in everyone)
    assert village.doubled == []
    assert {name: most for name, most in village.most.items() if most > 1 and name in village.names} == {}
    frozen = everyone[0]
    assert frozen.code == 5
    assert "this worker cannot go on" in frozen.said
