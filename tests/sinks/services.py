"""Chat and push services as feedbot's sinks meet them: their settings, played by a server on loopback."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from feedbot.errors import DeliveryError
from feedbot.http.client import Client
from feedbot.plugins import SINKS, Sink, load
from tests.sinks.builders import NOW, context, delivery
from tests.support.web import Answer, WebServer

ROOM = "/_matrix/client/v3/rooms/%21room%3Aexample.org/send/m.room.message/0123456789abcdef"


@dataclass(frozen=True)
class Service:
    """``path`` is where a message goes; a key of ``settings`` that starts with "/" stands for an address there."""

    path: str
    settings: Mapping[str, Any]
    yes: Answer
    limited: Answer
    """How the service says "in 30 seconds"."""


def _json(status: int, /, **values: Any) -> Answer:
    return Answer(status, json.dumps(values).encode(), {"Content-Type": "application/json"})


_IN_30_S = Answer(429, b"", {"Retry-After": "30"})

SERVICES: Mapping[str, Service] = {
    "slack": Service("/hook/hush-hush", {"url": "/hook/hush-hush"}, Answer(200, b"ok"), _IN_30_S),
    "discord": Service(
        "/hook/hush-hush?wait=true",
        {"url": "/hook/hush-hush"},
        _json(200, id="1"),
        _json(429, message="You are being rate limited.", retry_after=30.0),
    ),
    "mattermost": Service("/hook/hush-hush", {"url": "/hook/hush-hush"}, Answer(200, b"ok"), _IN_30_S),
    "teams": Service("/hook/hush-hush", {"url": "/hook/hush-hush"}, Answer(202), _IN_30_S),
    "telegram": Service(
        "/bot1:hush-hush/sendMessage",
        {"server": "/", "token": "1:hush-hush", "chat_id": -100123},
        _json(200, ok=True),
        _json(429, ok=False, description="Too Many Requests", parameters={"retry_after": 30}),
    ),
    "matrix": Service(
        ROOM,
        {"server": "/", "token": "hush-hush", "room": "!room:example.org"},
        _json(200, event_id="$1"),
        _json(429, errcode="M_LIMIT_EXCEEDED", error="Too many requests", retry_after_ms=30_000),
    ),
    "mastodon": Service(
        "/api/v1/statuses",
        {"server": "/", "token": "hush-hush"},
        _json(200, id="1"),
        Answer(429, b"{}", {"X-RateLimit-Reset": "2026-11-21T12:00:30.000Z"}),
    ),
    "ntfy": Service("/", {"server": "/", "topic": "news", "token": "hush-hush"}, _json(200, id="1"), _IN_30_S),
    "gotify": Service("/message", {"server": "/", "token": "hush-hush"}, _json(200, id=1), _IN_30_S),
    "pushover": Service(
        "/1/messages.json",
        {"server": "/", "token": "hush-hush", "user": "hush-user"},
        _json(200, status=1),
        Answer(429, b"{}", {"X-Limit-App-Reset": str(int(NOW.timestamp()) + 30)}),
    ),
}

Make = Callable[..., Sink]


def made(name: str, web: WebServer, folder: Path, /, *, settings: Mapping[str, Any], **further: Any) -> Sink:
    """A sink of this type whose service is the server."""
    plugin = load(SINKS, name)
    keys = {key: web.url(value) if str(value).startswith("/") else value for key, value in settings.items()}
    client = Client(user_agent="feedbot-test", allow_private=(web.address,))
    found = plugin.Settings.model_validate({"type": name, **keys, **further})
    sink: Sink = plugin(found, context(folder, lambda: client))
    return sink


def sent(name: str, web: WebServer, folder: Path, further: Mapping[str, Any] | None = None, **values: Any) -> Any:
    """The JSON that a service was sent of a change."""
    service = SERVICES[name]
    web.answers.setdefault(service.path, service.yes)
    made(name, web, folder, settings=service.settings, **(further or {})).send(delivery(**values), NOW)
    return json.loads(web.asked[-1].body)


def failure(sink: Sink, **values: Any) -> DeliveryError:
    """What a sink says of a change that it could not deliver: never a secret."""
    with pytest.raises(DeliveryError) as caught:
        sink.send(delivery(**values), NOW)
    assert "hush" not in str(caught.value)
    return caught.value
