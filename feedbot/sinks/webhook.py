"""Posts what is new to a web address, as Standard Webhooks asks (standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, SecretStr
from standardwebhooks import Webhook

from feedbot.http.target import parse_target
from feedbot.message.payload import (
    cloudevent_body,
    cloudevent_digest_body,
    digest_body,
    plain_body,
    plain_digest_body,
    webhook_body,
)
from feedbot.model import Delivery, Digest
from feedbot.plugins import SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink, SecretUrl, judge

_PREFIX = "whsec_"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile("[\t\x20-\x7e\xa0-\xff]*")
_OURS = frozenset("content-type content-length host transfer-encoding connection".split())


class _Form(NamedTuple):
    """A way to write changes: its media type, and what makes the bytes of one and of a digest."""

    media_type: str
    body: Callable[[Delivery], bytes]
    digest: Callable[[Digest], bytes]


_FORMS = {
    "standard": _Form("application/json", webhook_body, digest_body),
    "plain": _Form("application/json", plain_body, plain_digest_body),
    "cloudevents": _Form("application/cloudevents+json; charset=utf-8", cloudevent_body, cloudevent_digest_body),
}


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


Secret = Annotated[SecretStr, AfterValidator(_secret)]


class WebhookSink(PostingSink):
    """Each change is one POST with its key, its time and, given secrets, a signature for each."""

    class Settings(PostingSettings):
        """Keys of a sink of type ``webhook``; without a secret nothing is signed."""

        url: SecretUrl
        """The address to post to, kept secret."""
        secret: Secret | None = None
        """The key to sign with: "whsec_" and base64, or any text."""
        secrets: tuple[Secret, ...] = ()
        """Further keys to sign with, so that a receiver may change from one to another in its own time."""
        format: Literal["standard", "plain", "cloudevents"] = "standard"
        """The body: that of Standard Webhooks, the entry alone, or a CloudEvent 1.0 in structured mode."""
        headers: Annotated[Mapping[str, SecretStr], AfterValidator(_headers)] = Field(default_factory=dict)
        """Further headers to send, kept secret."""

    def __init__(self, settings: Settings, context: SinkContext) -> None:
        super().__init__(settings, context)
        self._form = _FORMS[settings.format]
        self._url = settings.url.get_secret_value()
        self._place = parse_target(self._url, secret_path=True).place
        self._own_headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        secrets = [*([settings.secret] if settings.secret else []), *settings.secrets]
        self._signers = [Webhook(_key(secret.get_secret_value())) for secret in secrets]

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Post a change. Any 2xx is a yes; what follows from another answer is in :func:`judge`."""
        self._post(delivery.key, self._form.body(delivery), now)

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Post many changes at once."""
        self._post(digest.key, self._form.digest(digest), now)

    def _post(self, key: str, body: bytes, now: datetime) -> None:
        headers = {"Content-Type": self._form.media_type, **self._signed(key, now, body)}
        response = self.ask(self._url, now, headers=headers, secret_headers=self._own_headers, body=body)
        failure = judge(response, self._place)
        if failure is not None:
            raise failure

    def _signed(self, key: str, now: datetime, body: bytes) -> dict[str, str]:
        moment = now.astimezone(UTC).replace(microsecond=0)
        headers = {"webhook-id": key, "webhook-timestamp": str(int(moment.timestamp()))}
        if self._signers:
            signatures = [signer.sign(key, moment, body.decode()) for signer in self._signers]
            headers["webhook-signature"] = " ".join(signatures)
        return headers


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
