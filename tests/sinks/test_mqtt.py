from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from feedbot.errors import DeliveryError
from feedbot.sinks.mqtt import MqttSettings, MqttSink
from tests.sinks.builders import NOW, context, delivery
from tests.support.mqtt import KINDS, MOST, PASSWORD, USER, Broker, broker, free_port, subscriber

with_each = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(params=KINDS)
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    with broker(request.param, tmp_path) as started:
        yield started


def sink(port: int, folder: Path, **settings: object) -> MqttSink:
    keys = {"type": "mqtt", "host": "127.0.0.1", "port": port, "tls": False, "timeout": "5s", **settings}
    return MqttSink(MqttSettings.model_validate(keys), context(folder))


def failure(made: MqttSink, **values: Any) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        made.send(delivery(**values), NOW)
    assert "hush" not in str(caught.value)
    made.close()
    return caught.value


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("qos", [0, 1])
def test_a_change_is_published_with_its_key(running: Broker, tmp_path: Path, protocol: str, qos: int) -> None:
    made = sink(running.port, tmp_path, protocol=protocol, qos=qos, topic="news/{source}/{change}")
    with subscriber(running.port) as got:
        made.send(delivery("k1"), NOW)
        message = got.get(timeout=10)
    made.close()
    assert message.topic == "news/planet/new"
    assert message.qos == qos
    body = json.loads(message.payload)
    assert (body["type"], body["data"]["title"]) == ("entry.new", "Welcome")
    if protocol == "5":
        properties = vars(message.properties)
        assert properties["UserProperty"] == [("webhook-id", "k1")]
        assert properties["ContentType"] == "application/json"


def test_one_connection_serves_many_deliveries_in_order(running: Broker, tmp_path: Path) -> None:
    before = set(threading.enumerate())
    made = sink(running.port, tmp_path)
    with subscriber(running.port) as got:
        for number in range(20):
            made.send(delivery(str(number), title=str(number)), NOW)
        titles = [json.loads(got.get(timeout=10).payload)["data"]["title"] for _ in range(20)]
    made.close()
    assert titles == [str(number) for number in range(20)]
    left = [t for t in threading.enumerate() if t not in before and t.name.startswith("paho")]
    for thread in left:  # which may be at its last step still
        thread.join(5)
    assert not [thread for thread in left if thread.is_alive()]


def test_a_retained_message_is_there_for_those_who_come_later(running: Broker, tmp_path: Path) -> None:
    made = sink(running.port, tmp_path, retain=True)
    made.send(delivery(), NOW)
    made.close()
    with subscriber(running.port) as got:
        assert got.get(timeout=10).retain


@with_each
def test_a_login_is_needed_where_the_broker_asks_for_one(kind: str, tmp_path: Path) -> None:
    with broker(kind, tmp_path, password=True) as started:
        error = failure(sink(started.port, tmp_path, username=USER, password="hush-wrong"))
        assert (error.refused, error.sink_down) == (True, True)
        assert "refused the connection" in error.message
        made = sink(started.port, tmp_path, username=USER, password=PASSWORD)
        made.send(delivery(), NOW)
        made.close()


@with_each
def test_a_topic_that_may_not_be_written_is_a_refusal(kind: str, tmp_path: Path) -> None:
    with broker(kind, tmp_path, writable="other/") as started:
        error = failure(sink(started.port, tmp_path))
        assert (error.refused, error.sink_down) == (True, False)
        made = sink(started.port, tmp_path, topic="other/x")
        made.send(delivery(), NOW)
        made.close()


@with_each
def test_a_message_that_is_too_long_for_the_broker_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    with broker(kind, tmp_path) as started:
        made = sink(started.port, tmp_path)
        made.send(delivery(content="x" * (MOST - 2000)), NOW)
        error = failure(made, content="x" * MOST)
        assert (error.refused, error.sink_down) == (True, False)
        assert f"at most, and this one has {MOST // 1000}" in error.message
        made.send(delivery(), NOW)
        made.close()


@with_each
def test_a_broker_that_went_away_is_down(kind: str, tmp_path: Path) -> None:
    with broker(kind, tmp_path) as started:
        made = sink(started.port, tmp_path, timeout="1s")
        made.send(delivery(), NOW)
        started.stop()
        with pytest.raises(DeliveryError) as caught:
            made.send(delivery(), NOW)
        assert caught.value.sink_down
        made.close()


def test_a_broker_that_is_not_there_is_down(tmp_path: Path) -> None:
    assert failure(sink(free_port(), tmp_path)).sink_down


def test_a_broker_that_says_nothing_is_down_within_the_timeout(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        assert failure(sink(silent.getsockname()[1], tmp_path, timeout="0.3s")).sink_down
        error = failure(sink(silent.getsockname()[1], tmp_path, timeout="0.3s", tls=True))
        assert error.sink_down


@pytest.mark.parametrize(
    "settings",
    [
        {"host": ""},
        {"host": "a b"},
        {"host": "mqtt://a"},
        {"host": "a", "topic": "news/#"},
        {"host": "a", "topic": ""},
        {"host": "a", "password": "p"},
        {"host": "a", "username": "me", "password": "p", "tls": False},
        {"host": "a", "qos": 2},
        {"host": "a", "timeout": "0s"},
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        MqttSettings.model_validate({"type": "mqtt", **settings})
