"""ntfy, Gotify and Pushover: what arrives on phones."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from feedbot.plugins import SINKS, load
from feedbot.sinks.pushover import payload as pushover
from tests.sinks.builders import NOW, delivery
from tests.sinks.services import made, sent
from tests.support.web import Answer, WebServer


def test_a_message_of_ntfy_has_title_click_tags_and_priority(web: WebServer, tmp_path: Path) -> None:
    message = sent("ntfy", web, tmp_path, {"priority": 4, "tags": ("newspaper",)}, tags=("python", "a,b"))
    assert web.asked[0].headers["authorization"] == "Bearer hush-hush"
    assert message == {
        "topic": "news",
        "title": "Welcome",
        "message": "Hello, reader.",
        "priority": 4,
        "tags": ["newspaper", "python", "a b"],
        "click": "https://example.org/welcome/",
    }


def test_ntfy_knows_a_name_and_a_password_too(web: WebServer, tmp_path: Path) -> None:
    web.answers["/"] = Answer(200)
    settings = {"server": "/", "topic": "news", "username": "ada", "password": "hüsh"}
    made("ntfy", web, tmp_path, settings=settings).send(delivery(), NOW)
    name, _, value = web.asked[0].headers["authorization"].partition(" ")
    assert (name, base64.b64decode(value).decode()) == ("Basic", "ada:hüsh")


def test_a_message_of_gotify_is_plain_text_with_its_address(web: WebServer, tmp_path: Path) -> None:
    message = sent("gotify", web, tmp_path, {"priority": 8})
    assert web.asked[0].headers["x-gotify-key"] == "hush-hush"
    assert (message["title"], message["priority"]) == ("Welcome", 8)
    assert message["message"] == "Hello, reader.\n\nhttps://example.org/welcome/"
    assert message["extras"] == {
        "client::display": {"contentType": "text/plain"},
        "client::notification": {"click": {"url": "https://example.org/welcome/"}},
    }


def test_a_message_of_pushover_has_its_keys_and_an_address_of_its_own(web: WebServer, tmp_path: Path) -> None:
    message = sent("pushover", web, tmp_path, {"device": "phone", "priority": -1, "sound": "none"})
    assert message == {
        "token": "hush-hush",
        "user": "hush-user",
        "device": "phone",
        "priority": -1,
        "sound": "none",
        "title": "Welcome",
        "message": "Hello, reader.",
        "timestamp": 1795167000,
        "url": "https://example.org/welcome/",
        "url_title": "Read post",
    }


def test_an_address_too_long_for_pushover_stands_in_the_text_or_nowhere() -> None:
    message = pushover(delivery(url=f"https://example.org/{'p' * 600}", content="word " * 400))
    assert message["message"].endswith("p" * 600)
    assert len(message["message"]) <= 1024
    assert "url" not in message
    assert "https" not in pushover(delivery(url=f"https://example.org/{'p' * 1000}"))["message"]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("ntfy", {"topic": "a/b"}),
        ("ntfy", {"topic": "a", "priority": 6}),
        ("ntfy", {"topic": "a", "username": "me"}),
        ("ntfy", {"topic": "a", "username": "me", "password": "p", "token": "t"}),
        ("gotify", {"server": "https://me:pw@example.org", "token": "t"}),
        ("gotify", {"server": "https://example.org/?a=b", "token": "t"}),
        ("gotify", {"server": "example.org", "token": "t"}),
        ("pushover", {"token": "t", "user": ""}),
        ("pushover", {"token": "t", "user": "u", "priority": 2}),
        ("pushover", {"token": "t", "user": "u", "device": "a b"}),
    ],
)
def test_settings_that_cannot_work_are_refused(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        load(SINKS, name).Settings.model_validate({"type": name, **settings})
