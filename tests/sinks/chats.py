"""Chat services whose messages can be edited, played on loopback as their documentation says that they behave."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import unquote

from tests.support.web import Answer, Asked, WebServer


def _json(status: int, /, **values: Any) -> Answer:
    return Answer(status, json.dumps(values).encode(), {"Content-Type": "application/json"})


@dataclass
class Chat(ABC):
    """Its ``messages`` by id, as they were last sent. What is not among them any more is gone."""

    web: WebServer
    messages: dict[str, Any] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(100))
    overloaded: Answer | None = None
    """What edits are answered, in place of being made."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What a sink is configured with that posts here."""

    def posted(self, message: Any) -> str:
        number = str(next(self._numbers))
        self.messages[number] = message
        return number

    def texts(self) -> list[str]:
        return [json.dumps(message, ensure_ascii=False) for message in self.messages.values()]


class Slack(Chat):
    """chat.postMessage and chat.update, which answer 200 in any case."""

    def settings(self) -> dict[str, Any]:
        self.web.answers["/api/chat.postMessage"] = self._post
        self.web.answers["/api/chat.update"] = self._update
        return {"type": "slack", "server": self.web.url("").rstrip("/"), "token": "xoxb-1", "channel": "#news"}

    def _post(self, asked: Asked) -> Answer:
        message = json.loads(asked.body)
        assert message["channel"] == "#news"
        return _json(200, ok=True, channel="C024BE91L", ts=self.posted(message))

    def _update(self, asked: Asked) -> Answer:
        message = json.loads(asked.body)
        if message["channel"] != "C024BE91L":  # names are not taken here
            return _json(200, ok=False, error="channel_not_found")
        if message["ts"] not in self.messages:
            return _json(200, ok=False, error="message_not_found")
        if self.overloaded:
            return self.overloaded
        self.messages[message["ts"]] = message
        return _json(200, ok=True, channel="C024BE91L", ts=message["ts"], text=message["text"])


class Discord(Chat):
    """Execute Webhook and Edit Webhook Message."""

    def settings(self) -> dict[str, Any]:
        self.web.answers["/hook/1/abc?wait=true&thread_id=42"] = self._post
        for number in range(100, 110):
            self.web.answers[f"/hook/1/abc/messages/{number}?thread_id=42"] = self._patch
        return {"type": "discord", "url": self.web.url("/hook/1/abc"), "thread_id": "42"}

    def _post(self, asked: Asked) -> Answer:
        return _json(200, id=self.posted(json.loads(asked.body)), type=0)

    def _patch(self, asked: Asked) -> Answer:
        assert asked.method == "PATCH"
        number = asked.path.partition("/messages/")[2].partition("?")[0]
        if number not in self.messages:
            return _json(404, message="Unknown Message", code=10008)
        if self.overloaded:
            return self.overloaded
        self.messages[number] = json.loads(asked.body)
        return _json(200, id=number, type=0)


class Telegram(Chat):
    """sendMessage and editMessageText, which refuses an edit that changes nothing."""

    def settings(self) -> dict[str, Any]:
        self.web.answers["/bot1:abc/sendMessage"] = self._send
        self.web.answers["/bot1:abc/editMessageText"] = self._edit
        return {"type": "telegram", "server": self.web.url("").rstrip("/"), "token": "1:abc", "chat_id": -1001}

    def _send(self, asked: Asked) -> Answer:
        message = json.loads(asked.body)
        return _json(200, ok=True, result={"message_id": int(self.posted(message)), "chat": {"id": -1001}})

    def _edit(self, asked: Asked) -> Answer:
        message = json.loads(asked.body)
        assert message["chat_id"] == "-1001"
        number = str(message["message_id"])
        if number not in self.messages:
            return _json(400, ok=False, error_code=400, description="Bad Request: message to edit not found")
        if self.overloaded:
            return self.overloaded
        if self.messages[number]["text"] == message["text"]:
            said = "Bad Request: message is not modified: specified new message content and reply markup are the same"
            return _json(400, ok=False, error_code=400, description=said)
        self.messages[number] = message
        return _json(200, ok=True, result={"message_id": message["message_id"], "chat": {"id": -1001}})


class Matrix(Chat):
    """Sending, which takes replacements of whatever; looking at an event; whose the token is."""

    sender = "@bot:example.org"

    def settings(self) -> dict[str, Any]:
        base = "/_matrix/client/v3"
        self.web.answers[f"{base}/account/whoami"] = lambda _asked: _json(200, user_id="@bot:example.org")
        for number in range(100, 110):
            self.web.answers[f"{base}/rooms/%21r%3Aexample.org/event/%24{number}"] = self._look
        for key in ("0123456789abcdef", "second", "third"):
            self.web.answers[f"{base}/rooms/%21r%3Aexample.org/send/m.room.message/{key}"] = self._put
        return {"type": "matrix", "server": self.web.url("").rstrip("/"), "token": "syt", "room": "!r:example.org"}

    def _look(self, asked: Asked) -> Answer:
        number = unquote(asked.path).rpartition("$")[2]
        if number not in self.messages:
            return _json(404, errcode="M_NOT_FOUND", error="Event not found.")
        return _json(200, event_id=f"${number}", sender=self.sender, content=self.messages[number])

    def _put(self, asked: Asked) -> Answer:
        content = json.loads(asked.body)
        relation = content.get("m.relates_to")
        if relation is None:
            return _json(200, event_id=f"${self.posted(content)}")
        if self.overloaded:
            return self.overloaded
        assert relation["rel_type"] == "m.replace"
        assert content["body"].startswith("* ")
        number = relation["event_id"].removeprefix("$")
        if number in self.messages and self.sender == "@bot:example.org" and self.messages[number]:
            self.messages[number] = content["m.new_content"]
        return _json(200, event_id="$edit")


CHATS = (Slack, Discord, Telegram, Matrix)
