"""Posts what is new to Microsoft Teams, as an Adaptive Card through a webhook of Workflows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from feedbot.message.chat import BREAK, defused, fit, notice
from feedbot.model import Delivery
from feedbot.plugins import SinkContext
from feedbot.sinks.posting import PostingSettings, PostingSink, Said, SecretUrl, text_of

_TITLE, _TEXT, _ABOUT, _URL = 250, 1000, 250, 2000


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
        self.post(self._url, payload(delivery), now, read=_said)


def payload(delivery: Delivery) -> dict[str, Any]:
    """The message of a change: far below the 28 kB that Teams takes.

    Texts are runs of rich text blocks, which know no Markdown, where those of text blocks do.
    """
    told = notice(delivery)
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
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if 0 < len(told.url) <= _URL:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Read post", "url": told.url}]
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
