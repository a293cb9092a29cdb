"""Matrix as a real homeserver plays it: Synapse, where it is installed or $FEEDBOT_TEST_SYNAPSE names its venv."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from feedbot.errors import DeliveryError
from feedbot.http.client import Client
from feedbot.sinks.matrix import MatrixSink
from tests.sinks.builders import NOW, context, delivery
from tests.support.mqtt import free_port
from tests.support.program import serving

_GIVEN = os.environ.get("FEEDBOT_TEST_SYNAPSE")
_PLACES = [str(Path(_GIVEN) / "bin")] if _GIVEN else [str(Path(sys.executable).parent), *os.get_exec_path()]
SYNAPSE = shutil.which("synapse_homeserver", path=os.pathsep.join(_PLACES))
if SYNAPSE is None:
    pytest.skip("no Synapse is installed, nor named by FEEDBOT_TEST_SYNAPSE", allow_module_level=True)

SECRET = "shared-by-all-who-register"
BURST = 12  # messages of an account at once, more than any test but one sends


@dataclass(frozen=True)
class Homeserver:
    address: str

    def ask(self, method: str, path: str, token: str = "", **values: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        body = None if method == "GET" else json.dumps(values).encode()
        with urlopen(Request(f"{self.address}{path}", body, headers, method=method), timeout=10) as answer:
            return json.load(answer)

    def registered(self, name: str) -> str:
        """The access token of a new account (Synapse, "register a user using the shared secret")."""
        nonce = self.ask("GET", "/_synapse/admin/v1/register")["nonce"]
        proof = "\0".join((nonce, name, "pass", "notadmin")).encode()
        mac = hmac.new(SECRET.encode(), proof, hashlib.sha1).hexdigest()
        account = {"nonce": nonce, "username": name, "password": "pass", "mac": mac, "admin": False}
        return str(self.ask("POST", "/_synapse/admin/v1/register", **account)["access_token"])


@dataclass(frozen=True)
class Room:
    """A room, and the account that made it."""

    server: Homeserver
    token: str
    id: str
    folder: Path

    def ask(self, method: str, path: str, version: str = "v3", **values: Any) -> Any:
        place = f"/_matrix/client/{version}/rooms/{quote(self.id, safe='')}/{path}"
        return self.server.ask(method, place, self.token, **values)

    def sink(self, token: str = "") -> MatrixSink:
        """A sink as a run makes it, which knows nothing of those before."""
        values = {"type": "matrix", "server": self.server.address, "token": token or self.token, "room": self.id}
        client = Client(user_agent="feedbot-test", allow_private=(self.server.address.removeprefix("http://"),))
        settings = MatrixSink.Settings.model_validate(values | {"on_update": "edit"})
        return MatrixSink(settings, context(self.folder, lambda: client))

    def messages(self) -> list[Any]:
        """The events of messages and edits, oldest first."""
        found = self.ask("GET", "messages?dir=f&limit=100")["chunk"]
        return [event for event in found if event["type"] == "m.room.message"]

    def edits(self, event: str) -> list[Any]:
        path = f"relations/{quote(event, safe='')}/m.replace"
        return list(self.ask("GET", path, "v1")["chunk"])


@pytest.fixture(scope="module")
def homeserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Homeserver]:
    assert SYNAPSE is not None
    folder, port = tmp_path_factory.mktemp("synapse"), free_port()
    (folder / "signing.key").write_text(f"ed25519 a_test {base64.b64encode(b's' * 32).decode().rstrip('=')}\n")
    listener = {"port": port, "bind_addresses": ["127.0.0.1"], "type": "http", "resources": [{"names": ["client"]}]}
    config = {
        "server_name": "example.org",
        "report_stats": False,
        "pid_file": str(folder / "pid"),
        "signing_key_path": str(folder / "signing.key"),
        "media_store_path": str(folder / "media"),
        "database": {"name": "sqlite3", "args": {"database": str(folder / "homeserver.db")}},
        "listeners": [listener],
        "registration_shared_secret": SECRET,
        "trusted_key_servers": [],
        "bcrypt_rounds": 4,
        "rc_message": {"per_second": 0.1, "burst_count": BURST},
    }
    (folder / "homeserver.yaml").write_text(json.dumps(config))  # which is YAML too
    command = [SYNAPSE, "-c", str(folder / "homeserver.yaml")]
    with serving(command, port, folder / "said", seconds=60, cwd=folder):
        yield Homeserver(f"http://127.0.0.1:{port}")


@pytest.fixture
def room(homeserver: Homeserver, request: pytest.FixtureRequest, tmp_path: Path) -> Room:
    token = homeserver.registered(hashlib.sha256(request.node.name.encode()).hexdigest()[:12])
    made = homeserver.ask("POST", "/_matrix/client/v3/createRoom", token, preset="public_chat")
    return Room(homeserver, token, made["room_id"], tmp_path)


def test_a_delivery_that_is_tried_again_is_one_message(room: Room) -> None:
    receipts = [room.sink().send(delivery(key), NOW) for key in ("first", "first", "second")]
    first, second = room.messages()
    assert receipts == [first["event_id"], first["event_id"], second["event_id"]]
    content = first["content"]
    assert (content["msgtype"], content["m.mentions"]) == ("m.notice", {})
    assert content["body"].startswith("Welcome\nhttps://example.org/welcome/\nHello, reader.")
    assert '<a href="https://example.org/welcome/">Welcome</a>' in content["formatted_body"]


def test_an_update_that_is_tried_again_replaces_the_message_once(room: Room) -> None:
    receipt = room.sink().send(delivery("first"), NOW)
    update = delivery("second", change="updated", title="Welcome back", receipt=receipt)
    assert [room.sink().send(update, NOW) for _ in range(2)] == [receipt, receipt]
    message, edit = room.messages()
    assert message["event_id"] == receipt
    assert edit["content"]["m.relates_to"] == {"rel_type": "m.replace", "event_id": receipt}
    assert [found["event_id"] for found in room.edits(receipt)] == [edit["event_id"]]
    # What the server has recognised as an edit it hands out together with the message.
    assert message["unsigned"]["m.relations"]["m.replace"]["event_id"] == edit["event_id"]
    assert "Updated: Welcome back" in edit["content"]["m.new_content"]["body"]


def test_a_withdrawal_takes_the_text_out_of_an_edited_message(room: Room) -> None:
    receipt = room.sink().send(delivery("first"), NOW)
    for key, change in (("second", "updated"), ("third", "withdrawn")):
        assert room.sink().send(delivery(key, change=change, receipt=receipt), NOW) == receipt
    shown = room.edits(receipt)[0]["content"]["m.new_content"]["body"]  # the newest is first
    assert "Withdrawn: Welcome" in shown
    assert "Hello" not in shown


def test_where_there_is_nothing_to_replace_a_message_is_sent(room: Room) -> None:
    mine = room.sink().send(delivery("first"), NOW)
    room.ask("PUT", f"redact/{quote(mine, safe='')}/taken-out")
    other = room.server.registered("other")
    room.server.ask("POST", f"/_matrix/client/v3/join/{quote(room.id, safe='')}", other)
    theirs = room.sink(other).send(delivery("of another"), NOW)
    for key, receipt in (("a", mine), ("b", theirs), ("c", "$no-such-event")):
        sent = room.sink().send(delivery(key, change="updated", receipt=receipt), NOW)
        assert sent not in ("", receipt)
        assert sent == room.messages()[-1]["event_id"]


def test_who_sends_too_fast_is_told_when_to_go_on(room: Room) -> None:
    to = room.sink()

    def flood() -> None:
        for number in range(2 * BURST):
            to.send(delivery(f"k{number}"), NOW)

    with pytest.raises(DeliveryError) as caught:
        flood()
    assert "429" in caught.value.message
    assert caught.value.not_before is not None
    assert timedelta() < caught.value.not_before - NOW <= timedelta(seconds=20)
    assert not caught.value.permanent


def test_a_room_that_is_closed_to_the_account_and_a_wrong_token_are_said(room: Room) -> None:
    stranger = room.server.registered("stranger")
    for token, said in ((stranger, "403"), ("hush-hush", "401")):
        with pytest.raises(DeliveryError, match=said) as caught:
            room.sink(token).send(delivery(), NOW)
        assert "hush" not in str(caught.value)
    assert room.messages() == []
