"""Posts what is new to Bluesky, or another server of the AT protocol (docs.bsky.app, posts)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from pydantic import Field

from feedbot.core.dates import rfc3339
from feedbot.errors import DeliveryError
from feedbot.message.chat import Notice, Tell, fit, graphemes, hashtags, notice, short_post, utf8
from feedbot.message.listing import linked, listing, titled
from feedbot.model import Delivery, Digest
from feedbot.plugins import Duration, SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink, Said, Server, Token, like, parsed, text_of

_LIMIT, _CARD_TITLE, _CARD_TEXT, _URL = 300, 200, 300, 2000
_BYTES_EACH = 10  # a post has at most 300 characters and 3000 bytes
_SHOWN_URL = 120  # a longer address is behind the card only
_LINE = 80  # characters of a title in a list
_COLLECTION = "app.bsky.feed.post"
_LINK = "app.bsky.richtext.facet#link"
_TID = "234567abcdefghijklmnopqrstuvwxyz"


class BlueskySettings(PostingSettings):
    """Keys of a sink of type ``bluesky``."""

    handle: Annotated[str, like(r"[^\s@/]{3,253}", 'a handle without "@", such as "me.bsky.social", or a DID')]
    """The handle or DID of the account, such as "me.bsky.social"."""
    password: Token
    """An app password of the account."""
    timeout: Annotated[Duration, Field(gt=timedelta(), le=timedelta(seconds=20))] = timedelta(seconds=15)
    """The longest that the server may take for one answer, of which a post takes two or more."""
    server: Server = "https://bsky.social"
    """The server that holds the account."""
    hashtags: Annotated[int, Field(ge=0, le=8)] = 3
    """How many tags of an entry become hashtags."""
    language: Annotated[str, like(r"([A-Za-z]{2,3}(-[A-Za-z0-9-]{1,30})?)?", 'a language such as "en" or "pt-BR"')] = ""
    """The language of entries that do not tell theirs, such as "en"."""


class BlueskySink(PostingSink):
    """One post a change. Its record is named after the delivery's key, by which another try finds it."""

    Settings = BlueskySettings

    def __init__(self, settings: BlueskySettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.password,))
        self._options = settings
        self._session: _Session | None = None

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Post a change, unless an earlier try did without hearing so. A login that has expired is renewed once."""
        self._create_once(
            _Post(record_key(delivery), delivery.attempts, payload(delivery, self._options, self.tell)), now
        )

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Post many changes as one list, likewise."""
        attempts = max(delivery.attempts for delivery in digest.deliveries)
        self._create_once(_Post(record_key(digest), attempts, digest_payload(digest, self._options, self.tell)), now)

    def _create_once(self, post: _Post, now: datetime) -> None:
        kept = self._session is not None
        try:
            self._create(post, now)
        except DeliveryError as error:
            expired = any(word in error.message for word in ("ExpiredToken", "answered 401"))
            if not (kept and expired):
                raise
            self._session = None
            self._create(post, now)

    def _create(self, post: _Post, now: datetime) -> None:
        session = self._session or self._log_in(now)
        self._session = session
        if post.attempts > 1 and self._is_there(session, post.key, now):
            return
        body = {
            "repo": session.did,
            "collection": _COLLECTION,
            "rkey": post.key,
            "record": post.record,
        }
        self._call("createRecord", "repo", body, now, {"Authorization": f"Bearer {session.token}"})

    def _log_in(self, now: datetime) -> _Session:
        body = {"identifier": self._options.handle, "password": self._options.password.get_secret_value()}
        answer = self._call("createSession", "server", body, now, {})
        session = _Session(text_of(answer, "did"), text_of(answer, "accessJwt"))
        if not session.did or not re.fullmatch(r"[!-~]+", session.token):
            raise DeliveryError(f"{self._options.server} gave no session", "check server", sink_down=True)
        return session

    def _call(self, name: str, room: str, body: Mapping[str, Any], now: datetime, login: Mapping[str, str]) -> Any:
        address = f"{self._options.server}/xrpc/com.atproto.{room}.{name}"
        return self.post(address, body, now, secret_headers=login, read=_said)

    def _is_there(self, session: _Session, key: str, now: datetime) -> bool:
        query = urlencode({"repo": session.did, "collection": _COLLECTION, "rkey": key})
        address = f"{self._options.server}/xrpc/com.atproto.repo.getRecord?{query}"
        response = self.ask(address, now, method="GET")
        found = parsed(response.body)
        return response.status == 200 and isinstance(found, dict) and text_of(found, "uri").endswith(key)


class _Post(NamedTuple):
    """A record to make, its name, and how often that is tried by now."""

    key: str
    attempts: int
    record: dict[str, Any]


class _Session:
    """Who is logged in, and what proves it."""

    def __init__(self, did: str, token: str) -> None:
        self.did = did
        self.token = token


def payload(delivery: Delivery, options: BlueskySettings, tell: Tell = notice) -> dict[str, Any]:
    """The record of a post. Only what facets name is a link or a tag: nothing in the text itself is."""
    told = tell(delivery)
    url = told.url if len(told.url) <= _URL else ""
    shown = url if len(url) <= _SHOWN_URL else ""
    words = hashtags(told.tags, options.hashtags)
    tail = "\n".join(part for part in (shown, " ".join(f"#{word}" for word in words)) if part)
    while words and _measure(tail) > _LIMIT // 2:
        words = words[:-1]
        tail = "\n".join(part for part in (shown, " ".join(f"#{word}" for word in words)) if part)
    text = short_post(told, tail, _LIMIT, str, _measure)
    record: dict[str, Any] = {
        "$type": _COLLECTION,
        "text": text,
        "createdAt": rfc3339(delivery.created),
        "facets": list(_facets(text, tail, shown, words)),
    }
    language = told.language or options.language
    if language:
        record["langs"] = [language]
    if url:
        record["embed"] = {"$type": "app.bsky.embed.external", "external": _card(told, url)}
    return record


def digest_payload(digest: Digest, options: BlueskySettings, tell: Tell = notice) -> dict[str, Any]:
    """The record of the post of a digest: as many titles as fit, each a link."""
    listed = listing(digest, tell)
    head = f"{listed.heading}\n\n"
    lines = listed.lines(_LIMIT - _measure(head), lambda told: f"• {titled(told)[:_LINE]}", _measure)
    facets, at = [], utf8(head)
    for line, told in zip(lines, listed.told, strict=False):
        if line.startswith("• ") and linked(told, _URL):
            facets.append(_facet(at, at + utf8(line), {"$type": _LINK, "uri": told.url}))
        at += utf8(line) + 1
    record = {"$type": _COLLECTION, "text": head + "\n".join(lines), "createdAt": rfc3339(digest.created)}
    return {**record, "facets": facets, **({"langs": [options.language]} if options.language else {})}


def record_key(told: Delivery | Digest) -> str:
    """The name of the record of a delivery or digest: a TID (atproto.com/specs/tid) of its time and key."""
    micros = int(told.created.astimezone(UTC).timestamp() * 1_000_000) & (2**53 - 1)
    clock = int.from_bytes(sha256(told.key.encode("utf-8", "replace")).digest()[:2]) & 1023
    value = micros << 10 | clock
    return "".join(_TID[value >> shift & 31] for shift in range(60, -1, -5))


def _measure(text: str) -> int:
    return max(graphemes(text), -(-utf8(text) // _BYTES_EACH))


def _card(told: Notice, url: str) -> dict[str, str]:
    return {"uri": url, "title": fit(told.title, _CARD_TITLE), "description": fit(told.text, _CARD_TEXT)}


def _facets(text: str, tail: str, url: str, words: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """What is a link and what is a tag, by places in bytes of UTF-8."""
    at = utf8(text) - utf8(tail)
    if url:
        yield _facet(at, at + utf8(url), {"$type": _LINK, "uri": url})
        at += utf8(url) + 1
    for word in words:
        end = at + utf8(word) + 1
        yield _facet(at, end, {"$type": "app.bsky.richtext.facet#tag", "tag": word})
        at = end + 1


def _facet(start: int, end: int, feature: dict[str, str]) -> dict[str, Any]:
    return {"index": {"byteStart": start, "byteEnd": end}, "features": [feature]}


def _said(body: Any, headers: Mapping[str, str]) -> Said:
    reset = headers.get("ratelimit-reset", "")
    text = ": ".join(part for part in (text_of(body, "error"), text_of(body, "message")) if part)
    return Said(text, until=float(reset) if reset.isascii() and reset.isdigit() and len(reset) < 15 else None)
