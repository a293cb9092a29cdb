from __future__ import annotations

import io
import json
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from feedbot.app import App, RunOptions
from feedbot.errors import DeliveryError
from feedbot.http.client import Client
from feedbot.plugins import SINKS, load
from feedbot.settings import load as load_settings
from feedbot.sinks.editing import EditingSink
from tests.sinks.builders import NOW, context, delivery
from tests.sinks.chats import CHATS, Chat, Matrix, Telegram
from tests.support.web import Answer, WebServer

DIFF = "--- before\n+++ after\n@@ -1 +1 @@\n-Hello, raeder.\n+Hello, reader.\n"
UPDATE: dict[str, Any] = {"change": "updated", "diff": DIFF, "title": "Welcome back"}


@pytest.fixture(params=CHATS, ids=lambda chat: chat.__name__.lower())
def chat(request: pytest.FixtureRequest, web: WebServer) -> Chat:
    made: Chat = request.param(web)
    return made


def sink(chat: Chat, folder: Path, **further: Any) -> EditingSink:
    settings = {**chat.settings(), "on_update": "edit", **further}
    plugin = load(SINKS, settings["type"])
    client = Client(user_agent="feedbot-test", allow_private=(chat.web.address,))
    made: EditingSink = plugin(plugin.Settings.model_validate(settings), context(folder, lambda: client))
    return made


def test_an_update_edits_the_message_about_its_entry(chat: Chat, tmp_path: Path) -> None:
    to = sink(chat, tmp_path)
    receipt = to.send(delivery(), NOW)
    assert to.send(delivery("second", receipt=receipt, **UPDATE), NOW) == receipt
    (shown,) = chat.texts()
    assert "Updated: Welcome back" in shown
    assert "Hello, reader." in shown
    assert "raeder" not in shown  # whoever reads it now has not seen what it was


def test_a_withdrawal_takes_the_text_out_of_the_message(chat: Chat, tmp_path: Path) -> None:
    to = sink(chat, tmp_path)
    receipt = to.send(delivery(), NOW)
    assert to.send(delivery("second", change="withdrawn", receipt=receipt), NOW) == receipt
    (shown,) = chat.texts()
    assert "Withdrawn: Welcome" in shown
    assert "Hello" not in shown


def test_a_second_try_of_an_edit_changes_nothing(chat: Chat, tmp_path: Path) -> None:
    to = sink(chat, tmp_path)
    update = delivery("second", receipt=to.send(delivery(), NOW), **UPDATE)
    to.send(update, NOW)
    once = chat.texts()
    assert to.send(update, NOW) == update.receipt
    assert chat.texts() == once


def test_where_the_message_is_gone_another_is_posted_and_edited_from_then_on(chat: Chat, tmp_path: Path) -> None:
    to = sink(chat, tmp_path)
    first = to.send(delivery(), NOW)
    del chat.messages["100"]
    second = to.send(delivery("second", receipt=first, **UPDATE), NOW)
    assert second not in ("", first)
    assert "raeder" in chat.texts()[-1]  # a message of its own shows what is different
    assert to.send(delivery("third", receipt=second, change="updated", title="Once more"), NOW) == second
    assert len(chat.messages) == 1
    assert "Once more" in chat.texts()[-1]


def test_an_edit_that_cannot_be_made_now_is_tried_again_and_nothing_is_posted(chat: Chat, tmp_path: Path) -> None:
    to = sink(chat, tmp_path)
    receipt = to.send(delivery(), NOW)
    for answer in (Answer(503), Answer(429, b"{}", {"Retry-After": "30"})):
        chat.overloaded = answer
        with pytest.raises(DeliveryError) as caught:
            to.send(delivery("second", receipt=receipt, **UPDATE), NOW)
        assert (caught.value.refused, caught.value.permanent) == (False, False)
    assert len(chat.messages) == 1


def test_unless_asked_to_nothing_is_edited(chat: Chat, tmp_path: Path) -> None:
    to = sink(chat, tmp_path, on_update="post")
    receipt = to.send(delivery(), NOW)
    assert receipt
    assert to.send(delivery("second", receipt=receipt, **UPDATE), NOW) != receipt
    assert len(chat.messages) == 2


@pytest.mark.parametrize("receipt", ["of another kind", "1 2 3", "-1002 100", "#other C024BE91L 100", "../..", "$999"])
def test_a_receipt_from_elsewhere_leads_to_a_message_of_its_own(chat: Chat, receipt: str, tmp_path: Path) -> None:
    to = sink(chat, tmp_path)
    to.send(delivery(), NOW)
    assert to.send(delivery("second", receipt=receipt, **UPDATE), NOW) not in ("", receipt)
    assert len(chat.messages) == 2


def test_a_message_that_was_redacted_or_is_of_another_account_is_not_replaced(web: WebServer, tmp_path: Path) -> None:
    room = Matrix(web)
    to = sink(room, tmp_path)
    receipt = to.send(delivery(), NOW)
    room.messages["100"] = {}
    assert to.send(delivery("second", receipt=receipt, **UPDATE), NOW) == "$101"
    room.sender = "@former:example.org"
    assert to.send(delivery("third", receipt="$101", **UPDATE), NOW) == "$102"


def test_an_incoming_webhook_of_slack_cannot_edit() -> None:
    settings = {"type": "slack", "url": "https://hooks.slack.example/1", "on_update": "edit"}
    with pytest.raises(ValidationError, match="needs token and channel"):
        load(SINKS, "slack").Settings.model_validate(settings)


def test_an_answer_without_a_name_of_the_message_is_no_failure(web: WebServer, tmp_path: Path) -> None:
    telegram = Telegram(web)
    to = sink(telegram, tmp_path)
    for body in (b"", b"[]", b'{"result": []}', b'{"result": {"message_id": "x"}}', json.dumps({"ok": True}).encode()):
        web.answers["/bot1:abc/sendMessage"] = Answer(200, body)
        assert to.send(delivery(), NOW) == ""


HEAD = "<title>N</title><link>https://n.example/</link><description>d</description>"
FEED = f'<rss version="2.0"><channel>{HEAD}{{}}</channel></rss>'
ITEM = "<item><guid isPermaLink='false'>{0}</guid><title>{1}</title><description>{2}</description></item>"
CONFIG = """
[feedbot]
allow_private = ["{address}"]
[sources.news]
type = "feed"
url = "http://{address}/feed"
interval = "0s"
backfill = "all"
update_interval = "0s"
[sinks.chat]
type = "telegram"
server = "http://{address}"
token = "1:abc"
chat_id = -1001
on_update = "edit"
[sinks.mails]
type = "file"
path = "mails/"
[[routes]]
to = ["chat"]
on = ["new", "updated"]
[[routes]]
to = ["mails"]
digest = "@daily"
[[routes]]
to = ["mails"]
on = ["updated"]
"""


class Installation:
    """A feed whose entries are announced in a chat, and in a daily mail; its edits at once."""

    def __init__(self, web: WebServer, folder: Path) -> None:
        self.folder, self.web, self.now = folder, web, NOW
        self.chat = Telegram(web)
        self.chat.settings()
        (folder / "feedbot.toml").write_text(CONFIG.format(address=web.address))

    def run(self, **texts: str) -> None:
        items = "".join(ITEM.format(guid, guid.upper(), text) for guid, text in texts.items())
        self.web.serve("/feed", FEED.format(items))
        self.now += timedelta(days=1)
        configuration = load_settings(self.folder / "feedbot.toml", {})
        report = App(configuration, out=io.StringIO(), clock=lambda: self.now).run(RunOptions())
        assert not [error for sink in report.sinks.values() for error in sink.errors]

    def mails(self) -> list[Message]:
        paths = sorted((self.folder / "mails").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [message_from_bytes(path.read_bytes()) for path in paths]


def test_from_one_run_to_the_next_each_message_is_found_again(web: WebServer, tmp_path: Path) -> None:
    installation = Installation(web, tmp_path)
    installation.run(a="Of rain.", b="Of sun.")
    installation.run(a="Of rain.", b="Of sun and wind.")
    installation.run(a="Of rain and snow.", b="Of sun and wind and clouds.")
    texts = installation.chat.texts()
    assert len(texts) == 2
    assert "Of rain and snow." in "".join(texts)
    assert "Of sun and wind and clouds." in "".join(texts)


def test_the_mail_of_an_update_stands_under_the_digest_that_announced_its_entry(web: WebServer, tmp_path: Path) -> None:
    installation = Installation(web, tmp_path)
    installation.run(a="Of rain.", b="Of sun.")
    installation.run(a="Of rain.", b="Of sun.")
    (digest,) = installation.mails()
    installation.run(a="Of rain.", b="Of sun and wind.")
    _, update = installation.mails()
    assert update["In-Reply-To"] == update["References"] == digest["Message-ID"]
