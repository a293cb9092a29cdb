"""Killed or failing at any point, a run is completed by the next one: nothing lost, repeats under the same key."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedbot.faults import STAGES
from tests.crash.installation import Installation
from tests.support.web import WebServer


@pytest.mark.parametrize("stage", STAGES)
def test_a_kill_at_any_point_loses_nothing(stage: str, tmp_path: Path, web: WebServer) -> None:
    reached = 0
    for number in range(1, 40):
        folder = tmp_path / str(number)
        folder.mkdir()
        installation = Installation(folder, web)
        code = installation.run(f"{stage}:{number}:kill")
        installation.check_files_whole()
        if code == 0:
            break
        assert code == -9
        reached += 1
        assert installation.run() == 0
        installation.check()
        assert installation.repeats <= 1
    assert reached, f"{stage} is never reached"
    assert code == 0, "there are more fault points than this test looks at"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("how", ["raise", "enospc"])
def test_a_failure_at_any_point_is_told_and_mended(stage: str, how: str, tmp_path: Path, web: WebServer) -> None:
    installation = Installation(tmp_path, web)
    assert installation.run(f"{stage}:1:{how}") in (0, 1, 5)
    for _ in range(3):
        installation.let_back_off_end()
        assert installation.run() == 0
    installation.check()
