"""Killed or failing while a digest is sent, nothing is lost, and the same digest goes out under the same key."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from tests.crash.test_faults import CONFIG, Installation
from tests.support.web import Answer, Asked, WebServer

STAGES = ("claimed", "sent", "marked")
ROUTES = '\n[[routes]]\ndigest = "@yearly"\nto = ["hook"]\n'


class Digesting(Installation):
    """All goes to the hook, in digests."""

    def __init__(self, folder: Path, web: WebServer) -> None:
        super().__init__(folder, web)
        self.bodies: list[tuple[str, bytes]] = []
        self.answer = 204
        web.answers["/hook"] = self._take
        (folder / "feedbot.toml").write_text(CONFIG.format(address=web.address) + ROUTES)
        assert self.run() == 0
        assert self.received == []

    def _take(self, asked: Asked) -> Answer:
        self.received.append(asked.headers["webhook-id"])
        return Answer(self.answer)

    def let_it_be_time(self) -> None:
        with sqlite3.connect(self.folder / "feedbot.db") as database:
            database.execute("UPDATE outbox SET not_before = 0 WHERE state = 'pending'")
        database.close()

    def check_digests(self) -> None:
        """What holds after a run that was completed: all is sent, as one digest, under the one key that it has."""
        with sqlite3.connect(self.folder / "feedbot.db") as database:
            assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            rows = database.execute("SELECT state, batch FROM outbox").fetchall()
        database.close()
        assert Counter(state for state, _ in rows) == {"sent": 4}
        assert {batch for _, batch in rows} == set(self.received)
        assert len(set(self.received)) == 1


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("how", ["kill", "raise", "enospc"])
def test_a_digest_survives_a_fault_at_any_point(stage: str, how: str, tmp_path: Path, web: WebServer) -> None:
    installation = Digesting(tmp_path, web)
    installation.let_it_be_time()
    assert installation.run(f"{stage}:1:{how}") != 0 or how != "kill"
    for _ in range(2):
        installation.let_it_be_time()
        assert installation.run() == 0
    installation.check_digests()
    assert len(installation.received) <= 2


def test_a_digest_that_is_refused_is_the_same_at_its_next_try(tmp_path: Path, web: WebServer) -> None:
    installation = Digesting(tmp_path, web)
    installation.answer = 503
    installation.let_it_be_time()
    installation.run()
    installation.answer = 204
    installation.let_it_be_time()
    assert installation.run() == 0
    installation.check_digests()
    assert len(installation.received) == 2
