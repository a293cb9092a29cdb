"""feedbot completion, in the shells themselves where they are at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import feedbot

ASKED = {
    "bash": "source ./script; COMP_WORDS=(feedbot source p); COMP_CWORD=2; _feedbot_completion feedbot p\n"
    'echo "${COMPREPLY[@]}"',
    "fish": 'source ./script; complete -C "feedbot source p" | string split -f1 \\t | string join " "',
    "zsh": "autoload -Uz compinit; compinit -u -D; compdef() { :; }; source ./script\n"
    "_describe() { print -r -- ${${(P)3}%%:*} }; words=(feedbot source p); CURRENT=3; _feedbot_completion",
}


@pytest.mark.parametrize("shell", ASKED)
def test_a_shell_completes_commands(shell: str, tmp_path: Path) -> None:
    printed = feedbot("completion", shell, cwd=tmp_path)
    (tmp_path / "script").write_text(printed.out)

    assert printed.code == 0
    assert "_FEEDBOT_COMPLETE" in printed.out
    assert feedbot("completion", shell, "--json", cwd=tmp_path).json["text"] in printed.out
    if program := shutil.which(shell):
        plain = {"bash": "--norc", "fish": "--no-config", "zsh": "-f"}[shell]
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        done = subprocess.run(
            [program, plain, "-c", ASKED[shell]],
            cwd=tmp_path,
            env={**os.environ, "PATH": path, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split() == ["pause", "poll"], done.stderr


def test_another_shell_is_an_error_that_names_those_there_are(tmp_path: Path) -> None:
    done = feedbot("completion", "tcsh", cwd=tmp_path)
    assert done.code == 2
    assert all(shell in done.err for shell in ASKED)


def test_names_of_the_configuration_are_completed(tmp_path: Path) -> None:
    (tmp_path / "feeds.toml").write_text("[sources.planet]\n[sources.blog]\n[sinks.post]\n[feeds.all]\n")

    def completed(*words: str) -> list[str]:
        asked = {"_FEEDBOT_COMPLETE": "bash_complete", "COMP_WORDS": f"feedbot {' '.join(words)}"}
        out = feedbot(cwd=tmp_path, env={**asked, "COMP_CWORD": str(len(words))}).out
        return [line.removeprefix("plain,") for line in out.split()]

    assert completed("-c", "feeds.toml", "source", "show", "p") == ["planet"]
    assert completed("-c", "feeds.toml", "sink", "test", "p") == ["post"]
    assert completed("-c", "missing.toml", "run", "p") == []
