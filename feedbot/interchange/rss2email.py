"""rss2email's configuration, and its table of what it has mailed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

from msgspec.structs import replace

from feedbot.core.identity import digest, normalised
from feedbot.core.text import one_line, slug
from feedbot.interchange import ini
from feedbot.interchange.listing import Listing, ListingError, Omitted, Subscription, web_address

_PASSWORD_FILE = "rss2email-smtp-password"  # noqa: S105 - its name
_HASH = re.compile(r"[0-9a-f]{40}")
# Keys that change what is mailed, and what to say where they are set to something else than usual.
_NOT_TAKEN: Mapping[str, tuple[str, str]] = {
    "digest": ("false", "each entry is a mail of its own"),
    "post-process": ("", "mails are not given to a program on their way"),
    "digest-post-process": ("", "mails are not given to a program on their way"),
    "bonus-header": ("", "mails get no headers of one's own"),
    "proxy": ("", "feeds are asked without a proxy"),
    "date-header": ("false", "mails are dated when they are sent"),
    "subject-format": ("{feed-title}", "the subject is the title of the entry"),
}


def read(text: str) -> Listing:
    """Read the feeds; each way in which they are mailed becomes a sink. Raises ListingError.

    The ``title`` of a subscription is its name in rss2email.
    """
    found: list[Subscription] = []
    omitted: list[Omitted] = []
    ways: dict[str, dict[str, Any]] = {}
    secrets: dict[str, str] = {}
    for section_name, section in ini.read(text).items():
        where = f"[{section_name}]"
        if not section_name.startswith("feed."):
            omitted.append(Omitted(where, "this is no feed"))
            continue
        try:
            address = web_address(section.get("url", ""))
        except ValueError as error:
            omitted.append(Omitted(where, str(error)))
            continue
        sink = ""
        try:
            way = _way(section, secrets)
            sink = next((name for name, known in ways.items() if known == way), "")
            sink = sink or _free_name(slug(str((way.get("to") or ["mail"])[0]), "mail"), ways)
            ways[sink] = way
        except ValueError as error:
            omitted.append(Omitted(where, f"{error}; the feed is taken over without a sink"))
        omitted += [Omitted(where, reason) for reason in _differences(section)]
        follows_edits = ini.yes(section, "reply-changes") or not ini.yes(section, "trust-guid", True)
        found.append(
            Subscription(
                url=address,
                title=section_name.removeprefix("feed."),
                where=where,
                settings=_settings(section),
                sink=sink,
                on=("new", "updated") if follows_edits else ("new",),
            )
        )
    return Listing(subscriptions=tuple(found), omitted=_once(omitted), sinks=ways, secrets=secrets)


def read_seen(text: str) -> Mapping[str, frozenset[str]]:
    """Read the data file: the ids that were mailed of each feed, by its name there. Raises ListingError."""
    try:
        feeds = json.loads(text)["feeds"]
        return {
            str(feed["name"]): frozenset(str(identity) for identity in feed["seen"] if identity)
            for feed in feeds
            if isinstance(feed.get("seen"), dict)
        }
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ListingError(
            "this is no data file of rss2email: it has no table of feeds", "it is called rss2email.json as a rule"
        ) from None


def seen_keys(seen: frozenset[str], url: str) -> frozenset[bytes]:
    """The keys under which feedbot knows what rss2email has mailed of a feed; none for what it knew by content only.

    rss2email calls an entry by its id, or its link; where an id is not an address it may have been joined with the
    feed's own, which is undone.
    """
    return frozenset(digest(key) for identity in seen for key in _names(identity, url))


def _names(identity: str, url: str) -> Iterator[str]:
    if _HASH.fullmatch(identity):
        return
    for base in ("", urljoin(url, "."), urljoin(url, "/"), urljoin(url, "/").rstrip("/")):
        if identity.startswith(base) and identity != base:
            yield f"id:{identity.removeprefix(base)}"
    if address := normalised(identity):
        yield f"link:{address}"


def _settings(section: Mapping[str, str]) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if not ini.yes(section, "active", True):
        settings["paused"] = True
    if ini.yes(section, "trust-link"):
        settings["identity"] = "link"
    return settings


def _way(section: Mapping[str, str], secrets: dict[str, str]) -> dict[str, Any]:
    """How the mails of a feed leave, as the settings of a sink. Raises ValueError where feedbot has no such way."""
    sender, to = one_line(section.get("from", "")), _addresses(section.get("to", ""))
    protocol = section.get("email-protocol") or ("smtp" if ini.yes(section, "use-smtp") else "sendmail")
    way: dict[str, Any] = {"type": "email", "from": sender or "user@rss2email.invalid", "to": to}
    if protocol == "maildir":
        folder = section.get("maildir-mailbox", "INBOX")
        path = section.get("maildir-path", "~/Maildir")
        way |= {"transport": "maildir", "path": path if folder == "INBOX" else f"{path}/{folder}"}
        return way if to else {name: value for name, value in way.items() if name != "to"}
    if not to:
        raise ValueError("it says nobody to mail to")
    if protocol == "sendmail":
        program = section.get("sendmail", "")
        return way | {"transport": "sendmail"} | ({"path": program} if program else {})
    if protocol == "smtp":
        return way | _smtp(section, secrets)
    raise ValueError(f"email-protocol = {one_line(protocol)}: feedbot mails by smtp, sendmail or into a Maildir")


def _smtp(section: Mapping[str, str], secrets: dict[str, str]) -> dict[str, Any]:
    host, _, port = section.get("smtp-server", "").partition(":")
    number = port or section.get("smtp-port", "")
    logs_in = ini.yes(section, "smtp-auth")
    tls = "tls" if ini.yes(section, "smtp-ssl") or number == "465" else "starttls" if logs_in else "none"
    settings: dict[str, Any] = {"host": one_line(host), "tls": tls}
    if number.isascii() and number.isdigit():
        settings["port"] = int(number)
    if logs_in:
        password = one_line(section.get("smtp-password", ""))
        if not password:
            raise ValueError("smtp-auth = True, and smtp-password is not set")
        name = next((name for name, known in secrets.items() if known == password), "")
        name = name or _free_name(_PASSWORD_FILE, secrets)
        secrets[name] = password
        settings |= {"username": section.get("smtp-username", ""), "password_file": name}
    return settings


def _addresses(text: str) -> list[str]:
    return [address for part in text.split(",") if (address := one_line(part))]


def _differences(section: Mapping[str, str]) -> Iterator[str]:
    for key, (usual, instead) in _NOT_TAKEN.items():
        value = section.get(key, usual)
        if value.lower() != usual:
            yield f"{key} = {one_line(value)[:60]}: {instead}"


def _once(omitted: list[Omitted]) -> tuple[Omitted, ...]:
    """What holds for several feeds, since it stands among the defaults, told once."""
    places: dict[str, list[str]] = {}
    for one in omitted:
        places.setdefault(one.reason, []).append(one.where)
    return tuple(
        replace(
            Omitted(where[0], reason), where=where[0] if len(where) == 1 else f"{where[0]} and {len(where) - 1} more"
        )
        for reason, where in places.items()
    )


def _free_name(wanted: str, taken: Mapping[str, object]) -> str:
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}-{number}"
    return name
