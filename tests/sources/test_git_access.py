"""How a git repository is reached, and what stands in the way of whoever should not be."""

from __future__ import annotations

import os
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from feedbot.errors import SourceError
from feedbot.sources.posts.git import Access, Repository
from feedbot.sources.posts.git.address import parse_address
from tests.support.git import Blog, Instead, Served, git_server
from tests.support.proxy import proxy_to

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
INFO = "/blog.git/info/refs"


class Place(Served):
    def open(self, address: str = "", timeout: float = 30.0, max_bytes: int = 10**8, **access: Any) -> Repository:
        fields = {"ca_file": self.ca_file, "allow_private": ("127.0.0.1",), **access}
        return Repository(
            address or self.server.url("blog.git"), self.folder, access=Access(**fields),
            timeout=timeout, max_bytes=max_bytes, clock=lambda: NOW,
        )  # fmt: skip

    def kept(self) -> bytes:
        """All that stands on disk, but for what was fetched."""
        files = [file for file in self.folder.rglob("*") if file.is_file() and "pack" not in file.parts]
        return b"".join(file.read_bytes() for file in files)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Blog:
    """The blog that all tests begin with."""
    blog = Blog(tmp_path_factory.mktemp("made") / "blog.git")
    blog.commit({"posts/a.md": "first"}, onto="")
    return blog


@pytest.fixture
def place(tmp_path: Path, authority: trustme.CA, ca_file: Path, made: Blog) -> Iterator[Place]:
    blog = made.copy(tmp_path / "served" / "blog.git")
    with git_server(tmp_path / "served", authority) as server:
        yield Place(blog, server, tmp_path / "state" / "blog", ca_file)


def error(repository: Repository) -> SourceError:
    with pytest.raises(SourceError) as raised:
        repository.head()
    return raised.value


# Addresses


@pytest.mark.parametrize(
    ("text", "url", "scheme", "host", "port"),
    [
        ("https://host.example/a/blog.git", "https://host.example/a/blog.git", "https", "host.example", 443),
        ("https://host.example:8443/blog/", "https://host.example:8443/blog", "https", "host.example", 8443),
        ("ssh://git@host.example:2222/a/blog", "ssh://git@host.example:2222/a/blog", "ssh", "host.example", 2222),
        ("git@Host.example:a/blog.git", "git@Host.example:a/blog.git", "ssh", "host.example", 22),
        ("https://robin:secret@host.example/blog", "https://host.example/blog", "https", "host.example", 443),
    ],
)
def test_https_and_ssh_addresses_are_read(text: str, url: str, scheme: str, host: str, port: int) -> None:
    address = parse_address(text)
    assert (address.url, address.scheme, address.host, address.port) == (url, scheme, host, port)
    assert "secret" not in repr(address) + address.name


@pytest.mark.parametrize(
    "text",
    [
        "http://host.example/blog", "git://host.example/blog", "file:///srv/blog.git", "/srv/blog.git", "../blog",
        "ext::sh -c touch% x", "ext::sh", "fd::7", "--upload-pack=touch x", "-oProxyCommand=x:blog",
        "ssh://-oProxyCommand=x/blog", "ssh://git:secret@host.example/blog", "ssh://host.example:99999999/x",
        "git@-host:blog", "host.example:-x", "https://", "https:///blog", "https://host example/blog", "", "C:\\blog",
        "https://host.example/a\nb", "remote-https::https://host.example/x", "user@host.example:\tx",
    ],
)  # fmt: skip
def test_all_other_addresses_are_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError) as raised:
        Repository(text, tmp_path / "clone").head()
    assert "secret" not in str(raised.value)


def test_private_addresses_are_refused_unless_listed(place: Place) -> None:
    refused = error(place.open(allow_private=()))
    assert "private address" in refused.message
    assert "allow_private" in refused.hint
    assert place.server.asked == []
    assert place.open(allow_private=("localhost",)).head()
    metadata = error(place.open("https://169.254.169.254/blog"))
    assert "machine metadata" in metadata.message


# Credentials


def test_a_token_is_sent_and_stands_nowhere(place: Place) -> None:
    place.server.token = "Basic " + b64encode(b"x-access-token:s3cr3t-token").decode()
    repository = place.open(token="s3cr3t-token\n")

    files = repository.files(repository.head())

    assert [content for _, content in repository.read(files, each=100, total=100)] == [b"first"]
    assert b"s3cr3t" not in place.kept()
    assert b64encode(b"x-access-token:s3cr3t-token") not in place.kept()
    assert place.server.place.encode() not in place.kept()


def test_a_password_in_the_address_is_sent_as_one(place: Place) -> None:
    place.server.token = "Basic " + b64encode(b"robin:pass word").decode()
    address = place.server.url("blog.git").replace("https://", "https://robin:pass%20word@")
    assert place.open(address).head() == place.blog.head()


def test_a_missing_and_a_wrong_token_are_told_apart(place: Place) -> None:
    place.server.token = "Basic something"
    assert "asks for a token" in error(place.open()).message
    wrong = error(place.open(token="wr0ng"))
    assert "does not accept the token" in wrong.message
    assert "wr0ng" not in str(wrong)


def test_nothing_of_the_users_own_configuration_is_used(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    witness = tmp_path / "witness"
    (home / ".gitconfig").write_text(
        f'[credential]\n\thelper = "!touch {witness}"\n[core]\n\taskPass = "touch {witness}"\n'
        f'[url "https://elsewhere.example/"]\n\tinsteadOf = "https://localhost"\n'
    )
    (home / ".netrc").write_text("machine localhost login robin password netrc-secret\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_ASKPASS", f"touch {witness}")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("GIT_SSL_NO_VERIFY", "1")
    place.server.token = "Basic something"

    assert "asks for a token" in error(place.open()).message
    assert "TLS certificate" in error(place.open(ca_file=None)).message
    assert not witness.exists()
    assert all("authorization" not in asked.headers for asked in place.server.asked)


def test_hooks_and_templates_do_not_run(place: Place, tmp_path: Path) -> None:
    repository = place.open()
    repository.fetch(repository.head())
    witness = tmp_path / "witness"
    hooks = place.folder / "clone.git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("reference-transaction", "post-checkout", "post-merge", "pre-auto-gc"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {witness}\n")
        (hooks / name).chmod(0o755)
    place.blog.commit({"posts/a.md": "edited"})
    repository.fetch(repository.head())
    assert not witness.exists()


@pytest.fixture
def fake_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ssh that notes what it is told and runs the command here."""
    folder = tmp_path / "bin"
    folder.mkdir()
    said = tmp_path / "said"
    script = folder / "ssh"
    script.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {said}\nenv >> {said}\nfor last; do :; done\n'
        'case "$last" in *denied*) echo "git@127.0.0.1: Permission denied (publickey)." >&2; exit 255;;\n'
        '*changed*) echo "Host key verification failed." >&2; exit 255;; esac\n'
        'eval "$last"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return said


def test_ssh_is_told_to_ask_nobody_and_to_connect_where_it_was_checked(place: Place, fake_ssh: Path) -> None:
    key = place.ca_file.with_name("a key")
    key.write_text("key")
    repository = place.open(f"ssh://git@localhost:2222{place.blog.folder}", key_file=key)

    files = repository.files(repository.head())

    assert [content for _, content in repository.read(files, each=100, total=100)] == [b"first"]
    said = fake_ssh.read_text().splitlines()
    for option in (
        "BatchMode=yes", "IdentitiesOnly=yes", f'IdentityFile="{key}"', "StrictHostKeyChecking=accept-new",
        f'UserKnownHostsFile="{place.folder / "known_hosts"}"', "HostName=127.0.0.1", "HostKeyAlias=[localhost]:2222",
        "none", "2222", "git@localhost",
    ):  # fmt: skip
        assert option in said, option


def test_what_ssh_complains_of_is_told(place: Place, fake_ssh: Path) -> None:
    assert "does not accept the ssh key" in error(place.open("git@localhost:denied.git")).message
    changed = error(place.open("git@localhost:changed.git"))
    assert "another ssh key" in changed.message
    assert str(place.folder / "known_hosts") in changed.hint
    assert "no git repository" in error(place.open("git@localhost:missing.git")).message


# What servers do


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "refuses to give out"), (404, "there is no git repository"), (410, "gone for good"),
     (500, "answers with an error"), (429, "asked later"), (503, "asked later")],
)  # fmt: skip
def test_refusals_are_told(place: Place, status: int, message: str) -> None:
    place.server.instead[INFO] = Instead(status, {"Retry-After": "120"})
    refused = error(place.open())
    assert message in refused.message
    assert refused.gone == (status == 410)
    assert refused.not_before == (NOW + timedelta(minutes=2) if status in (429, 503) else None)


def test_a_page_that_is_no_repository_is_told(place: Place) -> None:
    place.server.instead[INFO] = Instead(200, {"Content-Type": "text/html"}, b"<p>Hello</p>\n<p>There</p>\n")
    assert "not as a git repository" in error(place.open()).message


def test_a_redirect_is_followed_on_its_own_host(place: Place) -> None:
    there = f"{place.server.url('blog.git')}/info/refs?service=git-upload-pack"
    place.server.instead["/old/info/refs"] = Instead(301, {"Location": there})
    repository = place.open(place.server.url("old"))
    files = repository.files(repository.head())
    assert [content for _, content in repository.read(files, each=100, total=100)] == [b"first"]


@pytest.mark.parametrize(
    "there", ["https://elsewhere.example/blog.git", "http://localhost/blog.git", "https://localhost:1/x", "file:///x"]
)
def test_a_redirect_to_another_host_is_told_and_not_followed(place: Place, there: str) -> None:
    place.server.instead[INFO] = Instead(302, {"Location": f"{there}/info/refs?service=git-upload-pack"})
    moved = error(place.open())
    assert f"has moved to {there}" in moved.message


def test_redirects_in_a_circle_end(place: Place) -> None:
    place.server.instead[INFO] = Instead(302, {"Location": f"{INFO}?service=git-upload-pack"})
    assert "redirects too often" in error(place.open()).message


def test_a_server_that_does_not_answer_is_given_up_in_time(place: Place) -> None:
    place.server.pause.clear()
    begun = time.monotonic()
    late = error(place.open(timeout=0.7))
    assert "did not end within 0.7 s" in late.message
    assert time.monotonic() - begun < 1.7


def test_the_deadline_is_for_all_commands_of_a_poll_and_begins_anew_with_the_next(place: Place) -> None:
    repository = place.open(timeout=3.0)
    head = repository.head()
    place.server.pause.clear()
    place.blog.commit({"posts/a.md": "edited"})
    with pytest.raises(SourceError, match="did not end"):
        repository.fetch(place.blog.head())
    with pytest.raises(SourceError, match="did not end"):
        repository.history(head)
    place.server.pause.set()
    repository.fetch(repository.head())


def test_more_than_the_cap_is_not_fetched(place: Place) -> None:
    place.blog.git("config", "uploadpack.allowFilter", "false")
    place.blog.commit({"film.bin": os.urandom(3_000_000)})
    repository = place.open(max_bytes=1_000_000)
    with pytest.raises(SourceError, match="sends more than 1 MB"):
        repository.fetch(repository.head())
    assert sum(file.stat().st_size for file in place.folder.rglob("*") if file.is_file()) < 100_000


def test_git_that_is_not_installed_is_told(place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert error(place.open()).message == "git is not installed"


def test_a_server_that_refuses_connections_is_told(place: Place) -> None:
    place.server.close()
    assert "localhost cannot be reached" in error(place.open()).message


def test_a_folder_that_cannot_be_written_is_told(place: Place, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    assert str(tmp_path / "state") in error(place.open()).message


def test_a_lock_that_another_process_holds_is_waited_for_only_so_long(place: Place) -> None:
    from filelock import FileLock

    place.open().head()
    with FileLock(place.folder / "clone.lock"):
        assert "another feedbot" in error(place.open(timeout=0.3)).message


# A proxy


def test_a_repository_is_reached_through_the_proxy_but_for_what_is_listed(place: Place) -> None:
    with proxy_to(place.server.port) as proxy:
        through = f"http://{proxy.address}"
        near = place.open(proxy=through).head()
        assert proxy.asked == []

        far = place.open("https://blog.example/blog.git", proxy=through, allow_private=()).head()
        refused = error(place.open("https://127.0.0.1/blog.git", proxy=through, allow_private=()))

    assert far == near
    assert set(proxy.asked) == {"CONNECT blog.example:443"}
    assert "127.0.0.1:443 is a private address" in refused.message
