from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from feedbot.sinks.discord import payload
from tests.sinks.builders import NOW, delivery
from tests.sinks.services import failure, made, sent
from tests.support.web import Answer, WebServer


def test_a_message_is_one_embed_that_mentions_nobody(web: WebServer, tmp_path: Path) -> None:
    message = sent("discord", web, tmp_path, {"username": "News"}, image="https://example.org/i.png")
    (embed,) = message["embeds"]
    assert message["allowed_mentions"] == {"parse": []}
    assert message["username"] == "News"
    assert (embed["title"], embed["description"]) == ("Welcome", "Hello, reader.")
    assert (embed["url"], embed["thumbnail"]["url"]) == ("https://example.org/welcome/", "https://example.org/i.png")
    assert (embed["author"]["name"], embed["footer"]["text"]) == ("Ada", "planet")
    assert embed["timestamp"] == "2026-11-20T09:30:00Z"


def test_a_source_has_its_own_colour() -> None:
    one, again, other = (payload(delivery(source=name))["embeds"][0]["color"] for name in ("a", "a", "b"))
    assert one == again != other
    assert 0 <= one <= 0xFFFFFF


def test_markdown_of_an_entry_is_shown_as_it_stands_and_addresses_stay_whole() -> None:
    (embed,) = payload(delivery(content="<p>**a** [b](https://c.example/d_e_f) @everyone &lt;@1&gt;</p>"))["embeds"]
    assert embed["description"] == ("\\*\\*a\\*\\* \\[b\\](https://c.example/d_e_f) @\u200beveryone <\u200b@\u200b1\\>")


def test_a_thread_is_named_in_the_address(web: WebServer, tmp_path: Path) -> None:
    web.answers["/hook/hush?wait=true&thread_id=42"] = Answer(200, b"{}")
    settings = {"url": "/hook/hush", "thread_id": "42"}
    made("discord", web, tmp_path, settings=settings).send(delivery(), NOW)
    assert len(web.asked) == 1


def test_the_header_about_limits_counts_before_the_body(web: WebServer, tmp_path: Path) -> None:
    web.answers["/hook/hush?wait=true"] = Answer(429, b'{"retry_after": 5.5}', {"Retry-After": "6"})
    error = failure(made("discord", web, tmp_path, settings={"url": "/hook/hush"}))
    assert error.not_before == NOW + timedelta(seconds=6)
