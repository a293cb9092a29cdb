from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from feedbot.errors import DeliveryError
from feedbot.sinks.command import CommandSettings, CommandSink
from tests.sinks.builders import NOW, context, delivery


def run(folder: Path, script: str, /, **settings: object) -> None:
    """Deliver a change to a command that is this script for the shell."""
    found = CommandSettings.model_validate({"type": "command", "command": ["/bin/sh", "-c", script], **settings})
    sink = CommandSink(found, context(folder))
    sink.send(delivery("k1"), NOW)
    sink.close()


def failure(folder: Path, script: str, /, **settings: object) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        run(folder, script, **settings)
    return caught.value


def gone(pid: int) -> bool:
    for _ in range(100):
        try:
            if "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]:
                return True
            os.kill(pid, 0)
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.02)
    return False


def test_a_command_gets_the_change_as_json_and_works_in_the_configurations_folder(tmp_path: Path) -> None:
    run(tmp_path, "cat > got.json")
    body = json.loads((tmp_path / "got.json").read_text())
    assert body["type"] == "entry.new"
    assert body["data"]["title"] == "Welcome"


def test_a_command_sees_little_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMTP_PASSWORD", "hush")
    run(tmp_path, "env > got.txt", environment={"TOKEN": "mine"})
    found = dict(line.split("=", 1) for line in (tmp_path / "got.txt").read_text().splitlines())
    assert (found["FEEDBOT_KEY"], found["FEEDBOT_CHANGE"]) == ("k1", "new")
    assert (found["FEEDBOT_SOURCE"], found["FEEDBOT_SINK"]) == ("planet", "readers")
    assert found["TOKEN"] == "mine"
    assert "SMTP_PASSWORD" not in found


def test_no_text_of_an_entry_reaches_a_shell(tmp_path: Path) -> None:
    found = CommandSettings(type="command", command=("/bin/sh", "-c", 'cat > "$0" && env >> "$0"', "out"))
    CommandSink(found, context(tmp_path)).send(delivery(title="$(touch evil) `touch evil`; touch evil"), NOW)
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize(("code", "refused"), [(75, False), (1, True), (2, True), (127, True)])
def test_an_exit_code_other_than_0_is_a_no_and_75_a_later(tmp_path: Path, code: int, refused: bool) -> None:
    error = failure(tmp_path, f"echo 'first'; echo 'disk \x1b[31mfull' >&2; exit {code}")
    assert (error.refused, error.permanent, error.sink_down) == (refused, False, False)
    assert error.message.endswith(": disk [31mfull")


def test_a_command_that_is_killed_did_not_take_it(tmp_path: Path) -> None:
    error = failure(tmp_path, "kill -9 $$")
    assert error.refused
    assert "signal 9" in error.message


def test_a_command_has_a_deadline_at_which_all_that_it_started_ends(tmp_path: Path) -> None:
    begun = time.monotonic()
    error = failure(tmp_path, "trap '' TERM; sleep 60 & echo $! > child; sleep 60", timeout="0.3s")
    assert time.monotonic() - begun < 5
    assert "0.3 s" in error.message
    assert not error.refused
    assert gone(int((tmp_path / "child").read_text()))


def test_a_command_that_reads_nothing_and_complains_a_lot_is_no_problem(tmp_path: Path) -> None:
    found = CommandSettings.model_validate(
        {
            "type": "command",
            "command": [sys.executable, "-c", "import sys; sys.stderr.write('x' * 5_000_000 + '\\nlast'); sys.exit(1)"],
        }
    )
    with pytest.raises(DeliveryError, match="exit code 1: last"):
        CommandSink(found, context(tmp_path)).send(delivery(content="y" * 500_000), NOW)


def test_what_a_command_leaves_running_is_not_waited_for(tmp_path: Path) -> None:
    begun = time.monotonic()
    run(tmp_path, "sleep 3 & exit 0")
    assert time.monotonic() - begun < 2


def test_a_secret_that_a_command_complains_about_is_not_shown(tmp_path: Path) -> None:
    error = failure(tmp_path, 'echo "bad token $TOKEN" >&2; exit 1', environment={"TOKEN": "hush-hush"})
    assert "bad token ***" in error.message


def test_a_command_that_is_not_there_is_a_sink_that_is_down(tmp_path: Path) -> None:
    for program in ("no-such-program-here", "./bin/nothing"):
        found = CommandSettings(type="command", command=(program,))
        with pytest.raises(DeliveryError, match="cannot be started") as caught:
            CommandSink(found, context(tmp_path)).send(delivery(), NOW)
        assert caught.value.sink_down


def test_a_program_beside_the_configuration_is_found(tmp_path: Path) -> None:
    script = tmp_path / "notify"
    script.write_text("#!/bin/sh\ncat > got.json\n")
    script.chmod(0o755)
    found = CommandSettings(type="command", command=("./notify",))
    CommandSink(found, context(tmp_path)).send(delivery(), NOW)
    assert (tmp_path / "got.json").exists()
    assert [place.path for place in found.places()] == ["./notify"]


@pytest.mark.parametrize(
    "settings",
    [
        {"command": []},
        {"command": ["a\0b"]},
        {"command": ["a"], "timeout": "0s"},
        {"command": ["a"], "environment": {"A=B": "1"}},
        {"command": ["a"], "environment": {"FEEDBOT_KEY": "1"}},
        {"command": ["a"], "environment": {"A": "1\0"}},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CommandSettings.model_validate({"type": "command", **settings})
