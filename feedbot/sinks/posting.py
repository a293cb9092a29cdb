"""What sinks share that speak HTTP: keys of their settings, one request, and what its answer means for a delivery."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from http import HTTPStatus
from math import isfinite
from typing import Annotated, Any, ClassVar, NamedTuple

from pydantic import AfterValidator, Field, SecretStr

from feedbot.core.text import one_line, shorten
from feedbot.errors import DeliveryError
from feedbot.http import Fetcher, HttpError, Request, Response
from feedbot.http.target import parse_target
from feedbot.message.chat import teller
from feedbot.message.templates import Templates
from feedbot.message.terminal import inert
from feedbot.model import Delivery, Digest
from feedbot.plugins import Allowance, Duration, Preview, SinkContext, SinkSettings
from feedbot.sinks.rehearsal import Rehearsal

_LATER = frozenset({408, 425, 429})
_OVERLOADED = frozenset({429, 502, 503, 504})  # for any delivery, where 500 may be for this one only
_LONGEST_WAIT = 86_400.0  # seconds
_SHOWN_EXCUSE = 200
_SHORTEST_SECRET = 6  # characters; what is shorter stands in other words too
_HINTS = {
    400: "the receiver does not understand the message; look into its log",
    401: "check url, secret and headers",
    403: "check url, secret and headers",
    404: "check url",
    405: "check url; the receiver takes no POST there",
    413: "the receiver takes no message of this length",
}
_SERVICE_HINTS = {
    401: "check the token, or the url of the webhook",
    403: "check the token and what it may do, or the url of the webhook",
    404: "check the url, or what the messages are addressed to",
}


def _secret_url(value: SecretStr) -> SecretStr:
    try:
        parse_target(value.get_secret_value(), secret_path=True)
    except HttpError as error:
        raise ValueError(str(error)) from None
    return value


def _server(value: str) -> str:
    try:
        target = parse_target(value)
    except HttpError as error:
        raise ValueError(str(error)) from None
    if target.credentials or "?" in value or "#" in value:
        raise ValueError("write the address alone, such as https://example.org, without a login, ? or #")
    return target.url.rstrip("/")


def _token(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if not text or not all("!" <= character <= "~" for character in text):
        raise ValueError("it is empty, or has a space, a line break or another character that no token has")
    return value


def like(pattern: str, wanted: str) -> AfterValidator:
    """Text that a pattern fits as a whole. ``wanted`` tells what that is, in words that follow "expected"."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(f"expected {wanted}")
        return value

    return AfterValidator(check)


SecretUrl = Annotated[SecretStr, AfterValidator(_secret_url)]
"""A web address whose path is a secret, as that of a webhook."""

Server = Annotated[str, AfterValidator(_server)]
"""The address of a server, without a slash at its end."""

Token = Annotated[SecretStr, AfterValidator(_token)]
"""A secret that HTTP can carry in a header or a path."""


class PostingSettings(SinkSettings):
    """Keys that every sink has which speaks HTTP."""

    allow_private: tuple[Allowance, ...] = ()
    """Private addresses that may be asked, beside those of [feedbot]."""
    timeout: Annotated[Duration, Field(gt=timedelta(), le=timedelta(seconds=100))] = timedelta(seconds=15)
    """The longest that the receiver may take."""
    verify_tls: bool = True
    """Whether the certificate of the receiver is checked."""


class Said(NamedTuple):
    """What an answer tells beside its status: why, and when to come again (in seconds, or Unix time)."""

    text: str = ""
    wait: float | None = None
    until: float | None = None


Reader = Callable[[Any, Mapping[str, str]], Said]
"""Reads an answer that is not a yes: its body (parsed JSON, or text where it is none) and its headers."""


class PostingSink(ABC):
    """A sink that speaks HTTP. ``secrets`` are texts that no message may have, beside the paths of addresses."""

    prints: ClassVar[bool] = False

    def __init__(
        self, settings: PostingSettings, context: SinkContext, secrets: Iterable[SecretStr | None] = ()
    ) -> None:
        self._settings = settings
        self._fetcher: Callable[[], Fetcher] = context.fetcher
        self._secrets = frozenset(secret.get_secret_value() for secret in secrets if secret is not None)
        self.tell = teller(Templates.of(context.folder, context.name, settings.type, context.report))

    @abstractmethod
    def send(self, delivery: Delivery, now: datetime) -> str | None:
        """Send a change. Raises DeliveryError where the receiver did not take it."""

    @abstractmethod
    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Send many changes in one message, likewise."""

    def preview(self, delivery: Delivery, now: datetime) -> Preview:
        """What would be asked for a change, without asking: the request, without its secret headers, and its body."""
        rehearsal = Rehearsal()
        fetcher, self._fetcher = self._fetcher, lambda: rehearsal
        try:
            self.send(delivery, now)
        finally:
            self._fetcher = fetcher
        return Preview(rehearsal.text)

    def close(self) -> None:  # noqa: B027 - what a sink does which keeps nothing
        """Nothing to let go of: the HTTP client belongs to the run."""

    def ask(
        self,
        url: str,
        now: datetime,
        *,
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Send one request, whatever it is answered. Raises DeliveryError where there is no answer."""
        request = Request(
            url=url,
            method=method,
            headers=headers or {},
            secret_headers=secret_headers or {},
            body=body,
            allow_private=self._settings.allow_private,
            verify_tls=self._settings.verify_tls,
            timeout=self._settings.timeout.total_seconds(),
            follow_redirects=False,
        )
        try:
            return self._fetcher().send(request, now)
        except HttpError as error:
            raise DeliveryError(
                error.message, error.hint, refused=error.forbidden, sink_down=not error.forbidden
            ) from error

    def post(
        self,
        url: str,
        payload: object,
        now: datetime,
        *,
        read: Reader = lambda _body, _headers: Said(),
        method: str = "POST",
        headers: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send JSON; gives the body of a yes, parsed where it is JSON. Raises DeliveryError where it is none."""
        response = self.ask(
            url,
            now,
            method=method,
            headers={"Content-Type": "application/json", **(headers or {})},
            secret_headers=secret_headers,
            body=json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"),
        )
        return self._taken(url, response, now, read)

    def get(self, url: str, now: datetime, *, read: Reader, secret_headers: Mapping[str, str]) -> Any:
        """Ask for something; gives what is answered as ``post`` does."""
        return self._taken(url, self.ask(url, now, method="GET", secret_headers=secret_headers), now, read)

    def _taken(self, url: str, response: Response, now: datetime, read: Reader) -> Any:
        found = parsed(response.body)
        if 200 <= response.status < 300:
            return found
        said = read(found, response.headers)
        place = parse_target(url, secret_path=True).place
        failure = judge(response, place, self.excuse(url, said.text), _SERVICE_HINTS)
        if failure is not None and failure.not_before is None and response.status in (429, 503):
            failure.not_before = _moment(said, now)
        if failure is not None:
            raise failure
        return found

    def excuse(self, url: str, text: str) -> str:
        """What a service said, as one short line without any secret that it repeats."""
        line = inert(one_line(text))
        path = parse_target(url, secret_path=True).path
        parts = (part for text in (*self._secrets, path) for part in re.split(r"[/?&=:]", text))
        for secret in sorted({*self._secrets, url, path, *parts}, key=len, reverse=True):
            if len(secret) >= _SHORTEST_SECRET:
                line = line.replace(secret, "***")
        return shorten(line, _SHOWN_EXCUSE)


def judge(
    response: Response, place: str, said: str = "", hints: Mapping[int, str] | None = None
) -> DeliveryError | None:
    """What an answer means for a delivery: None is a yes.

    Gone ends it; time-outs, limits and the server's own errors pass; any other answer is a no. ``hints`` tell, by
    status, what to do about it.
    """
    status = response.status
    if 200 <= status < 300:
        return None
    text = f"{place} answered {status}{_phrase(status)}" + (f": {said}" if said else "")
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
    return DeliveryError(text, {**_HINTS, **(hints or {})}.get(status, ""), refused=True)


def parsed(body: bytes) -> Any:
    """The body of an answer: what it says as JSON, or its text where it is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def text_of(body: Any, *keys: str) -> str:
    """The text under the first of the keys that has one, or the first of a list of texts; "" where there is none."""
    for key in keys:
        value = body.get(key) if isinstance(body, dict) else None
        value = value[0] if isinstance(value, list) and value else value
        if isinstance(value, str) and value:
            return value
    return ""


def number_of(body: Any, key: str) -> float | None:
    """The number under a key, or None where there is none."""
    value = body.get(key) if isinstance(body, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if isfinite(value) else None
    except OverflowError:
        return None


def _moment(said: Said, now: datetime) -> datetime | None:
    """When to come again: at most a day ahead, never in the past."""
    wait = said.wait if said.until is None else said.until - now.timestamp()
    return None if wait is None else now + timedelta(seconds=min(max(wait, 0.0), _LONGEST_WAIT))


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""
