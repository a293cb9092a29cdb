"""What a server of an installation makes of another configuration while it runs."""

from __future__ import annotations

import http.client
from pathlib import Path

import pytest

from feedbot.errors import UsageError
from feedbot.settings import Configuration, load
from feedbot.web.hosting import Hosting


def configuration(folder: Path, output: str, token: str = "") -> Configuration:
    """Of an installation whose only file says in which folder it is."""
    (folder / output).mkdir()
    (folder / output / "all.atom").write_text(output)
    guard = f'token = "{token}"\n' if token else ""
    path = folder / "feedbot.toml"
    path.write_text(f'[feedbot]\noutput = "{output}"\n{guard}[sources.blog]\ntype = "posts"\npath = "."\n[feeds.all]\n')
    return load(path, {})


def served(hosting: Hosting) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", int(hosting.server.address.rstrip("/").rpartition(":")[2]))
    connection.request("GET", "/all.atom")
    try:
        return connection.getresponse().read().decode()
    finally:
        connection.close()


def test_a_reload_that_drops_the_token_is_refused_where_strangers_reach_the_server(tmp_path: Path) -> None:
    hosting = Hosting(configuration(tmp_path, "first", "opensesame"), "0.0.0.0", 0)
    with hosting.server.running():
        with pytest.raises(UsageError, match="no token guards"):
            hosting.replace(configuration(tmp_path, "second"))
        assert served(hosting) == "first"

        hosting.replace(configuration(tmp_path, "third", "another"))
        assert served(hosting) == "third"


def test_on_an_address_of_this_machine_alone_a_token_may_go(tmp_path: Path) -> None:
    hosting = Hosting(configuration(tmp_path, "first", "opensesame"), "127.0.0.1", 0)
    with hosting.server.running():
        hosting.replace(configuration(tmp_path, "second"))
        assert served(hosting) == "second"
