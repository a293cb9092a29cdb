"""Sends what is new to a Matrix room (Matrix client-server interface, m.room.message)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote

from feedbot.message.chat import Notice, Tell, as_html, defused, fit, notice, utf8
from feedbot.message.listing import linked, listing, plain_line, titled
from feedbot.model import Delivery, Digest
from feedbot.plugins import SinkContext
from feedbot.sinks.editing import EditingSettings, EditingSink
from feedbot.sinks.posting import Said, Server, Token, like, number_of, text_of

_TITLE, _TEXT, _ABOUT, _LIST, _URL = 400, 2000, 300, 12_000, 2000  # together far below the 65 536 bytes of an event


class MatrixSettings(EditingSettings):
    """Keys of a sink of type ``matrix``."""

    server: Server
    """The home server of the account, such as "https://matrix.example.org"."""
    token: Token
    """The access token of the account that sends."""
    room: Annotated[str, like(r"![^\s/]{1,250}", 'the id of a room, such as "!abc:example.org"')]
    """The id of the room ("!abc:example.org", in its settings under "advanced"); the account must have joined it."""
    kind: Literal["notice", "text"] = "notice"
    """Whether messages are those of a program, which clients show more quietly, or like those of people."""


class MatrixSink(EditingSink):
    """One event a change. Its transaction is the delivery's key, so that a second try adds no second message."""

    Settings = MatrixSettings

    def __init__(self, settings: MatrixSettings, context: SinkContext) -> None:
        super().__init__(settings, context, (settings.token,))
        self._kind = settings.kind
        self._server = f"{settings.server}/_matrix/client/v3"
        self._room = f"{self._server}/rooms/{quote(settings.room, safe='')}"
        self._login = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
        self._account = ""

    def publish(self, delivery: Delivery, now: datetime) -> str:
        """Send a change. The receipt is the id of the event."""
        return self._put(delivery.key, payload(delivery, self._kind, self.tell), now)

    def edit(self, delivery: Delivery, receipt: str, now: datetime) -> bool:
        """Replace a message (Matrix, "event replacements"), if it is there and of this account.

        A server takes edits of what is not there too, and clients show them to nobody.
        """
        event = self.get(f"{self._room}/event/{quote(receipt, safe='')}", now, read=_said, secret_headers=self._login)
        is_there = isinstance(event, dict) and bool(event.get("content"))  # none where it was redacted
        if not is_there or text_of(event, "sender") != self._own_name(now):
            return False
        new = payload(delivery, self._kind, self.tell)
        relation = {"rel_type": "m.replace", "event_id": receipt}
        fallback = {**new, "body": f"* {new['body']}", "formatted_body": f"* {new['formatted_body']}"}
        self._put(delivery.key, {**fallback, "m.new_content": new, "m.relates_to": relation}, now)
        return True

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Send many changes as one list."""
        self._put(digest.key, digest_payload(digest, self._kind, self.tell), now)

    def _put(self, key: str, message: dict[str, Any], now: datetime) -> str:
        address = f"{self._room}/send/m.room.message/{quote(key, safe='')}"
        answer = self.post(address, message, now, method="PUT", secret_headers=self._login, read=_said)
        return text_of(answer, "event_id")

    def _own_name(self, now: datetime) -> str:
        if not self._account:
            answer = self.get(f"{self._server}/account/whoami", now, read=_said, secret_headers=self._login)
            self._account = text_of(answer, "user_id")
        return self._account


def payload(delivery: Delivery, kind: str = "notice", tell: Tell = notice) -> dict[str, Any]:
    """The content of the event. With an empty ``m.mentions`` no text of it can call anybody (Matrix 1.7)."""
    told = tell(delivery)
    url = told.url if len(as_html(told.url)) <= _URL else ""
    title = fit(told.title, _TITLE, as_html)
    heading = f'<a href="{url.replace("&", "&amp;")}">{title}</a>' if url else title
    text = fit(told.text, _TEXT, as_html).replace("\n", "<br>")
    about = fit(told.about, _ABOUT, as_html)
    marked = [f"<strong>{heading}</strong>", f"<p>{text}</p>" if text else "", f"<em>{about}</em>" if about else ""]
    plain = [fit(told.title, _TITLE, defused), url, fit(told.text, _TEXT, defused), fit(told.about, _ABOUT, defused)]
    return {
        "msgtype": f"m.{kind}",
        "body": "\n".join(part for part in plain if part),
        "format": "org.matrix.custom.html",
        "formatted_body": "".join(marked),
        "m.mentions": {},
    }


def digest_payload(digest: Digest, kind: str = "notice", tell: Tell = notice) -> dict[str, Any]:
    """The content of the event of a digest: a list of links."""
    listed = listing(digest, tell)
    items = listed.lines(_LIST, _line, utf8, "<li></li>")
    return {
        "msgtype": f"m.{kind}",
        "body": f"{listed.heading}\n{listed.text(_LIST, plain_line(defused, utf8), utf8)}",
        "format": "org.matrix.custom.html",
        "formatted_body": f"<strong>{listed.heading}</strong><ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>",
        "m.mentions": {},
    }


def _line(told: Notice) -> str:
    title = titled(told, as_html)
    return f'<a href="{told.url.replace("&", "&amp;")}">{title}</a>' if linked(told) else title


def _said(body: Any, _headers: Mapping[str, str]) -> Said:
    wait = number_of(body, "retry_after_ms")
    return Said(text_of(body, "error", "errcode"), None if wait is None else wait / 1000)
