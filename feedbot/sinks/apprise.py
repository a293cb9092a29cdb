"""Sends what is new to any of the services that Apprise knows (github.com/caronc/apprise)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from feedbot.errors import DeliveryError
from feedbot.message.chat import Tell, defused, fit, live_broken, notice, teller
from feedbot.message.listing import listing, plain_line
from feedbot.message.templates import Templates
from feedbot.model import ChangeKind, Delivery, Digest
from feedbot.plugins import Allowance, Preview, SinkContext, SinkSettings
from feedbot.sinks.reaching import addresses

_TITLE, _TEXT, _ABOUT, _URL = 250, 1000, 200, 2000
_RESOLVING = 10.0  # seconds


def _address(value: SecretStr) -> SecretStr:
    scheme, separator, rest = value.get_secret_value().partition("://")
    if not separator or not scheme or not rest.strip():
        raise ValueError("it is no address of Apprise, such as json://host/path or tgram://token/chat")
    return value


class AppriseSettings(SinkSettings):
    """Keys of a sink of type ``apprise``."""

    url: Annotated[SecretStr, AfterValidator(_address)]
    """The address of one service as Apprise writes it ("tgram://...", "json://..."), kept secret."""
    allow_private: tuple[Allowance, ...] = ()
    """Private addresses that it may lead to, beside those of [feedbot]."""


class AppriseSink:
    """One message a change.

    The host of a service that anybody may run is judged before Apprise is asked; whom it asks then, and for how long,
    is its own to know.
    """

    Settings = AppriseSettings
    prints: ClassVar[bool] = False

    def __init__(self, settings: AppriseSettings, context: SinkContext) -> None:
        self._url = settings.url.get_secret_value()
        self._allowed = (*settings.allow_private, *context.allow_private)
        self._target: Any = None
        self._tell = teller(Templates.of(context.folder, context.name, settings.type, context.report))

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Send a change as plain text; Apprise tells only whether it was taken."""
        self._notify(payload(delivery, self._tell))

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Send many changes as one list."""
        self._notify(digest_payload(digest, self._tell))

    def preview(self, delivery: Delivery, now: datetime) -> Preview:
        """Title and text of a change."""
        title, body, _ = payload(delivery, self._tell)
        return Preview(f"{title}\n\n{body}")

    def _notify(self, message: tuple[str, str, str]) -> None:
        if self._target is None:
            self._target = _target(self._url)
        for host, port in _hosts(self._target):
            addresses(host, port, self._allowed, _RESOLVING)
        scheme = urlsplit(self._url).scheme
        title, body, kind = message
        try:
            taken = self._target.notify(
                body=body, title=title, notify_type=kind, body_format="text", interpret_escapes=False
            )
        except TypeError as error:
            raise DeliveryError(f"Apprise cannot send this message to {scheme}://", refused=True) from error
        if not taken:
            raise DeliveryError(
                f"the service behind {scheme}:// did not take the message", "Apprise does not tell why; check url"
            )

    def close(self) -> None:
        """Nothing to let go of: Apprise keeps no connection."""


def payload(delivery: Delivery, tell: Tell = notice) -> tuple[str, str, str]:
    """Title, text and kind of a change. What a service reads in texts is not known, so nothing in them is live."""
    told = tell(delivery)
    url = told.url if len(told.url) <= _URL else ""
    parts = (fit(told.text, _TEXT, _inert), fit(told.about, _ABOUT, _inert), url)
    body = "\n\n".join(part for part in parts if part)
    kind = "warning" if delivery.change in (ChangeKind.WITHDRAWN, ChangeKind.ALERT) else "info"
    return fit(told.title, _TITLE, _inert), body or "–", kind


def digest_payload(digest: Digest, tell: Tell = notice) -> tuple[str, str, str]:
    """Title, text and kind of a digest: a list of titles and addresses."""
    listed = listing(digest, tell)
    return listed.heading, listed.text(_TEXT, plain_line(_inert)), "info"


def _inert(text: str) -> str:
    return live_broken(defused(text))


def _target(url: str) -> Any:
    """Apprise with one service in it; its log, which may hold addresses, stays out of feedbot's."""
    try:
        from apprise import Apprise, AppriseAsset
    except ImportError as error:
        raise DeliveryError(
            "apprise is not installed", "install feedbot with its extra: pip install 'feedbot[apprise]'", refused=True
        ) from error
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    # A redirect could lead anywhere, and no webhook has reason for one.
    target = Apprise(
        asset=AppriseAsset(app_id="feedbot", app_desc="feedbot", app_url="", secure_logging=True, http_redirects=False)
    )
    if not target.add(url):
        scheme = urlsplit(url).scheme
        raise DeliveryError(
            f"Apprise does not understand the address of the sink ({scheme}://...)", "check url", refused=True
        )
    return target


def _hosts(target: Any) -> Iterator[tuple[str, int]]:
    """Host and port of the services that have one in their address; in those of others, its place may hold a secret."""
    for service in target:
        if any("{host}" in template for template in service.templates) and service.host:
            yield service.host, service.port or (443 if service.secure else 80)
