"""Where a repository is and how it may be reached: https and ssh alone, and no private network that is not listed."""

from __future__ import annotations

import re
from base64 import b64encode
from pathlib import Path

from msgspec import Struct

from feedbot.errors import SourceError
from feedbot.http import HttpError
from feedbot.http.guard import parse_allowance
from feedbot.http.proxy import is_direct, literal
from feedbot.http.target import parse_target, shown
from feedbot.http.wire import admitted

_USUAL_USER = "x-access-token"  # the hosts that give out tokens take any name, and GitHub's own apps this one
_SSH = re.compile(
    r"(?:ssh://)(?P<user>[\w.][\w.-]*@)?(?P<host>[\w.][\w.-]*|\[[0-9a-fA-F:]+\])(?::(?P<port>\d{1,5}))?(?P<path>/.+)"
)
_SCP = re.compile(r"(?P<user>[\w.][\w.-]*@)?(?P<host>[\w.][\w.-]+):(?P<path>[^-:\\].*)")
_HINT = "write it as https://host/path, ssh://user@host/path or user@host:path"


class Access(Struct, frozen=True, kw_only=True):
    """What opens a repository. ``token`` is a password too; ``username`` goes with it where the host asks for one.

    ``key_file`` is a private key for ssh (none: the ones that ssh finds). ``ca_file`` is trusted beside the system's
    authorities. ``proxy`` is the address of an HTTP proxy to go through over https, but for what ``allow_private``
    lists, which are the addresses beside the public ones that may be asked.
    """

    token: str = ""
    username: str = ""
    key_file: Path | None = None
    ca_file: Path | None = None
    proxy: str = ""
    allow_private: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Access({self.username!r})"


class Address(Struct, frozen=True):
    """A repository's address. ``url`` is what git is told, which holds no secret.

    ``authorization`` is the value of a Basic ``Authorization`` that was written into the address, or "".
    """

    url: str
    scheme: str
    host: str
    port: int
    authorization: str = ""

    def __repr__(self) -> str:
        return f"Address({self.url!r})"

    @property
    def name(self) -> str:
        """What messages call it."""
        return shown(self.url) if self.scheme == "https" else self.url.removeprefix("ssh://")


def parse_address(text: str) -> Address:
    """Read the address of a repository. Raises SourceError where it is none that may be asked."""
    text = text.strip()
    if not text.isprintable() or " " in text:
        raise SourceError("the address of the git repository has a blank or a control character in it", _HINT)
    if text.startswith("https://"):
        try:
            target = parse_target(text)
        except HttpError as error:
            raise SourceError(error.message, error.hint) from None
        url = target.url.partition("#")[0].rstrip("/")
        return Address(url, "https", target.host, target.port, target.credentials)
    found = _SSH.fullmatch(text) or ("://" not in text and "::" not in text and _SCP.fullmatch(text))
    if found:
        port = int(found.groupdict().get("port") or 22)
        return Address(text, "ssh", found["host"].strip("[]").lower(), port)
    if text.startswith("ssh://"):
        raise SourceError("the ssh address of the git repository cannot be used", f"{_HINT}, without a password")
    scheme = re.match(r"[a-z0-9+.-]+(?=:)", text)
    if scheme and scheme[0] != "file":
        raise SourceError(f"a git repository is read over https or ssh, not over {scheme[0]}", _HINT)
    raise SourceError(
        "a git repository is read over https or ssh", 'for a folder on this machine set "path" instead of "git"'
    )


def authorization(address: Address, access: Access) -> str:
    """The value of the ``Authorization`` header (RFC 7617) for https, "" where no secret is set. Raises SourceError."""
    token = access.token.strip()
    if not token:
        return address.authorization
    if not token.isprintable() or not access.username.isprintable():
        raise SourceError("the token of the git repository has a line break or a control character in it")
    pair = f"{access.username or _USUAL_USER}:{token}"
    return "Basic " + b64encode(pair.encode()).decode()


def is_literal(address: Address) -> bool:
    """Whether its host needs no looking up."""
    return literal(address.host) is not None


def is_near(address: Address, allow_private: tuple[str, ...]) -> bool:
    """Whether its host is reached without a proxy. Raises SourceError where an entry of ``allow_private`` is none."""
    try:
        return is_direct(address.host, address.port, [parse_allowance(entry) for entry in allow_private])
    except ValueError as error:
        raise SourceError(f"allow_private: {error}") from None


def resolve(address: Address, allow_private: tuple[str, ...], seconds: float) -> tuple[str, ...]:
    """The addresses of its host that may be connected to. Raises SourceError where there is none.

    One answer that is neither public nor listed refuses them all, but for those that are listed.
    """
    try:
        return tuple(admitted(address.host, address.port, allow_private, seconds))
    except ValueError as error:
        raise SourceError(f"allow_private: {error}") from None
    except HttpError as error:
        raise SourceError(error.message, error.hint) from None
