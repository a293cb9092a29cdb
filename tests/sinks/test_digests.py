"""Many changes in one message: what each sink makes of a digest."""

from __future__ import annotations

import io
import json
import mailbox
import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from feedbot.http.client import Client
from feedbot.message import mail
from feedbot.model import Delivery, Digest
from feedbot.plugins import SINKS, DigestSink, PreviewSink, load, names
from feedbot.sinks.console import ConsoleSink
from feedbot.sinks.file import FileSink
from feedbot.sinks.mastodon import counted
from feedbot.sinks.webhook import WebhookSink
from tests.sinks.builders import NOW, context, delivery, digest
from tests.sinks.messages import message
from tests.sinks.services import SERVICES, made
from tests.support.web import Answer, WebServer

EVIL = "@everyone <!here> **b** [click](https://evil.example/) <b>x</b> @user@host.example #tag"


def many(number: int = 200, **values: Any) -> Digest:
    made_up = {"title": "A title of some words", **values}
    return digest(*[delivery(f"k{n}", **{**made_up, "url": f"https://example.org/{n}/"}) for n in range(number)])


def test_every_sink_takes_digests_and_shows_what_it_would_send() -> None:
    for name in names(SINKS):
        for wanted in (DigestSink, PreviewSink):
            methods = {method for method in ("send_digest", "preview") if method in wanted.__dict__}
            assert all(hasattr(load(SINKS, name), method) for method in methods), name


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_digest_is_one_message_to_a_service(name: str, web: WebServer, tmp_path: Path) -> None:
    service = SERVICES[name]
    web.answers[service.path] = service.yes
    web.answers[service.path.replace("0123456789abcdef", "feedfeedfeedfeed")] = service.yes
    made(name, web, tmp_path, settings=service.settings).send_digest(many(3), NOW)  # type: ignore[attr-defined]
    sent = [asked for asked in web.asked if b"3 new entries" in asked.body]
    assert len(sent) == 1
    assert b"A title of some words" in sent[0].body


@pytest.mark.parametrize("title", ["short", "word " * 80, "🎉" * 400, EVIL, "&<>\"'" * 50])
def test_messages_of_digests_keep_to_the_limits_of_services(title: str) -> None:
    big = many(title=title)
    section = message("slack", big)["blocks"][2]["text"]["text"]
    assert len(section) <= 3000
    (embed,) = message("discord", big)["embeds"]
    assert len(embed["description"]) <= 4096
    assert len(message("mattermost", big)["attachments"][0]["text"]) <= 4000
    assert len(json.dumps(message("teams", big), ensure_ascii=False).encode()) < 28_000
    assert len(message("telegram", big)["text"]) <= 4096
    assert len(json.dumps(message("matrix", big), ensure_ascii=False).encode()) < 40_000
    assert counted(message("mastodon", big)["status"]) <= 500
    record = message("bluesky", big)
    assert len(record["text"]) <= 300
    assert len(record["text"].encode()) <= 3000
    text = record["text"].encode()
    for facet in record["facets"]:
        assert text[facet["index"]["byteStart"] : facet["index"]["byteEnd"]].decode().startswith("• ")
    assert len(json.dumps(message("ntfy", big), ensure_ascii=False).encode()) <= 4096
    assert len(message("gotify", big)["message"]) <= 8000
    assert len(message("pushover", big)["message"]) <= 1024
    assert len(message("apprise", big)[1]) <= 1000


def test_nothing_in_the_titles_of_a_digest_is_live() -> None:
    evil = digest(delivery(title=EVIL))
    assert "<!here>" not in message("slack", evil)["blocks"][2]["text"]["text"]
    assert "@everyone" not in message("discord", evil)["embeds"][0]["description"]
    assert not re.search(r"(?<!\\)\]\(https://evil", message("discord", evil)["embeds"][0]["description"])
    assert "@everyone" not in message("mattermost", evil)["attachments"][0]["text"]
    assert "<b>x" not in message("telegram", evil)["text"]
    assert "<b>x" not in message("matrix", evil)["formatted_body"]


def test_the_webhook_of_a_digest_has_its_entries(web: WebServer, tmp_path: Path) -> None:
    web.answers["/hook"] = Answer(204)
    settings = WebhookSink.Settings.model_validate(
        {"type": "webhook", "url": web.url("/hook"), "allow_private": [web.address]}
    )
    client = Client(user_agent="feedbot-test")
    WebhookSink(settings, context(tmp_path, lambda: client)).send_digest(
        digest(delivery(title="One"), delivery(title="Two", change="updated")), NOW
    )
    client.close()
    (asked,) = web.asked
    body = json.loads(asked.body)
    assert asked.headers["webhook-id"] == "feedfeedfeedfeed"
    assert (body["type"], body["timestamp"]) == ("digest", "2026-11-21T12:00:00Z")
    assert [(one["title"], one["change"]) for one in body["data"]["entries"]] == [("One", "new"), ("Two", "updated")]


def test_a_file_gets_a_digest_as_one_line_once(tmp_path: Path) -> None:
    to = FileSink(FileSink.Settings(type="file", path="log.jsonl"), context(tmp_path))
    to.send_digest(many(2), NOW)
    to.send_digest(many(2), NOW)
    (line,) = (tmp_path / "log.jsonl").read_text().splitlines()
    assert (json.loads(line)["type"], len(json.loads(line)["data"]["entries"])) == ("digest", 2)


@pytest.mark.parametrize("path", ["mails/", "mails.mbox"])
def test_a_digest_is_one_mail_in_a_folder_or_mbox(tmp_path: Path, path: str) -> None:
    to = FileSink(FileSink.Settings(type="file", path=path), context(tmp_path))
    for _ in range(2):
        to.send_digest(many(2), NOW)
    if path.endswith("/"):
        (found,) = [message_from_bytes(file.read_bytes(), policy=default) for file in tmp_path.glob("mails/*.eml")]
    else:
        (found,) = mailbox.mbox(tmp_path / path)  # type: ignore[assignment]
    assert str(found["Subject"]).startswith("2 new entries: A title")


def test_a_terminal_shows_a_heading_and_the_entries(tmp_path: Path) -> None:
    out = io.StringIO()
    ConsoleSink(ConsoleSink.Settings(type="console"), context(tmp_path, out=out)).send_digest(many(2), NOW)
    assert out.getvalue().startswith("  2 new entries\n  NEW  A title")
    assert out.getvalue().count("NEW") == 2


# As a mail


def sent(told: Digest, **values: Any) -> tuple[str, str]:
    message = message_from_bytes(mail.as_bytes(mail.build_digest(told, mail.Letterhead(**values))), policy=default)
    text, page = (str(part.get_content()).replace("\r\n", "\n") for part in message.iter_parts())
    return text, page


def test_a_mail_lists_all_entries_and_has_the_first_few_whole() -> None:
    told = digest(*[delivery(f"k{n}", title=f"Post {n}", content=f"<p>Body {n} <b>bold</b></p>") for n in range(4)])
    text, page = sent(told, bodies=2)
    assert text.startswith("4 new entries\n21 Nov 2026\n\n1. Post 0\n   planet · Ada")
    assert [page.count(f"<p>Body {n} <b>bold</b></p>") for n in range(4)] == [1, 1, 0, 0]
    assert "Body 3 bold" in text
    assert "Body 3 bold" in page


def test_the_headers_of_a_digest(tmp_path: Path) -> None:
    message = mail.build_digest(many(3), mail.Letterhead(unsubscribe="https://example.org/leave"))
    assert message["Message-ID"] == "<feedfeedfeedfeed@localhost>"
    assert message["List-Id"] == "<readers.feedbot.localhost>"
    assert message["List-Unsubscribe"] == "<https://example.org/leave>"
    assert mail.as_bytes(message) == mail.as_bytes(
        mail.build_digest(many(3), mail.Letterhead(unsubscribe="https://example.org/leave"))
    )


def test_a_withdrawn_entry_is_named_without_its_text() -> None:
    gone: Delivery = delivery(change="withdrawn", content="<p>secret</p>")
    assert "secret" not in "".join(sent(digest(gone)))


def test_a_mail_of_many_shows_what_is_different_of_updates_whole_or_in_brief() -> None:
    diff = "--- before\n+++ after\n@@ -1 +1 @@\n-Hello, raeder.\n+Hello, reader & all.\n"
    told = digest(*(delivery(f"{n:016}", change="updated", diff=diff, title=f"T{n}") for n in range(3)), delivery("k"))
    built = mail.build_digest(told, mail.Letterhead(bodies=1))
    assert built.text.count("-Hello, raeder.") == built.text.count("+Hello, reader & all.") == 3
    assert built.page.count(">-Hello, raeder.</del>") == built.page.count(">+Hello, reader &amp; all.</ins>") == 3


def test_a_long_difference_is_cut_where_an_entry_is_told_in_brief() -> None:
    diff = "--- before\n+++ after\n@@ -1 +1,99 @@\n" + "".join(f"+line {n}\n" for n in range(99))
    text = mail.build_digest(digest(delivery("k", change="updated", diff=diff)), mail.Letterhead(bodies=0)).text
    assert "+line 29" in text
    assert "+line 30" not in text
    assert "more lines" in text
