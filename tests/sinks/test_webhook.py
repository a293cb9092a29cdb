from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError
from standardwebhooks import Webhook

from feedbot.errors import DeliveryError
from feedbot.http.client import Client
from feedbot.sinks.webhook import WebhookSink
from tests.sinks.builders import NOW, context, delivery
from tests.support.web import Answer, WebServer

SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()

Hook = Callable[..., WebhookSink]


@pytest.fixture
def hook(web: WebServer, tmp_path: Path) -> Hook:
    client = Client(user_agent="feedbot-test", allow_private=(web.address,))

    def make(status: int = 200, answer_headers: dict[str, str] | None = None, **settings: object) -> WebhookSink:
        web.answers["/hook/token"] = Answer(status, b"", answer_headers or {})
        made = WebhookSink.Settings.model_validate({"type": "webhook", "url": web.url("/hook/token"), **settings})
        return WebhookSink(made, context(tmp_path, lambda: client))

    return make


def failure(sink: WebhookSink, now: datetime = NOW) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        sink.send(delivery(), now)
    assert "token" not in str(caught.value)
    return caught.value


def test_a_change_is_posted_as_json_with_its_key_and_time(hook: Hook, web: WebServer) -> None:
    hook().send(delivery("k1"), NOW)
    (asked,) = web.asked
    assert (asked.method, asked.headers["content-type"]) == ("POST", "application/json")
    assert asked.headers["webhook-id"] == "k1"
    assert asked.headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert "webhook-signature" not in asked.headers
    body = json.loads(asked.body)
    assert (body["type"], body["timestamp"]) == ("entry.new", "2026-11-21T12:00:00Z")
    assert (body["data"]["title"], body["data"]["change"]) == ("Welcome", "new")


@pytest.mark.parametrize(
    ("secret", "key"),
    [(SECRET, SECRET), (SECRET.rstrip("="), SECRET), ("any old text ü", "any old text ü".encode())],
)
def test_the_signature_is_what_the_receiver_computes(hook: Hook, web: WebServer, secret: str, key: str | bytes) -> None:
    hook(secret=secret).send(delivery("k1", title="Grüße 🎉"), datetime.now(UTC))
    (asked,) = web.asked
    assert Webhook(key).verify(asked.body, asked.headers)["data"]["title"] == "Grüße 🎉"


def test_each_secret_signs_so_that_receivers_can_change_from_one_to_another(hook: Hook, web: WebServer) -> None:
    hook(secret=SECRET, secrets=["another", "third"]).send(delivery("k1"), datetime.now(UTC))
    (asked,) = web.asked
    assert len(asked.headers["webhook-signature"].split(" ")) == 3
    for key in (SECRET, b"another", b"third"):
        assert Webhook(key).verify(asked.body, asked.headers)["type"] == "entry.new"


def test_the_plain_format_is_the_entry_alone(hook: Hook, web: WebServer) -> None:
    hook(format="plain", secrets=[SECRET]).send(delivery("k1", change="updated"), datetime.now(UTC))
    (asked,) = web.asked
    body = Webhook(SECRET).verify(asked.body, asked.headers)
    assert (body["title"], body["change"]) == ("Welcome", "updated")
    assert asked.headers["webhook-id"] == "k1"


def test_a_cloudevent_is_structured_and_named_by_the_key(hook: Hook, web: WebServer) -> None:
    hook(format="cloudevents").send(delivery("k1", source="planet ü"), NOW)
    (asked,) = web.asked
    assert asked.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    body = json.loads(asked.body)
    assert body.pop("data")["title"] == "Welcome"
    assert body == {
        "specversion": "1.0",
        "id": "k1",
        "source": "/feedbot/sources/planet%20%C3%BC",
        "type": "entry.new",
        "time": "2026-11-21T12:00:00Z",
        "subject": "https://example.org/welcome/",
        "datacontenttype": "application/json",
    }


def test_every_try_has_the_same_key_and_body_and_its_own_time(hook: Hook, web: WebServer) -> None:
    sink = hook(secret=SECRET)
    sink.send(delivery(), NOW)
    sink.send(delivery(), NOW + timedelta(minutes=5))
    first, second = web.asked
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 300
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


def test_own_headers_go_along(hook: Hook, web: WebServer) -> None:
    hook(headers={"Authorization": "Bearer abc", "X-Team": "t"}).send(delivery(), NOW)
    (asked,) = web.asked
    assert (asked.headers["authorization"], asked.headers["x-team"]) == ("Bearer abc", "t")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_2xx_is_a_yes(hook: Hook, status: int) -> None:
    hook(status).send(delivery(), NOW)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 422])
def test_other_4xx_are_a_refusal(hook: Hook, status: int) -> None:
    error = failure(hook(status))
    assert (error.refused, error.permanent, error.sink_down) == (True, False, False)
    assert f"answered {status}" in error.message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_refused_and_not_followed(hook: Hook, web: WebServer, status: int) -> None:
    error = failure(hook(status, {"Location": web.url("/elsewhere")}))
    assert error.refused
    assert "redirect" in error.message
    assert [asked.path for asked in web.asked] == ["/hook/token"]


def test_gone_is_for_good_and_for_the_whole_sink(hook: Hook) -> None:
    error = failure(hook(410))
    assert (error.permanent, error.sink_down) == (True, True)
    assert "wants no more" in error.message


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_passes_is_tried_again(hook: Hook, status: int) -> None:
    error = failure(hook(status))
    assert not error.refused
    assert not error.permanent
    assert error.sink_down == (status in (429, 502, 503, 504))


@pytest.mark.parametrize("status", [429, 503])
def test_the_receiver_says_when_to_come_again(hook: Hook, status: int) -> None:
    assert failure(hook(status, {"Retry-After": "90"})).not_before == NOW + timedelta(seconds=90)


def test_a_receiver_that_is_not_there_is_down(hook: Hook, web: WebServer) -> None:
    sink = hook()
    web.close()
    assert failure(sink).sink_down


def test_a_receiver_that_says_nothing_is_down_within_the_timeout(hook: Hook, web: WebServer) -> None:
    sink = hook(timeout="0.2s")
    web.answers["/hook/token"] = Answer(raw=lambda handler: handler.rfile.read(1))
    error = failure(sink)
    assert error.sink_down


def test_a_private_address_that_is_not_listed_is_refused(web: WebServer, tmp_path: Path) -> None:
    client = Client(user_agent="feedbot-test")
    made = WebhookSink.Settings.model_validate({"type": "webhook", "url": web.url("/hook/token")})
    error = failure(WebhookSink(made, context(tmp_path, lambda: client)))
    assert (error.refused, error.sink_down) == (True, False)
    assert "allow_private" in str(error)
    listed = made.model_copy(update={"allow_private": (web.address,)})
    web.answers["/hook/token"] = Answer(200)
    WebhookSink(listed, context(tmp_path, lambda: client)).send(delivery(), NOW)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"url": "ftp://example.org/"}, "neither http nor https"),
        ({"url": "example.org/hush"}, "neither http nor https"),
        ({"url": "https:///hush"}, "no host"),
        ({"secret": "whsec_hush!"}, "not base64"),
        ({"secret": ""}, "empty"),
        ({"secrets": ["right", "whsec_hush!"]}, "not base64"),
        ({"format": "xml"}, "standard"),
        ({"secret": "whsec_"}, "empty"),
        ({"headers": {"X Y": "hush"}}, "name of a header"),
        ({"headers": {"X-Y": "hush\r\nZ: 1"}}, "line break"),
        ({"headers": {"Webhook-Id": "hush"}}, "feedbot's own"),
        ({"timeout": "0s"}, "greater than"),
        ({"timeout": "2h"}, "less than"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_showing_secrets(settings: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says) as caught:
        WebhookSink.Settings.model_validate({"type": "webhook", "url": "https://example.org/x", **settings})
    assert "hush" not in " ".join(problem["msg"] for problem in caught.value.errors())
