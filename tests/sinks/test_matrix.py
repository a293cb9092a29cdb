from __future__ import annotations

from pathlib import Path

from feedbot.sinks.matrix import payload
from tests.sinks.builders import delivery
from tests.sinks.services import ROOM, sent
from tests.support.web import WebServer


def test_an_event_is_put_under_the_key_of_its_delivery(web: WebServer, tmp_path: Path) -> None:
    message = sent("matrix", web, tmp_path)
    (asked,) = web.asked
    assert (asked.method, asked.path) == ("PUT", ROOM)
    assert asked.headers["authorization"] == "Bearer hush-hush"
    assert message["msgtype"] == "m.notice"
    assert message["format"] == "org.matrix.custom.html"
    assert message["body"] == "Welcome\nhttps://example.org/welcome/\nHello, reader.\nplanet · Ada"
    assert message["formatted_body"] == (
        '<strong><a href="https://example.org/welcome/">Welcome</a></strong><p>Hello, reader.</p><em>planet · Ada</em>'
    )


def test_nobody_is_mentioned_and_markup_is_text() -> None:
    message = payload(delivery(title="<img src=x>", content="<p>@room one</p><p>&lt;b&gt;two</p>"), "text")
    assert message["msgtype"] == "m.text"
    assert message["m.mentions"] == {}
    assert "&lt;img src=x&gt;" in message["formatted_body"]
    assert "<p>@\u200broom one<br>&lt;b&gt;two</p>" in message["formatted_body"]
    assert "@room" not in message["body"]
