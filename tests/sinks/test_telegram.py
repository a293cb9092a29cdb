from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from feedbot.sinks.telegram import TelegramSettings, payload
from tests.sinks.builders import delivery
from tests.sinks.services import SERVICES, failure, made, sent
from tests.support.web import Answer, WebServer


def test_a_message_is_html_that_telegram_knows(web: WebServer, tmp_path: Path) -> None:
    message = sent("telegram", web, tmp_path, {"thread_id": 7, "silent": True}, url="https://example.org/?a=1&b=2")
    assert message["chat_id"] == "-100123"
    assert (message["message_thread_id"], message["disable_notification"]) == (7, True)
    assert message["parse_mode"] == "HTML"
    assert message["text"] == (
        '<a href="https://example.org/?a=1&amp;b=2"><b>Welcome</b></a>\n\nHello, reader.\n\n<i>planet · Ada</i>'
    )
    assert message["link_preview_options"] == {"url": "https://example.org/?a=1&b=2", "prefer_small_media": True}


def test_the_preview_can_be_large_or_off() -> None:
    assert payload(delivery(), "large")["link_preview_options"]["prefer_large_media"] is True
    assert payload(delivery(), "none")["link_preview_options"] == {"is_disabled": True}


def test_markup_mentions_hashtags_and_commands_of_an_entry_are_dead() -> None:
    text = payload(delivery(title="<b>1 & 2</b>", content="@ada #tag /start a/b"))["text"]
    assert "&lt;b&gt;1 &amp; 2&lt;/b&gt;" in text
    assert "@\u200bada #\u200btag /\u200bstart a/b" in text


def test_a_group_that_moved_says_where_to(web: WebServer, tmp_path: Path) -> None:
    service = SERVICES["telegram"]
    web.answers[service.path] = Answer(
        400, b'{"ok": false, "description": "group upgraded", "parameters": {"migrate_to_chat_id": -1001234567890}}'
    )
    error = failure(made("telegram", web, tmp_path, settings=service.settings))
    assert "set chat_id to -1001234567890" in error.message


@pytest.mark.parametrize("chat", ["", "news", "@", "1 2", "@a\n", 1.5, True])
def test_a_chat_is_a_number_or_a_name_with_an_at_sign(chat: object) -> None:
    with pytest.raises(ValidationError):
        TelegramSettings.model_validate({"type": "telegram", "token": "t", "chat_id": chat})
