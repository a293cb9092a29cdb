"""Where sinks may connect to, and whom they trust, that do not ask through feedbot's HTTP client."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from feedbot.errors import DeliveryError
from feedbot.http import HttpError
from feedbot.http.wire import admitted
from feedbot.paths import located
from feedbot.plugins import SinkContext


def addresses(host: str, port: int, allow_private: Sequence[str], seconds: float) -> list[str]:
    """The addresses of a host that may be connected to, in the order in which they are to be tried.

    A host that is written as an address, or as localhost, is meant as it is written, and needs no other leave. Raises
    DeliveryError where another leads to a private address that is not listed, or to none, or if that takes longer.
    """
    own = (host,) if _is_plain(host) else ()
    try:
        return admitted(host, port, (*allow_private, *own), seconds)
    except HttpError as error:
        raise DeliveryError(
            error.message, error.hint, refused=error.forbidden, sink_down=not error.forbidden
        ) from error


def trusted(ca_file: str, context: SinkContext) -> tuple[Path, ...]:
    """The files of authorities that are trusted beside those of the system: feedbot's, and a sink's own."""
    own = (located(context.folder, ca_file),) if ca_file else ()
    return (*((context.ca_file,) if context.ca_file else ()), *own)


def tls_context(ca_files: Sequence[Path], *, verify: bool) -> ssl.SSLContext:
    """What checks the certificate of a server. Raises DeliveryError where a file cannot be used."""
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for path in ca_files:
        try:
            context.load_verify_locations(path)
        except OSError as error:
            reason = "holds no certificates" if isinstance(error, ssl.SSLError) else "cannot be read"
            raise DeliveryError(f"the ca_file {path} {reason}", sink_down=True) from error
    return context


def _is_plain(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host.lower() == "localhost"
    return True
