"""Reads the URLs that are to be asked, strictly; shows them without what is secret."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import lru_cache
from ipaddress import IPv6Address
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit

import idna
from msgspec import Struct
from msgspec.structs import replace

from feedbot.core.text import one_line, shorten
from feedbot.http import HttpError
from feedbot.http.guard import authority

MAX_URL = 8192
_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_NOT_IN_URLS = re.compile("[\x00-\x20\x7f\x85\xa0\u2028\u2029\ud800-\udfff]")
# What most addresses are: nothing in them is to be changed, and taking them apart at length is a tenth of a poll.
_USUAL = re.compile(
    r"(https?)://([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*)(?::([1-9][0-9]{0,4}))?"
    r"(/[A-Za-z0-9!$%&'()*+,/:;=@_.~-]*(?:\?[A-Za-z0-9!$%&'()*+,/:;=?@_.~-]+)?)"
)
# Everything printable that may stand in a path or query; what is percent-encoded stays so.
_KEPT = "!$%&'()*+,/:;=?@[]~|-._"


class Target(Struct, frozen=True, kw_only=True):
    """Where a request goes. ``host`` is a name in ASCII or an address without brackets.

    ``path`` has the query in it. ``credentials`` is the value of a Basic ``Authorization``, or "".
    """

    scheme: str
    host: str
    port: int
    path: str
    credentials: str = ""

    @property
    def origin(self) -> tuple[str, str, int]:
        """What must be equal for secrets to be sent (RFC 6454, section 4)."""
        return self.scheme, self.host, self.port

    @property
    def authority(self) -> str:
        """The host, with its port where that is not the usual one, as an address has it (RFC 3986, 3.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address, without credentials and fragment."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def place(self) -> str:
        """The host, with its port where that is not the usual one: for messages."""
        return self.host if self.port == _PORTS[self.scheme] else authority(self.host, self.port)


class _UnfitError(Exception):
    """Why a URL cannot be asked, in words that follow its name, and what to do about it."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


def parse_target(url: str, *, secret_path: bool = False) -> Target:
    """Read an http or https URL. Raises HttpError, forbidden, where it is none or cannot be asked.

    With ``secret_path`` no message has its path.
    """
    try:
        return _parsed(url)
    except _UnfitError as error:
        raise _refused(f"{shown(url, path=not secret_path)} {error}", error.hint) from None


def follow(target: Target, location: str) -> Target:
    """Where a redirect leads (RFC 9110, 10.2.2). Raises HttpError where it may not lead.

    ``location`` is the header as latin-1. Credentials in it are dropped: they would be the server's, not ours.
    """
    try:
        address = location.encode("latin-1").decode()
    except UnicodeError:  # neither ASCII nor UTF-8: keep its bytes
        address = quote(location.encode("latin-1", "replace"), safe=_KEPT + "#")
    address = _NOT_IN_URLS.sub(lambda match: quote(match[0], errors="replace"), address.strip())
    try:
        joined = urljoin(target.url, address)
    except ValueError:
        raise _refused(f"{shown(target.url)} redirects to an address that is none") from None
    try:
        led = replace(parse_target(joined), credentials="")
    except HttpError as error:
        raise _refused(f"{shown(target.url)} redirects, but {error.message}") from None
    if target.scheme == "https" and led.scheme == "http":
        raise _refused(
            f"{shown(target.url)} redirects from https to http ({shown(led.url)})",
            "if that is meant, configure the http address itself",
        )
    return led


def shown(url: str, *, path: bool = True) -> str:
    """A URL for messages: its host and, unless that is secret too, its path; never more."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "the address"
    if host:
        scheme = "" if parts.scheme in _PORTS else f"{parts.scheme}://"
        text = scheme + (authority(host, port) if port else host) + (parts.path if path else "")
    else:
        text = re.split("[?#]", url, maxsplit=1)[0]
        if "@" in text or not path:
            return "the address"
    return shorten(one_line(text), 200) or "the address"


def _refused(message: str, hint: str = "") -> HttpError:
    return HttpError(message, hint, forbidden=True)


@lru_cache(maxsize=256)  # a sink asks the same one for each message
def _parsed(url: str) -> Target:
    if len(url) > MAX_URL:
        raise _UnfitError(f"is longer than {MAX_URL} characters")
    if usual := _USUAL.fullmatch(url):
        scheme, host, number, path = usual.groups()
        port = int(number) if number else _PORTS[scheme]
        if port < 65536 and len(host) < 254:
            return Target(scheme=scheme, host=host, port=port, path=path)
    return _parsed_at_length(url)


def _parsed_at_length(url: str) -> Target:
    if _NOT_IN_URLS.search(url):
        raise _UnfitError("has a space or a control character in it", "percent-encode it")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _UnfitError("is not valid", "check its host and port") from None
    if parts.scheme not in _PORTS:
        raise _UnfitError("is neither http nor https", "" if "://" in url else "begin it with https://")
    if not host:
        raise _UnfitError("has no host in it")
    if port == 0:
        raise _UnfitError("has a port that nobody can be asked on")
    return Target(
        scheme=parts.scheme,
        host=_ascii_host(host),
        port=port or _PORTS[parts.scheme],
        path=quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_KEPT),
        credentials=_basic(parts.username, parts.password),
    )


def _ascii_host(host: str) -> str:
    if ":" in host:
        try:
            address = IPv6Address(host)
        except ValueError:
            raise _UnfitError("has no valid IPv6 address in it") from None
        if address.scope_id is not None:
            raise _UnfitError("has an address with a zone, which cannot be asked")
        return str(address)
    try:
        # A host of more than 253 characters cannot exist, and idna is slow on long ones.
        host = host if host.isascii() or len(host) > 253 else idna.encode(host, uts46=True).decode()
    except UnicodeError:
        host = ""
    labels = host.lower().removesuffix(".").split(".")
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise _UnfitError("has a host name that cannot exist", "check the spelling")
    return host.lower()


def _basic(user: str | None, password: str | None) -> str:
    """RFC 7617, with UTF-8 as its characters."""
    if not user and not password:
        return ""
    pair = unquote_to_bytes(user or "") + b":" + unquote_to_bytes(password or "")
    return "Basic " + b64encode(pair).decode()
