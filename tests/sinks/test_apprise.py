from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from feedbot.errors import DeliveryError
from feedbot.sinks.apprise import AppriseSettings, AppriseSink, payload
from tests.sinks.builders import NOW, context, delivery
from tests.support.web import Answer, WebServer


def sink(url: str, folder: Path) -> AppriseSink:
    return AppriseSink(AppriseSettings.model_validate({"type": "apprise", "url": url}), context(folder))


def test_a_change_reaches_a_service_that_apprise_knows(web: WebServer, tmp_path: Path) -> None:
    web.answers["/hush-hush"] = Answer(200)
    made = sink(f"json://{web.address}/hush-hush", tmp_path)
    made.send(delivery(title="A\\nB & C"), NOW)
    made.close()
    body = json.loads(web.asked[0].body)
    assert body["title"] == "A\\nB & C"
    assert body["message"] == "Hello, reader.\n\nplanet · Ada\n\nhttps://example.org/welcome/"
    assert body["type"] == "info"
    assert body["attachments"] == []


def test_a_service_that_says_no_fails_without_telling_its_address(
    web: WebServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(DeliveryError) as caught:
        sink(f"json://user:hush@{web.address}/hush-hush", tmp_path).send(delivery(), NOW)
    assert "json://" in caught.value.message
    assert "hush" not in str(caught.value)
    assert "hush-hush" not in "".join(record.getMessage() for record in caplog.records if record.name == "apprise")


def test_an_address_that_apprise_does_not_know_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="does not understand") as caught:
        sink("nosuchthing://hush", tmp_path).send(delivery(), NOW)
    assert caught.value.refused
    assert "hush" not in str(caught.value)


def test_a_withdrawn_entry_is_told_without_its_content() -> None:
    title, body, kind = payload(delivery(change="withdrawn"))
    assert (title, kind) == ("Withdrawn: Welcome", "warning")
    assert "Hello" not in body


@pytest.mark.parametrize("url", ["", "hello", "://x", "json://"])
def test_what_is_no_address_is_refused_beforehand(url: str) -> None:
    with pytest.raises(ValidationError):
        AppriseSettings.model_validate({"type": "apprise", "url": url})


def test_without_the_extra_a_sentence_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['apprise'] = None; sys.modules['paho'] = None\n"
        "from pathlib import Path\n"
        "from feedbot.errors import DeliveryError\n"
        "from feedbot.plugins import SINKS, load\n"
        "from tests.sinks.builders import NOW, context, delivery\n"
        "for keys in ({'type': 'apprise', 'url': 'json://x/'}, {'type': 'mqtt', 'host': 'x'}):\n"
        "    plugin = load(SINKS, keys['type'])\n"
        "    try: plugin(plugin.Settings.model_validate(keys), context(Path())).send(delivery(), NOW)\n"
        "    except DeliveryError as error: print(error)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "feedbot[apprise]" in answer.stdout
    assert "feedbot[mqtt]" in answer.stdout
