from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from feedbot.sinks.slack import SlackSettings, payload
from tests.sinks.builders import NOW, delivery
from tests.sinks.services import failure, made, sent
from tests.support.web import Answer, Asked, WebServer

APP = {"server": "/", "token": "xoxb-hush", "channel": "#news"}
POST = "/api/chat.postMessage"
PICTURE = "https://example.org/i.png"


def test_a_message_is_a_header_a_summary_its_origin_and_a_button(web: WebServer, tmp_path: Path) -> None:
    message = sent("slack", web, tmp_path, image=PICTURE)
    header, section, context, actions = message["blocks"]
    assert header == {"type": "header", "text": {"type": "plain_text", "text": "Welcome", "emoji": False}}
    assert section["text"] == {"type": "mrkdwn", "text": "Hello, reader.", "verbatim": True}
    assert section["accessory"] == {"type": "image", "image_url": PICTURE, "alt_text": "Welcome"}
    date = "<!date^1795167000^{date_short_pretty} {time}|20 Nov 2026>"
    assert context["elements"][0]["text"] == f"planet · Ada · {date}"
    assert actions["elements"][0]["url"] == "https://example.org/welcome/"
    assert actions["elements"][0]["text"]["text"] == "Read post"
    assert message["text"] == "Welcome https://example.org/welcome/"
    assert message["unfurl_links"] is False


def test_what_slack_reads_as_markup_is_escaped_and_nothing_else() -> None:
    message = payload(delivery(title="<!here> & *you*", content="&lt;@U123&gt; &amp; &lt;https://a.example|b&gt; *x*"))
    header, section = message["blocks"][:2]
    assert header["text"]["text"] == "<!here> & *you*"
    assert section["text"]["text"] == "&lt;@U123&gt; &amp; &lt;https://a.example|b&gt; *x*"
    assert message["text"].startswith("&lt;!here&gt; &amp; *you* ")


def test_long_texts_are_cut_at_a_word_and_never_inside_an_escape() -> None:
    message = payload(delivery(title="word " * 100, content="R&amp;D " * 1000))
    header, section = message["blocks"][:2]
    assert header["text"]["text"].endswith("word…")
    assert section["text"]["text"].endswith("R&amp;D…")
    assert 550 < len(section["text"]["text"]) <= 600


def test_an_app_posts_to_its_channel_with_its_token(web: WebServer, tmp_path: Path) -> None:
    web.answers[POST] = Answer(200, b'{"ok": true}')
    made("slack", web, tmp_path, settings=APP).send(delivery(), NOW)
    (asked,) = web.asked
    assert asked.headers["authorization"] == "Bearer xoxb-hush"
    assert json.loads(asked.body)["channel"] == "#news"


@pytest.mark.parametrize(
    ("code", "refused", "hint"),
    [("channel_not_found", True, "invite the app"), ("internal_error", False, ""), ("invalid_auth", True, "token")],
)
def test_a_no_in_the_body_of_a_200_is_one(web: WebServer, tmp_path: Path, code: str, refused: bool, hint: str) -> None:
    web.answers[POST] = Answer(200, json.dumps({"ok": False, "error": code}).encode())
    error = failure(made("slack", web, tmp_path, settings=APP))
    assert (error.refused, error.sink_down) == (refused, not refused)
    assert code in error.message
    assert hint in error.hint


@pytest.mark.parametrize("settings", [APP, {"url": "/hook/hush"}])
def test_an_image_that_slack_cannot_load_does_not_cost_the_message(
    web: WebServer, tmp_path: Path, settings: dict[str, str]
) -> None:
    def answer(asked: Asked) -> Answer:
        pictured = PICTURE in asked.body.decode()
        if asked.path == POST:
            return Answer(200, b'{"ok": false, "error": "invalid_blocks"}' if pictured else b'{"ok": true}')
        return Answer(400, b"invalid_blocks") if pictured else Answer(200, b"ok")

    web.answers[POST] = web.answers["/hook/hush"] = answer
    made("slack", web, tmp_path, settings=settings).send(delivery(image=PICTURE), NOW)
    assert len(web.asked) == 2
    made("slack", web, tmp_path, settings=settings, images=False).send(delivery(image=PICTURE), NOW)
    assert len(web.asked) == 3


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"url": "https://hooks.example/x", "token": "t", "channel": "c"},
        {"token": "t"},
        {"url": "https://hooks.example/x", "channel": "c"},
    ],
)
def test_a_webhook_or_an_app_is_needed_and_not_both(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match=r"url|channel"):
        SlackSettings.model_validate({"type": "slack", **settings})
