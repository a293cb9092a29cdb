"""Posts what is new to a web address, as Standard Webhooks asks (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, SecretStr
from standardwebhooks import Webhook

from feedbot.errors import DeliveryError
from feedbot.http import HttpError, Request, Response
from feedbot.http.target import parse_target
from feedbot.message.payload import webhook_body
from feedbot.model import Delivery
from feedbot.plugins import Duration, Later, SinkContext, SinkSettings

_PREFIX = "whsec_"
_LATER = frozenset({408, 425, 429})
_OVERLOADED = frozenset({429, 502, 503, 504})  # for any delivery, where 500 may be for this one only
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile("[\t\x20-\x7e\xa0-\xff]*")
_OURS = frozenset("content-type content-length host transfer-encoding connection".split())
_HINTS = {
    400: "the receiver does not understand the message; look into its log",
    401: "check url, secret and headers",
    403: "check url, secret and headers",
    404: "check url",
    405: "check url; the receiver takes no POST there",
    413: "the receiver takes no message of this length",
}


def _url(value: SecretStr) -> SecretStr:
    try:
        parse_target(value.get_secret_value(), secret_path=True)
    except HttpError as error:
        raise ValueError(str(error)) from None
    return value


def _secret(value: SecretStr) -> SecretStr:
    _key(value.get_secret_value())
    return value


def _headers(values: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    for name, value in values.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f'"{name}" cannot be the name of a header')
        if name.lower() in _OURS or name.lower().startswith("webhook-"):
            raise ValueError(f"the header {name} is feedbot's own to set")
        if not _HEADER_VALUE.fullmatch(value.get_secret_value()):
            raise ValueError(f"the header {name} holds a line break or another character that HTTP cannot carry")
    return values


class WebhookSink:
    """Each change is one POST with its key, its time and, given a secret, its signature."""

    class Settings(SinkSettings):
        """``secret``: ``whsec_`` and base64, or any text, whose bytes then are the key."""

        later: ClassVar[Mapping[str, Later]] = {
            "format": Later("bodies in another form", ("plain",)),
            "secrets": Later("several secrets at once"),
        }

        url: Annotated[SecretStr, AfterValidator(_url)]
        """The address to post to, kept secret."""
        secret: Annotated[SecretStr, AfterValidator(_secret)] | None = None
        """The key to sign with: "whsec_" and base64, or any text."""
        headers: Annotated[Mapping[str, SecretStr], AfterValidator(_headers)] = Field(default_factory=dict)
        """Further headers to send, kept secret."""
        allow_private: tuple[str, ...] = ()
        """Private addresses that may be asked, beside those of [feedbot]."""
        timeout: Annotated[Duration, Field(gt=timedelta(), le=timedelta(seconds=100))] = timedelta(seconds=15)
        """The longest that the receiver may take."""
        verify_tls: bool = True
        """Whether the certificate of the receiver is checked."""

    prints: ClassVar[bool] = False

    def __init__(self, settings: Settings, context: SinkContext) -> None:
        self._settings = settings
        self._fetcher = context.fetcher
        self._url = settings.url.get_secret_value()
        self._place = parse_target(self._url, secret_path=True).place
        self._signer = Webhook(_key(settings.secret.get_secret_value())) if settings.secret else None

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Post a change. Any 2xx is a yes; what follows from another answer is in :func:`judge`."""
        body = webhook_body(delivery)
        request = Request(
            url=self._url,
            method="POST",
            headers={"Content-Type": "application/json", **self._signed(delivery.key, now, body)},
            secret_headers={name: value.get_secret_value() for name, value in self._settings.headers.items()},
            body=body,
            allow_private=self._settings.allow_private,
            verify_tls=self._settings.verify_tls,
            timeout=self._settings.timeout.total_seconds(),
            follow_redirects=False,
        )
        try:
            response = self._fetcher().send(request, now)
        except HttpError as error:
            raise DeliveryError(
                error.message, error.hint, refused=error.forbidden, sink_down=not error.forbidden
            ) from error
        failure = judge(response, self._place)
        if failure is not None:
            raise failure

    def close(self) -> None:
        """Nothing to let go of: the HTTP client belongs to the run."""

    def _signed(self, key: str, now: datetime, body: bytes) -> dict[str, str]:
        moment = now.astimezone(UTC).replace(microsecond=0)
        headers = {"webhook-id": key, "webhook-timestamp": str(int(moment.timestamp()))}
        if self._signer is not None:
            headers["webhook-signature"] = self._signer.sign(key, moment, body.decode())
        return headers


def judge(response: Response, place: str) -> DeliveryError | None:
    """What an answer means for a delivery: None is a yes.

    Gone ends it; time-outs, limits and the server's own errors pass; any other answer is a no.
    """
    status = response.status
    if 200 <= status < 300:
        return None
    text = f"{place} answered {status}{_phrase(status)}"
    if status == 410:
        return DeliveryError(
            f"{text}: it wants no more deliveries",
            "remove the sink, or give it another url",
            permanent=True,
            sink_down=True,
        )
    if 300 <= status < 400:
        return DeliveryError(
            f"{text}, a redirect, which deliveries do not follow", "set url to where it leads", refused=True
        )
    if status in _LATER or status >= 500:
        return DeliveryError(text, sink_down=status in _OVERLOADED, not_before=response.retry_at)
    return DeliveryError(text, _HINTS.get(status, ""), refused=True)


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _key(secret: str) -> bytes:
    """The bytes that sign. Raises ValueError, without the secret, where there are none."""
    if not secret.startswith(_PREFIX):
        key = secret.encode()
    else:
        text = secret.removeprefix(_PREFIX)
        try:
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except binascii.Error:
            raise ValueError("what follows whsec_ in the secret is not base64") from None
    if not key:
        raise ValueError("the secret is empty")
    return key
