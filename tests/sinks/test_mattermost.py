from __future__ import annotations

from pathlib import Path

from feedbot.sinks.mattermost import payload
from tests.sinks.builders import delivery
from tests.sinks.services import sent
from tests.support.web import WebServer


def test_a_message_is_one_attachment(web: WebServer, tmp_path: Path) -> None:
    message = sent("mattermost", web, tmp_path, {"channel": "town-square", "username": "News"})
    (attachment,) = message["attachments"]
    assert (message["channel"], message["username"]) == ("town-square", "News")
    assert (attachment["title"], attachment["title_link"]) == ("Welcome", "https://example.org/welcome/")
    assert (attachment["text"], attachment["author_name"]) == ("Hello, reader.", "Ada")
    assert attachment["footer"] == "planet"


def test_nobody_is_called_by_the_text_of_an_entry() -> None:
    (attachment,) = payload(delivery(title="@channel ~town #x", content="ask @ada *now* :wave:"))["attachments"]
    assert attachment["title"] == "@\u200bchannel \\~town \\#x"
    assert attachment["fallback"] == "@\u200bchannel ~town #x"
    assert attachment["text"] == "ask @\u200bada \\*now\\* :\u200bwave:"
