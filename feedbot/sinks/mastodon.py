"""Posts what is new to Mastodon, and to servers with the same interface (docs.joinmastodon.org, statuses)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from feedbot.core.dates import parse_date
from feedbot.message.chat import Notice, Tell, graphemes, hashtags, live_broken, notice, short_post
from feedbot.message.listing import listing, plain_line
from feedbot.model import Delivery, Digest
from feedbot.plugins import SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink, Said, Server, Token, like, text_of

_LINK_COUNTS = 23  # characters, however long an address is
_LINK = re.compile(r"[a-z][a-z0-9+.-]*://\S+|(?:magnet|xmpp):\S+", re.IGNORECASE)
_COUNTED_AS_LINK = re.compile(r"https?://[a-z0-9.-]+\.[a-z]{2,}(?::\d+)?(?:/[a-z0-9/._~%?=&+-]*[a-z0-9/=_-])?", re.I)


class MastodonSettings(PostingSettings):
    """Keys of a sink of type ``mastodon``."""

    server: Server
    """The server of the account, such as "https://mastodon.social"."""
    token: Token
    """The access token of an application of the account, with the scope write:statuses."""
    visibility: Literal["public", "unlisted", "private", "direct"] = "public"
    """Who sees the posts."""
    max_characters: Annotated[int, Field(ge=100, le=100_000)] = 500
    """How long a post may be there."""
    hashtags: Annotated[int, Field(ge=0, le=30)] = 5
    """How many tags of an entry become hashtags."""
    language: Annotated[str, like(r"([a-z]{2,3})?", 'a language such as "en"')] = ""
    """The language of entries that do not tell theirs, such as "en"."""


class MastodonSink(PostingSink):
    """One post a change. Its Idempotency-Key is the delivery's key, so that a second try adds no second post."""

    Settings = MastodonSettings

    def __init__(self, settings: MastodonSettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.token,))
        self._options = settings
        self._url = f"{settings.server}/api/v1/statuses"
        self._login = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Post a change."""
        self._post_status(delivery.key, payload(delivery, self._options, self.tell), now)

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Post many changes as one list."""
        self._post_status(digest.key, digest_payload(digest, self._options, self.tell), now)

    def _post_status(self, key: str, message: dict[str, Any], now: datetime) -> None:
        headers = {"Idempotency-Key": key}
        self.post(self._url, message, now, headers=headers, secret_headers=self._login, read=_said)


def payload(delivery: Delivery, options: MastodonSettings, tell: Tell = notice) -> dict[str, Any]:
    """The post of a change."""
    told = tell(delivery)
    language = told.language.partition("-")[0].lower() or options.language
    return {
        "status": short_post(told, _tail(told, options), options.max_characters, live_broken, counted),
        "visibility": options.visibility,
        **({"language": language} if language else {}),
    }


def digest_payload(digest: Digest, options: MastodonSettings, tell: Tell = notice) -> dict[str, Any]:
    """The post of a digest: as many titles with their addresses as fit."""
    listed = listing(digest, tell)
    room = options.max_characters - counted(f"{listed.heading}\n\n")
    lines = listed.text(room, plain_line(live_broken, counted, min(room // 2, 150)), counted)
    return {
        "status": f"{listed.heading}\n\n{lines}",
        "visibility": options.visibility,
        **({"language": options.language} if options.language else {}),
    }


def counted(text: str) -> int:
    """At least as many characters as Mastodon counts: an address that it takes for one is 23."""
    links = _LINK.findall(text)
    rest = graphemes(_LINK.sub("", text))
    return rest + sum(
        _LINK_COUNTS if _COUNTED_AS_LINK.fullmatch(link) else max(_LINK_COUNTS, len(link)) for link in links
    )


def _tail(told: Notice, options: MastodonSettings) -> str:
    """The address and the hashtags, as far as they leave half of the post to the text."""
    room = options.max_characters // 2
    lines = [told.url] if told.url and counted(told.url) <= room else []
    words: list[str] = []
    for word in hashtags(told.tags, options.hashtags):
        if counted("\n".join([*lines, " ".join([*words, f"#{word}"])])) <= room:
            words.append(f"#{word}")
    return "\n".join([*lines, " ".join(words)] if words else lines)


def _said(body: Any, headers: Mapping[str, str]) -> Said:
    reset = parse_date(headers.get("x-ratelimit-reset", ""))
    return Said(text_of(body, "error"), until=reset.timestamp() if reset else None)
