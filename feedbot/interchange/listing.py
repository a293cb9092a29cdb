"""What a list of another program comes to, whichever program it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct, field

from feedbot.core.text import one_line
from feedbot.errors import UsageError


class ListingError(UsageError):
    """A list cannot be read at all."""


class Subscription(Struct, frozen=True, kw_only=True):
    """A feed of the list. ``settings`` are further keys of its source, ``sink`` names one of the listing's, or none."""

    url: str
    title: str
    where: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    sink: str = ""
    on: tuple[str, ...] = ("new",)


class Omitted(Struct, frozen=True):
    """Something of the list that is not taken over, and why."""

    where: str
    reason: str


class Listing(Struct, frozen=True, kw_only=True):
    """What a list says. ``sinks`` are tables of settings by name; ``secrets`` texts of files that these name."""

    subscriptions: tuple[Subscription, ...] = ()
    omitted: tuple[Omitted, ...] = ()
    sinks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)


def web_address(text: str) -> str:
    """An address of the web in one line. Raises ValueError, with the reason, where it is none."""
    address = one_line(text)
    if address.lower().startswith("feed:"):
        address = address[5:] if address.lower().startswith(("feed:http:", "feed:https:")) else f"http:{address[5:]}"
    try:
        parts = urlsplit(address)
        port_is_fine = parts.port != 0
    except ValueError:
        raise ValueError(f"{address} is no address") from None
    if not address:
        raise ValueError("it has no address")
    if parts.scheme.lower() not in ("http", "https"):
        raise ValueError(f"{address} is not on the web: feedbot polls http and https")
    if not parts.hostname or not port_is_fine or " " in address:
        raise ValueError(f"{address} is no address")
    return address
