"""Sends what is new to a Telegram chat as a bot (core.telegram.org/bots/api)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from feedbot.errors import DeliveryError
from feedbot.message.chat import Notice, Tell, as_html, fit, notice
from feedbot.message.listing import linked, listing, titled
from feedbot.model import Delivery, Digest
from feedbot.plugins import SinkContext
from feedbot.sinks.editing import EditingSettings, EditingSink
from feedbot.sinks.posting import Said, Server, Token, like, number_of, text_of

_TITLE, _TEXT, _ABOUT, _LIST, _URL = 400, 1500, 300, 3900, 1500  # together below the 4096 that a message may have


def _chat(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class TelegramSettings(EditingSettings):
    """Keys of a sink of type ``telegram``."""

    token: Token
    """What @BotFather gave the bot ("123456:ABC...")."""
    chat_id: Annotated[
        str,
        BeforeValidator(_chat, json_schema_input_type=str | int),
        like(r"-?\d{1,20}|@[A-Za-z]\w{1,63}", 'the number of a chat, or the "@name" of a public channel'),
    ]
    """The chat: its number, or "@name" of a public channel."""
    thread_id: Annotated[int, Field(ge=1)] | None = None
    """The number of the topic in a group that has topics."""
    preview: Literal["small", "large", "none"] = "small"
    """How the preview of the entry's page is shown."""
    silent: bool = False
    """Whether the message arrives without a sound."""
    server: Server = "https://api.telegram.org"
    """The server of the bot interface."""


class TelegramSink(EditingSink):
    """One message a change."""

    Settings = TelegramSettings

    def __init__(self, settings: TelegramSettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.token,))
        self._options = settings
        self._bot = f"{settings.server}/bot{settings.token.get_secret_value()}"

    def publish(self, delivery: Delivery, now: datetime) -> str:
        """Send a change. The receipt is the chat and the number of the message in it."""
        answer = self._send(payload(delivery, self._options.preview, self.tell), now)
        number = number_of(answer.get("result"), "message_id") if isinstance(answer, dict) else None
        return "" if number is None else f"{self._options.chat_id} {number:.0f}"

    def edit(self, delivery: Delivery, receipt: str, now: datetime) -> bool:
        """Change a message of this chat (editMessageText)."""
        chat, _, number = receipt.partition(" ")
        if chat != self._options.chat_id or not (number.isascii() and number.isdecimal()):
            return False
        shown = payload(delivery, self._options.preview, self.tell)
        message = {"chat_id": chat, "message_id": int(number), **shown}
        try:
            self.post(f"{self._bot}/editMessageText", message, now, read=_said)
        except DeliveryError as error:
            if "message is not modified" not in error.message:  # as at a second try of an edit
                raise
        return True

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Send many changes as one list."""
        self._send(digest_payload(digest, self.tell), now)

    def _send(self, shown: dict[str, Any], now: datetime) -> Any:
        options = self._options
        message: dict[str, Any] = {"chat_id": options.chat_id, **shown}
        if options.thread_id is not None:
            message["message_thread_id"] = options.thread_id
        if options.silent:
            message["disable_notification"] = True
        return self.post(f"{self._bot}/sendMessage", message, now, read=_said)


def payload(delivery: Delivery, preview: str = "small", tell: Tell = notice) -> dict[str, Any]:
    """The message of a change, in the few tags that Telegram knows."""
    told = tell(delivery)
    linked = 0 < len(as_html(told.url)) <= _URL
    parts = [_title(told, linked), fit(told.text, _TEXT, as_html), _wrapped("i", fit(told.about, _ABOUT, as_html))]
    shown: dict[str, Any] = {"is_disabled": True}
    if linked and preview != "none":
        shown = {"url": told.url, f"prefer_{preview}_media": True}
    return {
        "text": "\n\n".join(part for part in parts if part),
        "parse_mode": "HTML",
        "link_preview_options": shown,
    }


def digest_payload(digest: Digest, tell: Tell = notice) -> dict[str, Any]:
    """The message of a digest: a list of links."""
    listed = listing(digest, tell)
    return {
        "text": f"<b>{as_html(listed.heading)}</b>\n\n{listed.text(_LIST, _line)}",
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
    }


def _line(told: Notice) -> str:
    title = titled(told, as_html)
    address = told.url.replace("&", "&amp;").replace('"', "%22")
    return f'• <a href="{address}">{title}</a>' if linked(told) else f"• {title}"


def _title(told: Notice, linked: bool) -> str:
    title = _wrapped("b", fit(told.title, _TITLE, as_html))
    address = told.url.replace("&", "&amp;").replace('"', "%22")
    return f'<a href="{address}">{title}</a>' if linked else title


def _wrapped(tag: str, text: str) -> str:
    return f"<{tag}>{text}</{tag}>" if text else ""


def _said(body: Any, _headers: Mapping[str, str]) -> Said:
    further = body.get("parameters") if isinstance(body, dict) else None
    moved = number_of(further, "migrate_to_chat_id")
    text = text_of(body, "description") + (f" (set chat_id to {moved:.0f})" if moved is not None else "")
    return Said(text, number_of(further, "retry_after"))
