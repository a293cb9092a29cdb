"""Looks whether the hosts of a configuration can be reached, without reading or sending anything."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from pydantic import SecretStr

from feedbot.core.checkup import SINKS, SOURCES, Finding, problem
from feedbot.errors import SourceError
from feedbot.http import Fetcher, HttpError, Request
from feedbot.http.guard import authority
from feedbot.http.target import parse_target
from feedbot.http.wire import admitted
from feedbot.paths import located
from feedbot.settings import Configuration

_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/lib"))
_MAIL_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class Place(Struct, frozen=True, kw_only=True):
    """A host that sources or sinks are at: by the ``url`` of its root where it is asked over HTTP, else by its port."""

    owners: tuple[str, ...]
    code: int
    host: str
    port: int
    url: str = ""
    allowed: tuple[str, ...] = ()
    verify_tls: bool = True

    @property
    def topic(self) -> str:
        more = f" and {len(self.owners) - 1} more" if len(self.owners) > 1 else ""
        return f"{'source' if self.code == SOURCES else 'sink'} {self.owners[0]}{more}"


def places(configuration: Configuration) -> list[Place]:
    """Each host once, with the sources and the sinks that are there. What is on this machine is none."""
    found: dict[Place, Place] = {}
    everywhere = tuple(configuration.feedbot.allow_private)
    for code, tables in ((SOURCES, configuration.sources), (SINKS, configuration.sinks)):
        for name, settings in tables.items():
            if getattr(settings, "paused", False):
                continue
            for place in _places(name, settings, code, everywhere):
                key = replace(place, owners=())
                owners = (*found[key].owners, name) if key in found else (name,)
                found[key] = replace(place, owners=owners)
    return list(found.values())


def reached(place: Place, client: Fetcher, seconds: float, ahead: list[timedelta]) -> Iterator[Finding]:
    """Whether a host answers; what its clock says goes into ``ahead``, which is by how much ours is before it."""
    begun = monotonic()
    try:
        if place.url:
            how = _asked(place, client, seconds, ahead)
        else:
            how = _connected(place, seconds)
    except HttpError as error:
        yield problem(place.topic, error.message, error.hint, place.code)
    else:
        took = (monotonic() - begun) * 1000
        yield Finding(place.topic, f"{authority(place.host, place.port)} {how} ({took:.0f} ms)")


def local(configuration: Configuration) -> Iterator[Finding]:
    """Whether the programs are there that sinks run, and the folders that they write to."""
    for name, settings in configuration.sinks.items():
        for program in _programs(settings):
            if shutil.which(program, path=_PATH) is None and not (configuration.folder / program).exists():
                hint = "install it, or name its whole path"
                yield problem(f"sink {name}", f"the program {program} is not there", hint, SINKS)
        if settings.type == "file":
            folder = located(configuration.folder, str(getattr(settings, "path", ""))).parent
            there = next(each for each in (folder, *folder.parents) if each.exists())
            if not there.is_dir() or not os.access(there, os.W_OK):
                yield problem(f"sink {name}", f"{there} cannot be written to", "check who owns it", SINKS)


def _places(name: str, settings: Any, code: int, everywhere: tuple[str, ...]) -> Iterator[Place]:
    """Where a source or a sink is, as far as its settings tell: an address, a repository, or a host."""
    allowed = (*getattr(settings, "allow_private", ()), *everywhere)
    verify = bool(getattr(settings, "verify_tls", True))
    for key in ("url", "server"):
        address = getattr(settings, key, "")
        address = address.get_secret_value() if isinstance(address, SecretStr) else str(address or "")
        if address.startswith(("http://", "https://")):
            with suppress(HttpError):
                target = parse_target(address)
                root = f"{target.scheme}://{target.authority}/"
                yield Place(owners=(name,), code=code, host=target.host, port=target.port, url=root, allowed=allowed,
                            verify_tls=verify)  # fmt: skip
                return
    if repository := getattr(settings, "git", ""):
        from feedbot.sources.posts.git.address import parse_address

        with suppress(SourceError):
            there = parse_address(repository)
            yield Place(owners=(name,), code=code, host=there.host, port=there.port, allowed=allowed)
    elif (host := getattr(settings, "host", "")) and not host.startswith("/"):
        port = getattr(settings, "port", 0) or _usual_port(settings)
        yield Place(owners=(name,), code=code, host=host, port=port, allowed=(*allowed, *_literal(host)))


def _usual_port(settings: Any) -> int:
    if settings.type == "mqtt":
        return 8883 if getattr(settings, "tls", False) else 1883
    return 24 if getattr(settings, "transport", "") == "lmtp" else _MAIL_PORTS.get(getattr(settings, "tls", ""), 25)


def _literal(host: str) -> tuple[str, ...]:
    """A host that is written as an address, or as localhost, is meant as it is written."""
    return (host,) if host == "localhost" or host.replace(".", "").isdigit() or ":" in host else ()


def _asked(place: Place, client: Fetcher, seconds: float, ahead: list[timedelta]) -> str:
    request = Request(
        url=place.url,
        method="HEAD",
        allow_private=place.allowed,
        verify_tls=place.verify_tls,
        timeout=seconds,
        follow_redirects=False,
    )
    response = client.send(request, datetime.now(UTC))
    with suppress(ValueError, OverflowError, TypeError):
        said = parsedate_to_datetime(response.headers.get("date", ""))
        ahead.append(datetime.now(UTC) - said)
    return f"answers {'over TLS ' if place.url.startswith('https:') else ''}({response.status})"


def _connected(place: Place, seconds: float) -> str:
    """Connect to the first address of a host that may be asked and can be. Raises HttpError."""
    reason = "does not answer"
    until = monotonic() + seconds
    for address in admitted(place.host, place.port, place.allowed, seconds):
        try:
            socket.create_connection((address, place.port), max(0.1, until - monotonic())).close()
        except OSError as error:
            reason = f"cannot be reached: {(error.strerror or str(error)).lower()}"
        else:
            return "takes connections"
    raise HttpError(f"{authority(place.host, place.port)} {reason}", "check host and port, and the network")


def _programs(settings: Any) -> tuple[str, ...]:
    if settings.type == "command":
        return tuple(settings.command[:1])
    if settings.type == "email" and settings.transport == "sendmail":
        return (settings.path or "sendmail",)
    return ()
