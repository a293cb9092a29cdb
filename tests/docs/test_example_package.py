"""The example of a package that adds to feedbot: installed beside it, and run as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.docs.pages import blocks
from tests.support.web import Answer, Asked, WebServer

PACKAGE = PROJECT / "docs" / "examples" / "feedbot-pager"
CONFIG = """
[feedbot]
allow_private = ["127.0.0.1"]

[sources.pages]
type = "pager-log"
server = "{server}"
interval = "0s"
backfill = "all"

[sinks.on-call]
type = "pager"
server = "{server}"
token_file = "token"
to = "ada"
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as an installer leaves it: the modules, and metadata with the entry points of pyproject.toml."""
    folder = tmp_path_factory.mktemp("site-packages")
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    (folder / "feedbot_pager").symlink_to(PACKAGE / "feedbot_pager")
    metadata = folder / f"feedbot_pager-{project['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in project["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(groups))
    return folder


@pytest.fixture
def gateway(web: WebServer) -> WebServer:
    sent = [{"id": 1, "text": "Disk full", "sent": "2026-11-21T12:00:00+00:00"}]
    web.serve("/log", json.dumps(sent), "application/json")
    web.answers["/page"] = Answer(202)
    return web


def run(*arguments: str, cwd: Path, path: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(path), str(PROJECT)))}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_the_package_reads_and_pages(installed: Path, gateway: WebServer, tmp_path: Path) -> None:
    (tmp_path / "feedbot.toml").write_text(CONFIG.format(server=gateway.url("")))
    (tmp_path / "token").write_text("let-me-in")

    first = run("-m", "feedbot", "run", "--json", cwd=tmp_path, path=installed)
    again = run("-m", "feedbot", "run", "--json", cwd=tmp_path, path=installed)

    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout)["sources"]["pages"]["new"] == ["page:1"]
    assert json.loads(first.stdout)["deliveries"]["on-call"]["sent"] == 1
    assert json.loads(again.stdout)["sources"]["pages"]["status"] == "not-modified"
    (page,) = [asked for asked in gateway.asked if asked.path == "/page"]
    assert page.headers["authorization"] == "Bearer let-me-in"
    assert json.loads(page.body)["text"].startswith("new: Disk full")


def test_a_gateway_that_has_too_much_to_do_is_paged_later(installed: Path, gateway: WebServer, tmp_path: Path) -> None:
    def busy(_asked: Asked) -> Answer:
        return Answer(503, headers={"Retry-After": "60"})

    gateway.answers["/page"] = busy
    (tmp_path / "feedbot.toml").write_text(CONFIG.format(server=gateway.url("")))
    (tmp_path / "token").write_text("let-me-in")

    done = run("-m", "feedbot", "run", "--json", cwd=tmp_path, path=installed)

    assert (
        json.loads(done.stdout)["deliveries"]["on-call"] | {"sent": 0, "pending": 1, "dead": 0}
        == (json.loads(done.stdout)["deliveries"]["on-call"])
    )


def test_its_configuration_is_checked_as_any_other(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "feedbot.toml").write_text(CONFIG.replace("to =", "too =").format(server="https://pager.example.org"))
    (tmp_path / "token").write_text("let-me-in")

    done = run("-m", "feedbot", "check", cwd=tmp_path, path=installed)

    assert done.returncode == 2
    assert 'did you mean "to"' in done.stderr


def test_the_configuration_that_its_page_shows_is_right(installed: Path, tmp_path: Path) -> None:
    (shown,) = [block for block in blocks(PACKAGE / "README.md") if block.language == "toml"]
    (tmp_path / "feedbot.toml").write_text(shown.text.replace("${PAGER_TOKEN}", "x"))

    done = run("-m", "feedbot", "check", "-q", cwd=tmp_path, path=installed)

    assert done.returncode == 0, done.stderr


def test_its_own_tests_pass(installed: Path, tmp_path: Path) -> None:
    done = run(
        "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", str(PACKAGE / "tests"), cwd=tmp_path, path=installed
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_page_about_plugins_shows_what_is_in_the_package() -> None:
    whole = "\n".join(path.read_text() for path in sorted(PACKAGE.rglob("*")) if path.suffix in (".py", ".toml"))
    for block in blocks(PROJECT / "docs" / "plugins.md"):
        if block.language in ("python", "toml"):
            for part in block.text.split("\n...\n"):
                assert part.strip() in whole, f"{block} is not what the package has"
