"""feedbot man: the page, and the file that is installed with feedbot."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

from feedbot.cli.commands import feedbot as root
from feedbot.cli.manual import EXIT_CODES, manual
from tests.conftest import PROJECT
from tests.support.cli import feedbot

PAGE = PROJECT / "docs" / "feedbot.1"


def test_the_page_that_is_installed_is_that_of_the_commands() -> None:
    assert PAGE.read_text("utf-8") == manual(root), "feedbot man > docs/feedbot.1"


def test_a_wheel_puts_the_page_where_man_looks() -> None:
    shared = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert shared["shared-data"] == {"docs/feedbot.1": "share/man/man1/feedbot.1"}


def test_feedbot_man_prints_the_page(tmp_path: Path) -> None:
    assert feedbot("man", cwd=tmp_path).out == manual(root)


def test_the_page_has_every_command_and_option() -> None:
    page = manual(root).replace("\\-", "-")
    assert '.SS "queue release [OPTION]... [NUMBER]..."' in page
    assert re.search(r"^\\fB--dry-run\\fR$", page, re.MULTILINE)


def test_the_page_tells_the_exit_codes_of_the_documentation() -> None:
    told = (PROJECT / "docs" / "operating.md").read_text("utf-8")
    assert set(re.findall(r"^\| ([\dn+]+) \|", told, re.MULTILINE)) == set(EXIT_CODES)


def test_man_and_mandoc_find_nothing_wrong_with_the_page(tmp_path: Path) -> None:
    page = tmp_path / "feedbot.1"
    page.write_text(manual(root), "utf-8")
    assert not [line for line in page.read_text("utf-8").splitlines() if re.match(r"['.](?!TH|S[HS]|PP|TP|B )", line)]
    for checker in (["mandoc", "-T", "lint", "-W", "error"], ["groff", "-man", "-ww", "-z"]):
        if shutil.which(checker[0]):
            done = subprocess.run([*checker, page], capture_output=True, text=True, check=False)
            assert not done.stdout + done.stderr
