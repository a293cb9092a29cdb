"""Posts what is new to Microsoft Teams, as an Adaptive Card through a webhook of Workflows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from feedbot.message.chat import BREAK, Tell, defused, fit, notice
from feedbot.message.listing import linked, listing, sources, titled
from feedbot.model import Delivery, Digest
from feedbot.plugins import SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink, Said, SecretUrl, text_of

_TITLE, _TEXT, _ABOUT, _URL = 250, 1000, 250, 2000
_LINES, _LINE_URL = 20, 300  # of a digest: together below 28 kB, at four bytes a character


class TeamsSettings(PostingSettings):
    """Keys of a sink of type ``teams``."""

    url: SecretUrl
    """The address that the workflow "When a Teams webhook request is received" gives, kept secret."""


class TeamsSink(PostingSink):
    """One card a change."""

    Settings = TeamsSettings

    def __init__(self, settings: TeamsSettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.url,))
        self._url = settings.url.get_secret_value()

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Post a change. The workflow answers 202 before the card is shown."""
        self.post(self._url, payload(delivery, self.tell), now, read=_said)

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Post many changes as one card."""
        self.post(self._url, digest_payload(digest, self.tell), now, read=_said)


def payload(delivery: Delivery, tell: Tell = notice) -> dict[str, Any]:
    """The message of a change: far below the 28 kB that Teams takes.

    Texts are runs of rich text blocks, which know no Markdown, where those of text blocks do.
    """
    told = tell(delivery)
    moment = told.moment.astimezone(UTC)
    about = " · ".join(part for part in (told.about, f"{moment.day} {moment:%b} {moment.year}") if part)
    body: list[dict[str, Any]] = [
        _text(fit(told.title, _TITLE, _inert), size="large", weight="bolder"),
        _text(fit(about, _ABOUT, _inert), size="small", isSubtle=True),
    ]
    if told.text:
        body.append(_text(fit(told.text, _TEXT, _inert)))
    if 0 < len(told.image) <= _URL:
        body.append({"type": "Image", "url": told.image, "size": "medium", "altText": ""})
    if 0 < len(told.url) <= _URL:
        return _card(body, actions=[{"type": "Action.OpenUrl", "title": "Read post", "url": told.url}])
    return _card(body)


def digest_payload(digest: Digest, tell: Tell = notice) -> dict[str, Any]:
    """The message of a digest: a list of links, as many as the 28 kB of a message have room for."""
    listed = listing(digest, tell)
    body = [
        _text(listed.heading, size="large", weight="bolder"),
        _text(fit(sources(listed.told), _ABOUT, _inert), size="small", isSubtle=True),
    ]
    for told in listed.told[:_LINES]:
        action = {"selectAction": {"type": "Action.OpenUrl", "url": told.url}} if linked(told, _LINE_URL) else {}
        body.append(_text(titled(told, _inert), **action))
    if len(listed.told) > _LINES:
        body.append(_text(f"… and {len(listed.told) - _LINES} more"))
    return _card(body)


def _card(body: list[dict[str, Any]], **more: object) -> dict[str, Any]:
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        **more,
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _text(text: str, **looks: object) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **looks}]}


def _inert(text: str) -> str:
    """Without mentions, and without the ``{{DATE(...)}}`` that cards compute."""
    return defused(text).replace("{{", f"{{{BREAK}{{")


def _said(body: Any, _headers: Mapping[str, str]) -> Said:
    inner = body.get("error") if isinstance(body, dict) else None
    return Said(text_of(inner, "message", "code"))
