"""What asks and what answers over HTTP look like; :mod:`feedbot.http.client` does the asking."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct, field

from feedbot.errors import FeedbotError
from feedbot.model import Validators


class Request(Struct, frozen=True, kw_only=True):
    """One request. Times in seconds, sizes in bytes; None takes the client's own limit.

    ``secret_headers`` go to the origin of ``url`` only, never along a redirect to another.
    ``allow_private`` lists what else than public addresses may be asked: ``host:port``, host or CIDR.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    secret_headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    validators: Validators = Validators()
    allow_private: tuple[str, ...] = ()
    verify_tls: bool = True
    timeout: float | None = None
    max_bytes: int | None = None
    follow_redirects: bool = True


class Response(Struct, frozen=True, kw_only=True, weakref=True):
    """An answer, whatever its status. ``headers`` have lower-case names; ``url`` is where it came from.

    ``retry_at`` is when the server wants to be asked again (Retry-After of RFC 9110, 10.2.3, in either form).
    ``moved_to`` is the address that permanent redirects alone (301, 308) led to, "" where none did.
    """

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    validators: Validators = Validators()
    retry_at: datetime | None = None
    moved_to: str = ""


class HttpError(FeedbotError):
    """There was no answer, or none that may be used.

    ``forbidden``: feedbot itself refuses the address or the answer, so that asking again is of no use.
    """

    def __init__(self, message: str, hint: str = "", *, forbidden: bool = False) -> None:
        super().__init__(message, hint)
        self.forbidden = forbidden


class Fetcher(Protocol):
    """Asks over HTTP within the client's limits."""

    def send(self, request: Request, now: datetime) -> Response:
        """Send a request, following redirects. Raises HttpError where no usable answer comes."""
        ...

    def close(self) -> None:
        """Let go of all connections."""
        ...
