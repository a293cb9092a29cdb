"""A private repository over ssh, from a real server."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from feedbot.errors import SourceError
from feedbot.sources.posts.git import Access, Repository
from tests.support.git import Blog

SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
pytestmark = pytest.mark.skipif(not SSHD or not shutil.which("ssh"), reason="there is no ssh server to talk to")
ME = pwd.getpwuid(os.getuid()).pw_name


@dataclass
class Host:
    """An ssh server that knows one key."""

    folder: Path
    port: int
    blog: Blog

    def open(self, state: Path, key: str = "key", timeout: float = 20.0) -> Repository:
        access = Access(key_file=self.folder / key, allow_private=("127.0.0.1",))
        address = f"ssh://{ME}@localhost:{self.port}{self.blog.folder}"
        return Repository(address, state, access=access, timeout=timeout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a host")
    for name in ("host", "other_host", "key", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    shutil.copy(folder / "key.pub", folder / "authorized")
    return folder


@pytest.fixture(scope="module")
def host(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    blog = Blog(tmp_path_factory.mktemp("served") / "blog.git")
    blog.commit({"posts/a.md": "first"})
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = served(folder, port, "host")
    yield Host(folder, port, blog)
    server.kill()
    server.wait()


def served(folder: Path, port: int, key: str) -> subprocess.Popen[bytes]:
    """Start a server, and wait until it answers."""
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": f'"{folder / key}"',
        "AuthorizedKeysFile": f'"{folder / "authorized"}"',
        "PidFile": "none",
        "UsePAM": "no",
        "StrictModes": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "prohibit-password",
    }
    config = folder / f"{key}.conf"
    config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself up
    assert SSHD
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
    until = time.monotonic() + 10
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        time.sleep(0.02)
    raise AssertionError("the ssh server did not start")


def test_a_repository_is_read_with_a_key(host: Host, tmp_path: Path) -> None:
    repository = host.open(tmp_path / "state")
    files = repository.files(repository.head())
    assert [content for _, content in repository.read(files, each=100, total=100)] == [b"first"]
    host.blog.commit({"posts/b.md": "second"})
    assert [file.name for file in repository.files(repository.head())] == ["posts/a.md", "posts/b.md"]


def test_a_key_that_the_host_does_not_know_is_told_without_a_prompt(host: Host, tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(SourceError, match="does not accept the ssh key"):
        host.open(tmp_path / "state", key="stranger").head()
    assert time.monotonic() - begun < 10


def test_the_key_of_a_host_is_remembered_and_another_one_refused(folder: Path, host: Host, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    there = Host(folder, port, host.blog)
    for key, refused in (("host", False), ("other_host", True)):
        server = served(folder, port, key)
        try:
            if refused:
                with pytest.raises(SourceError, match="another ssh key than it did before"):
                    there.open(tmp_path / "state").head()
            else:
                there.open(tmp_path / "state").head()
        finally:
            server.kill()
            server.wait()
    known = (tmp_path / "state/known_hosts").read_text().splitlines()
    assert [line.split()[0] for line in known] == [f"[localhost]:{port}"]


def test_a_host_that_accepts_and_says_nothing_is_given_up_in_time(folder: Path, host: Host, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = Host(folder, silent.getsockname()[1], host.blog)
        begun = time.monotonic()
        with pytest.raises(SourceError, match="did not end within"):
            there.open(tmp_path / "state", timeout=0.5).head()
        assert time.monotonic() - begun < 5
