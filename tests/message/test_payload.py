from __future__ import annotations

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from feedbot.message.payload import json_line, line_start, webhook_body
from tests.sinks.builders import delivery


def test_the_body_holds_type_time_and_the_entry_of_the_contract() -> None:
    body = json.loads(webhook_body(delivery(change="updated", diff="-a\n+b", tags=("x",))))
    assert list(body) == ["type", "timestamp", "data"]
    assert (body["type"], body["timestamp"]) == ("entry.updated", "2026-11-21T12:00:00Z")
    data = body["data"]
    assert (data["change"], data["diff"], data["tags"]) == ("updated", "-a\n+b", ["x"])
    assert data["authors"] == [{"name": "Ada", "url": "", "email": ""}]


def test_numbers_that_json_does_not_have_are_null() -> None:
    data = json.loads(webhook_body(delivery(extra={"a": math.nan, "b": [math.inf], "c": 1.5})))["data"]
    assert data["extra"] == {"a": None, "b": [None], "c": 1.5}


@given(st.text(st.characters(codec=None, categories=None)))
def test_any_text_is_valid_json_on_one_line(text: str) -> None:
    line = json_line(delivery(title=text, content=text, key=text))
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert line.startswith(line_start(text))
    assert json.loads(line)["data"]["title"] == text.encode("utf-8", "replace").decode()
