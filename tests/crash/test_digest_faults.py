"""Killed or failing while a digest is sent, nothing is lost, and the same digest goes out under the same key."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.installation import Installation
from tests.support.web import WebServer

ROUTES = '\n[[routes]]\ndigest = "@yearly"\nto = ["hook"]\n'


@pytest.fixture
def digesting(tmp_path: Path, web: WebServer) -> Installation:
    """All goes to the hook, in digests, of which the first is due."""
    installation = Installation(tmp_path, web, ROUTES)
    assert installation.run() == 0
    assert installation.received == []
    installation.let_back_off_end()
    return installation


def check(installation: Installation) -> None:
    """What holds after a run that was completed: all is sent, as one digest, under the one key that it has."""
    installation.check_state()
    assert installation.outbox("state") == [("sent",)] * 4
    assert {key for (key,) in installation.outbox("batch")} == set(installation.received)
    assert len(set(installation.received)) == 1


@pytest.mark.parametrize("stage", ["claimed", "sent", "marked"])
@pytest.mark.parametrize("how", ["kill", "raise", "enospc"])
def test_a_digest_survives_a_fault_at_any_point(stage: str, how: str, digesting: Installation) -> None:
    assert digesting.run(f"{stage}:1:{how}") != 0 or how != "kill"
    for _ in range(2):
        digesting.let_back_off_end()
        assert digesting.run() == 0
    check(digesting)
    assert len(digesting.received) <= 2


def test_a_digest_that_is_refused_is_the_same_at_its_next_try(digesting: Installation) -> None:
    digesting.status = 503
    digesting.run()
    digesting.status = 204
    digesting.let_back_off_end()
    assert digesting.run() == 0
    check(digesting)
    assert len(digesting.received) == 2
