from __future__ import annotations

from pathlib import Path
from typing import Any

from feedbot.sinks.teams import payload
from tests.sinks.builders import delivery
from tests.sinks.services import failure, made, sent
from tests.support.web import Answer, WebServer


def texts(message: dict[str, Any]) -> list[str]:
    card = message["attachments"][0]["content"]
    return [block["inlines"][0]["text"] for block in card["body"] if block["type"] == "RichTextBlock"]


def test_a_message_is_an_adaptive_card(web: WebServer, tmp_path: Path) -> None:
    message = sent("teams", web, tmp_path, image="https://example.org/i.png")
    (attachment,) = message["attachments"]
    card = attachment["content"]
    assert message["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert texts(message) == ["Welcome", "planet · Ada · 20 Nov 2026", "Hello, reader."]
    assert card["body"][-1]["url"] == "https://example.org/i.png"
    assert card["actions"][0]["url"] == "https://example.org/welcome/"


def test_texts_are_runs_in_which_markdown_stands_for_itself_and_nothing_is_computed() -> None:
    message = payload(delivery(title="**a** {{DATE(2026-01-01T00:00:00Z)}} <at>Ada</at>"))
    assert texts(message)[0] == "**a** {\u200b{DATE(2026-01-01T00:00:00Z)}} <\u200bat>Ada<\u200b/at>"


def test_what_the_workflow_says_is_told(web: WebServer, tmp_path: Path) -> None:
    web.answers["/hook/hush"] = Answer(400, b'{"error": {"code": "TriggerInputSchemaMismatch", "message": "no card"}}')
    assert "no card" in failure(made("teams", web, tmp_path, settings={"url": "/hook/hush"})).message
