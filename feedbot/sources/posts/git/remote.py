"""Runs the commands of git that ask the other side, which is checked, pinned and watched."""

from __future__ import annotations

import shlex
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from math import ceil
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from feedbot.errors import SourceError
from feedbot.sources.posts.git import troubles
from feedbot.sources.posts.git.address import (
    Access,
    Address,
    authorization,
    is_literal,
    is_near,
    parse_address,
    resolve,
)
from feedbot.sources.posts.git.clone import Clone
from feedbot.sources.posts.git.command import Done, Git, TooLargeError, UnsoundError

_MAX_REDIRECTS = 3
_TRACE = {"GIT_TRACE_CURL": "1", "GIT_TRACE_CURL_NO_DATA": "1", "GIT_TRACE_REDACT": "1"}
"""Makes git tell of the server's answers, whose status and headers it keeps to itself otherwise."""


class Remote:
    """The other side of a clone."""

    def __init__(
        self,
        address: str,
        access: Access,
        git: Git,
        clone: Clone,
        clock: Callable[[], datetime],
    ) -> None:
        self._text = address
        self._access = access
        self._git = git
        self._clone = clone
        self._clock = clock
        self._led = ""
        self._numbers: tuple[str, ...] = ()

    @cached_property
    def address(self) -> Address:
        """Where it is. Raises SourceError."""
        return parse_address(self._text)

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.address.name

    def begin(self) -> None:
        """Begin a new poll: its host is looked up anew."""
        self._numbers = ()

    def references(self, wanted: str) -> dict[str, str]:
        """The commits of the references that match. Raises SourceError."""
        for _ in range(_MAX_REDIRECTS):
            done = self._ask("ls-remote", "--quiet", "--", "feedbot", wanted)
            if not done.code:
                break
            self._led = self._led_to(done)
        else:
            raise SourceError(f"{self.name} redirects too often", "check the address")
        lines = (line.split("\t", 1) for line in done.out.decode("utf-8", "replace").splitlines())
        found = {name: commit for commit, name in (line for line in lines if len(line) == 2)}
        return {name: found[name] for name in found if wanted == name or wanted.endswith("*")}

    def run(self, *arguments: str, most: int, data: bytes = b"", settings: Mapping[str, str] | None = None) -> None:
        """Run a command that fetches at most ``most`` bytes.

        Raises TooLargeError above that, and UnsoundError where it fails for no reason of the other side.
        """
        done = self._ask(*arguments, most=most, data=data, settings=settings)
        if done.code:
            raise self._trouble(done)

    def _ask(
        self, *arguments: str, most: int = 0, data: bytes = b"", settings: Mapping[str, str] | None = None
    ) -> Done:
        reach = self._https if self.address.scheme == "https" else self._ssh
        own, environment = reach()
        before = self._clone.size()

        def watch() -> None:
            if self._clone.size() - before > most:
                raise TooLargeError(f"{self.name} sends more than {most / 1e6:g} MB", "raise max_bytes if you want it")

        named = {
            "remote.feedbot.url": self._led or self.address.url,
            # Said here and nowhere in the clone, whose local commands so never fetch what is missing.
            "remote.feedbot.promisor": "true",
            "remote.feedbot.partialclonefilter": "blob:none",
            **own,
            **(settings or {}),
        }
        opened = {"GIT_ALLOW_PROTOCOL": self.address.scheme, **_TRACE, **environment}
        try:
            return self._git.run(*arguments, data=data, settings=named, environment=opened, watch=watch)
        except TooLargeError:
            self._clone.tidy()
            raise

    def _https(self) -> tuple[dict[str, str], dict[str, str]]:
        address, access = self.address, self._access
        settings = {
            # So that a git whose feedbot was killed ends as well, should its server hang.
            "http.lowSpeedLimit": "1",
            "http.lowSpeedTime": str(ceil(self._git.left) + 1),
        }
        if access.proxy and not is_near(address, access.allow_private):
            settings["http.proxy"] = access.proxy
            if is_literal(address):  # a name is the proxy's to look up
                self._resolved()
        elif address.host not in (numbers := self._resolved()):
            settings["http.curloptResolve"] = f"{address.host}:{address.port}:{','.join(numbers)}"
        if access.ca_file is not None:
            if not access.ca_file.is_file():
                raise SourceError(f"the ca_file {access.ca_file} is not there")
            settings["http.sslCAInfo"] = str(access.ca_file)
            settings |= {"http.sslCAPath": folder} if (folder := ssl.get_default_verify_paths().capath) else {}
        if header := authorization(address, access):
            # The key is bound to the host, and both go by the environment: arguments are for all to see.
            parts = urlsplit(address.url)
            settings[f"http.{parts.scheme}://{parts.netloc}/.extraHeader"] = f"Authorization: {header}"
        return settings, {}

    def _ssh(self) -> tuple[dict[str, str], dict[str, str]]:
        address, key = self.address, self._access.key_file
        if key is not None and not key.is_file():
            raise SourceError(f"the ssh key {key} is not there")
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "accept-new",
            "UserKnownHostsFile": _ssh_path(self._clone.known_hosts),
            "HostName": self._resolved()[0],
            "HostKeyAlias": address.host if address.port == 22 else f"[{address.host}]:{address.port}",
            "CheckHostIP": "no",
            "ClearAllForwardings": "yes",
            "ForwardAgent": "no",
            "PermitLocalCommand": "no",
            "ConnectTimeout": str(ceil(self._git.left) + 1),
            **({"IdentitiesOnly": "yes", "IdentityFile": _ssh_path(key)} if key is not None else {}),
        }
        words = ["ssh", "-F", "none", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
        return {}, {"GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"}

    def _resolved(self) -> tuple[str, ...]:
        """The addresses that were checked, and that alone are connected to until the next poll."""
        if not self._numbers:
            begun = monotonic()
            try:
                self._numbers = resolve(self.address, self._access.allow_private, self._git.left)
            finally:
                self._git.spend(monotonic() - begun)
        return self._numbers

    def _led_to(self, done: Done) -> str:
        """Where a redirect leads, on the same host. Raises SourceError where it was none, or leads elsewhere."""
        answer = troubles.last_answer(done.err)
        there = troubles.led_to(self._led or self.address.url, answer) if answer.redirects else ""
        try:
            target = parse_address(there) if there.startswith("https://") else None
        except SourceError:
            target = None
        own = self.address
        if target is None or (target.host, target.port, target.scheme) != (own.host, own.port, own.scheme):
            raise self._trouble(done)
        return target.url

    def _trouble(self, done: Done) -> SourceError:
        secret = bool(self._access.token.strip() or self.address.authorization)
        hosts = str(self._clone.known_hosts)
        found = troubles.explain(done.err, self.address, secret=secret, known_hosts=hosts, now=self._clock())
        return found or UnsoundError(f"{self.name} cannot be read: {troubles.said(done.err)}")


def _ssh_path(path: Path) -> str:
    """A path as an option of ssh takes it: with blanks, and with no ``%`` that stands for something."""
    return '"' + str(path.absolute()).replace("%", "%%") + '"'
