"""What holds for every chat and push service: yes, no, later, and no secret in any message."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from feedbot.plugins import SINKS, load
from tests.sinks.builders import NOW, delivery
from tests.sinks.services import SERVICES, failure, made
from tests.support.web import Answer, WebServer

each = pytest.mark.parametrize("name", sorted(SERVICES))


@each
def test_a_change_is_one_request_that_carries_its_title_and_address(name: str, web: WebServer, tmp_path: Path) -> None:
    service = SERVICES[name]
    web.answers[service.path] = service.yes
    made(name, web, tmp_path, settings=service.settings).send(delivery(), NOW)
    (asked,) = web.asked
    assert asked.headers["content-type"] == "application/json"
    text = json.dumps(json.loads(asked.body), ensure_ascii=False)
    assert "Welcome" in text
    assert "https://example.org/welcome/" in text
    assert "Hello, reader." in text


@each
def test_the_same_change_is_the_same_bytes_at_every_try(name: str, web: WebServer, tmp_path: Path) -> None:
    service = SERVICES[name]
    web.answers[service.path] = service.yes
    sink = made(name, web, tmp_path, settings=service.settings)
    sink.send(delivery(), NOW)
    sink.send(delivery(), NOW + timedelta(hours=3))
    first, second = web.asked
    assert first.body == second.body


@each
def test_a_rate_limit_says_when_to_come_again(name: str, web: WebServer, tmp_path: Path) -> None:
    service = SERVICES[name]
    web.answers[service.path] = service.limited
    error = failure(made(name, web, tmp_path, settings=service.settings))
    assert error.not_before == NOW + timedelta(seconds=30)
    assert (error.refused, error.sink_down) == (False, True)


@each
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_a_no_is_a_refusal(name: str, web: WebServer, tmp_path: Path, status: int) -> None:
    service = SERVICES[name]
    web.answers[service.path] = Answer(status)
    error = failure(made(name, web, tmp_path, settings=service.settings))
    assert (error.refused, error.permanent) == (True, False)
    assert f"answered {status}" in error.message


@each
def test_gone_is_for_good(name: str, web: WebServer, tmp_path: Path) -> None:
    service = SERVICES[name]
    web.answers[service.path] = Answer(410)
    error = failure(made(name, web, tmp_path, settings=service.settings))
    assert (error.permanent, error.sink_down) == (True, True)


@each
@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_error_of_the_server_passes(name: str, web: WebServer, tmp_path: Path, status: int) -> None:
    service = SERVICES[name]
    web.answers[service.path] = Answer(status, b"<html>oops")
    error = failure(made(name, web, tmp_path, settings=service.settings))
    assert (error.refused, error.permanent) == (False, False)
    assert error.sink_down == (status != 500)


@each
def test_redirects_are_not_followed(name: str, web: WebServer, tmp_path: Path) -> None:
    service = SERVICES[name]
    web.answers[service.path] = Answer(307, headers={"Location": web.url("/elsewhere")})
    assert failure(made(name, web, tmp_path, settings=service.settings)).refused
    assert [asked.path for asked in web.asked] == [service.path]


@each
def test_a_service_that_repeats_a_secret_does_not_get_it_into_a_message(
    name: str, web: WebServer, tmp_path: Path
) -> None:
    service = SERVICES[name]
    told = f"no access to {service.settings.get('user', 'hush-hush')} at /hook/hush-hush\r\nsee \x1b[31m"
    keys = ("message", "error", "description", "errorDescription", "errors")
    web.answers[service.path] = Answer(400, json.dumps(dict.fromkeys(keys, told)).encode())
    error = failure(made(name, web, tmp_path, settings=service.settings))
    assert error.message.isprintable()
    assert name == "teams" or "no access to ***" in error.message


@each
@pytest.mark.parametrize(
    "body",
    [
        b"[1]",
        b'"x"',
        b"\xff\xfe",
        b"{" * 100_000,
        b'{"retry_after": 1e999}',
        b'{"retry_after": -5, "parameters": {"retry_after": "x"}}',
        b'{"retry_after": ' + b"9" * 400 + b"}",
        b'{"retry_after": NaN, "retry_after_ms": true, "message": {"a": []}, "error": [], "parameters": []}',
    ],
)
def test_nonsense_in_an_answer_is_a_failure_like_any_other(
    name: str, web: WebServer, tmp_path: Path, body: bytes
) -> None:
    service = SERVICES[name]
    headers = {"X-RateLimit-Reset": "soon", "X-Limit-App-Reset": "9" * 400, "RateLimit-Reset": "x"}
    web.answers[service.path] = Answer(429, body, headers)
    error = failure(made(name, web, tmp_path, settings=service.settings))
    assert error.not_before is None or NOW <= error.not_before <= NOW + timedelta(days=1)


@each
def test_a_service_that_is_not_there_is_down(name: str, web: WebServer, tmp_path: Path) -> None:
    service = SERVICES[name]
    sink = made(name, web, tmp_path, settings=service.settings)
    web.close()
    assert failure(sink).sink_down


@each
def test_a_secret_that_http_cannot_carry_is_refused_beforehand(name: str) -> None:
    settings = {"type": name, **SERVICES[name].settings}
    for key in settings.keys() & {"server", "url"}:
        settings[key] = "https://example.org/"
    for key in settings.keys() & {"token", "user", "url"}:
        with pytest.raises(ValidationError) as caught:
            load(SINKS, name).Settings.model_validate({**settings, key: "hush\r\nX: 1"})
        assert "hush" not in " ".join(problem["msg"] for problem in caught.value.errors())


@each
def test_a_sink_is_kept_from_private_addresses(name: str, web: WebServer, tmp_path: Path) -> None:
    from feedbot.http.client import Client
    from tests.sinks.builders import context

    plugin = load(SINKS, name)
    keys = {
        key: web.url(str(value)) if str(value)[0] == "/" else value for key, value in SERVICES[name].settings.items()
    }
    client = Client(user_agent="feedbot-test")
    sink = plugin(plugin.Settings.model_validate({"type": name, **keys}), context(tmp_path, lambda: client))
    assert "allow_private" in str(failure(sink))
    assert web.asked == []
