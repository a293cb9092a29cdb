from __future__ import annotations

from pathlib import Path
from typing import Any

from feedbot.sinks.mastodon import MastodonSettings, counted, payload
from tests.sinks.builders import delivery
from tests.sinks.services import sent
from tests.support.web import WebServer

LONG = f"https://example.org/{'long-' * 100}end"


def status(options: dict[str, Any] | None = None, **values: Any) -> str:
    keys = {"type": "mastodon", "server": "https://social.example", "token": "t", **(options or {})}
    return str(payload(delivery(**values), MastodonSettings.model_validate(keys))["status"])


def test_a_post_is_title_text_address_and_hashtags(web: WebServer, tmp_path: Path) -> None:
    message = sent("mastodon", web, tmp_path, {"visibility": "unlisted"}, tags=("python", "Web dev"), language="en-GB")
    (asked,) = web.asked
    assert asked.headers["idempotency-key"] == "0123456789abcdef"
    assert asked.headers["authorization"] == "Bearer hush-hush"
    assert message == {
        "status": "Welcome\n\nHello, reader.\n\nhttps://example.org/welcome/\n#python #WebDev",
        "visibility": "unlisted",
        "language": "en",
    }


def test_an_address_counts_23_and_is_never_cut() -> None:
    text = status(url=LONG, content="word " * 400)
    assert LONG in text
    assert 480 < counted(text) <= 500
    assert len(text) > 900


def test_a_server_may_take_longer_posts() -> None:
    assert 980 < counted(status({"max_characters": 1000}, content="word " * 400)) <= 1000


def test_hashtags_are_words_each_once_and_few() -> None:
    text = status(tags=("python", "Python", "3.15", "c++", "release notes", "a", "b", "d", "e"))
    assert text.splitlines()[-1] == "#python #c #ReleaseNotes #a #b"
    assert status({"hashtags": 0}, tags=("python",)).endswith("welcome/")


def test_mentions_and_hashtags_of_the_text_are_dead() -> None:
    text = status(title="hi @ada@social.example", content="see #python and user@host.example")
    assert "@\u200bada@\u200bsocial.example" in text
    assert "#\u200bpython and user@\u200bhost.example" in text


def test_an_address_within_the_text_is_shown_whole_or_not_at_all() -> None:
    text = status(content="word " * 70 + "https://elsewhere.example/" + "x" * 200)
    assert "elsewhere" not in text
    assert text.splitlines()[2].endswith("word…")


def test_the_language_is_the_entries_own_or_the_configured_one() -> None:
    keys = {"type": "mastodon", "server": "https://social.example", "token": "t", "language": "de"}
    options = MastodonSettings.model_validate(keys)
    assert payload(delivery(), options)["language"] == "de"
    assert payload(delivery(language="pt-BR"), options)["language"] == "pt"
