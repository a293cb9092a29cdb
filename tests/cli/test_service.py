"""feedbot service print: files that other programs take as they are."""

from __future__ import annotations

import configparser
import plistlib
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from feedbot.cli.servicefiles import FILES, Place
from feedbot.errors import UsageError
from tests.support.cli import feedbot


def place(folder: Path = Path("/srv/feed bot"), **fields: Any) -> Place:
    standing = {
        "program": Path("/opt/feedbot/bin/feedbot"),
        "config": folder / "feedbot.toml",
        "state": folder / "state" / "feedbot.db",
        "output": folder / "public",
        "user": "root",
    }
    return Place(**{**standing, **fields})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "feedbot.toml").write_text('[sources.a]\ntype = "feed"\npath = "a.xml"\n')
    return tmp_path


@pytest.mark.parametrize("kind", FILES)
def test_each_file_names_the_paths_of_this_installation(folder: Path, kind: str) -> None:
    done = feedbot("service", "print", kind, cwd=folder)

    assert done.code == 0
    assert str(folder / "public" if kind == "nginx" else folder) in done.out
    if kind not in ("nginx", "docker"):
        assert "/feedbot" in done.out


def test_the_unit_ends_and_fails_as_the_daemon_does() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(FILES["systemd"](place()))

    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["ExecStart"] == '/opt/feedbot/bin/feedbot daemon --config "/srv/feed bot/feedbot.toml"'
    assert service["EnvironmentFile"] == "-/srv/feed bot/feedbot.env"
    assert service["Environment"] == '"STATE_DIRECTORY=/srv/feed bot/state"'
    assert service["ReadWritePaths"] == '"/srv/feed bot/state" "/srv/feed bot/public"'
    assert service["SuccessExitStatus"] == "143 130"


def test_a_dollar_sign_is_doubled_where_units_expand_variables_and_nowhere_else() -> None:
    unit = FILES["systemd"](place(Path("/srv/$feeds/100%")))
    assert "--config /srv/$$feeds/100%%/feedbot.toml\n" in unit
    assert "ReadWritePaths=/srv/$feeds/100%%/state /srv/$feeds/100%%/public\n" in unit


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    program = tmp_path / "feedbot"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    here = place(tmp_path, program=program)
    (tmp_path / "state").mkdir()
    (tmp_path / "public").mkdir()
    (tmp_path / "feedbot.service").write_text(FILES["systemd"](here))
    run, _, timer = FILES["timer"](here).partition("# /etc/systemd/system/feedbot-run.timer\n")
    (tmp_path / "feedbot-run.service").write_text(run)
    (tmp_path / "feedbot-run.timer").write_text(timer)
    units = [tmp_path / name for name in ("feedbot.service", "feedbot-run.service", "feedbot-run.timer")]
    for unit in units:
        assert "[Unit]" in unit.read_text()
    if verify is not None:
        done = subprocess.run([verify, "verify", *units], capture_output=True, text=True, check=False)
        own = [line for line in done.stderr.splitlines() if "feedbot" in line]
        assert not own, own


def test_a_crontab_line_is_quoted_for_the_shell_and_for_cron() -> None:
    line = FILES["cron"](place(Path("/srv/100% feeds"))).splitlines()[-1]
    assert line == "*/15 * * * * /opt/feedbot/bin/feedbot run -q --config '/srv/100\\% feeds/feedbot.toml'"


def test_the_agent_of_macos_is_a_property_list() -> None:
    agent = plistlib.loads(FILES["launchd"](place(Path("/srv/a & b"))).encode())
    assert agent["ProgramArguments"][-1] == "/srv/a & b/feedbot.toml"


def test_the_compose_file_has_everything_where_it_is_outside() -> None:
    composed = yaml.safe_load(FILES["docker"](place(Path("/srv/$feeds"), read=(Path("/srv/blog"),))))
    container = composed["services"]["feedbot"]

    def mounted(path: str) -> dict[str, object]:
        return {"type": "bind", "source": path, "target": path}

    assert container["environment"] == {
        "FEEDBOT_CONFIG": "/srv/$$feeds/feedbot.toml",
        "STATE_DIRECTORY": "/srv/$$feeds/state",
    }
    assert container["env_file"] == [{"path": "/srv/$$feeds/feedbot.env", "required": False}]
    assert container["volumes"] == [
        mounted("/srv/$$feeds") | {"read_only": True},
        mounted("/srv/blog") | {"read_only": True},
        mounted("/srv/$$feeds/state"),
        mounted("/srv/$$feeds/public"),
    ]
    assert (container["user"], container["read_only"], container["cap_drop"]) == ("1000:1000", True, ["ALL"])


def test_a_folder_that_is_written_to_is_mounted_once_and_not_read_only() -> None:
    here = place(Path("/srv/feeds"), state=Path("/srv/feeds/feedbot.db"), written=(Path("/srv/feeds/mails"),))
    assert (here.writable, here.readable) == ((Path("/srv/feeds"),), ())


def test_services_may_write_to_the_folders_of_sinks_and_read_those_of_sources(folder: Path) -> None:
    (folder / "blog").mkdir()
    with (folder / "feedbot.toml").open("a") as config:
        config.write('[sources.b]\ntype = "posts"\npath = "blog/../blog"\nsite = "https://blog.example.org"\n')
        config.write('[feedbot]\nstate = "state/feedbot.db"\n')
        config.write('[sinks.log]\ntype = "file"\npath = "../outbox/"\n')

    unit = feedbot("service", "print", "systemd", cwd=folder)
    compose = feedbot("service", "print", "docker", cwd=folder)

    assert f"ReadWritePaths={folder}/state {folder}/public {folder.parent}/outbox\n" in unit.out
    assert f"{folder.parent}/outbox: not there yet" in unit.err.replace(f"{folder}/state, {folder}/public, ", "")
    assert f'"source": "{folder.parent}/outbox"' in compose.out


def test_nginx_serves_the_feeds_where_base_url_says() -> None:
    def location(base_url: str) -> str:
        return FILES["nginx"](place(base_url=base_url)).splitlines()[1]

    assert location("https://blog.example.org/all%20feeds") == 'location "/all feeds/" {'
    assert location("https://feeds.example.org") == 'location "/" {'
    assert location("") == 'location "/feeds/" {'


def test_a_path_that_nginx_cannot_be_told_is_refused() -> None:
    with pytest.raises(UsageError, match="for a variable"):
        FILES["nginx"](place(Path("/srv/$feeds")))


def test_nginx_knows_aliases_and_pages_and_leaves_out_what_wants_a_token(folder: Path) -> None:
    (folder / "feedbot.toml").write_text(
        '[sources.a]\ntype = "feed"\npath = "a.xml"\n'
        '[feeds.all]\nformats = ["rss", "html"]\naliases = ["feeds/default"]\n'
        '[feeds.few]\nformats = ["atom", "html"]\naliases = ["old/few"]\ntoken = "opensesame"\n'
    )
    lines = [line.strip() for line in feedbot("service", "print", "nginx", cwd=folder).out.splitlines()]

    def inside(begin: str) -> str:
        return lines[lines.index(begin) + 1]

    assert inside('location = "/feeds/feeds/default" {') == "types { } default_type application/rss+xml;"
    assert inside('if ($http_accept ~* "^text/html") {').startswith('rewrite "^(/feeds/(?:all)(?:/')
    assert inside('location = "/feeds/old/few" {') == inside('location ~* "^/feeds/(?:few)[./]" {') == "return 404;"
    assert "opensesame" not in "".join(lines)


def test_nginx_takes_its_location(tmp_path: Path) -> None:
    nginx = shutil.which("nginx")
    folder = tmp_path / "all feeds"
    feeds = {"paged": ("all", "b"), "guarded": ("few",), "aliases": {"feeds/old one": "application/rss+xml", "x": ""}}
    text = FILES["nginx"](place(folder, base_url="https://x.example/a%20b/", **feeds))
    assert f'alias "{folder}/public/";' in text
    if nginx is not None:
        config = tmp_path / "nginx.conf"
        config.write_text(
            f"pid {tmp_path}/pid; error_log {tmp_path}/log; events {{}}\n"
            f"http {{ access_log off; server {{ listen 127.0.0.1:9; {text} }} }}\n"
        )
        done = subprocess.run([nginx, "-t", "-c", config], capture_output=True, text=True, check=False)
        assert "syntax is ok" in done.stderr, done.stderr
        assert "[warn]" not in done.stderr
