from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
import trustme
from msgspec.structs import replace

from feedbot.errors import DeliveryError
from feedbot.plugins import SINKS, Sink, load
from feedbot.sinks.reaching import addresses, tls_context, trusted
from tests.sinks.builders import NOW, context, delivery
from tests.support.smtp import smtp_server
from tests.support.web import Answer, WebServer

EMAIL = {"type": "email", "host": "relay.example", "tls": "none", "from": "f@example.org", "to": ["a@example.org"]}
MQTT = {"type": "mqtt", "host": "relay.example", "tls": False}
APPRISE = {"type": "apprise", "url": "json://relay.example:8080/hush"}


@pytest.fixture(autouse=True)
def _relay_is_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """relay.example is this machine, metadata.example a cloud's; other names are looked up as ever."""
    look_up, known = socket.getaddrinfo, {"relay.example": "127.0.0.1", "metadata.example": "169.254.169.254"}

    def answer(host: Any, *more: Any, **named: Any) -> Any:
        return look_up(known.get(host, host), *more, **named)

    monkeypatch.setattr("socket.getaddrinfo", answer)


def sink(folder: Path, settings: dict[str, Any], allowed: tuple[str, ...] = ()) -> Sink:
    plugin = load(SINKS, settings["type"])
    made: Sink = plugin(plugin.Settings.model_validate(settings), replace(context(folder), allow_private=allowed))
    return made


@pytest.mark.parametrize("settings", [EMAIL, MQTT, APPRISE], ids=lambda settings: str(settings["type"]))
def test_a_name_that_leads_to_a_private_address_is_refused(settings: dict[str, Any], tmp_path: Path) -> None:
    to = sink(tmp_path, settings)
    with pytest.raises(DeliveryError, match=r"relay\.example:\d+ leads to 127\.0\.0\.1, a private address") as caught:
        to.send(delivery(), NOW)
    assert "allow_private" in caught.value.hint
    assert (caught.value.refused, caught.value.sink_down) == (True, False)
    to.close()


def test_it_is_asked_where_the_sink_or_feedbot_lists_it(tmp_path: Path) -> None:
    with smtp_server() as server:
        for own, general in ((["relay.example"], ()), ([], (f"127.0.0.1:{server.port}",)), ([], ("127.0.0.0/8",))):
            to = sink(tmp_path, {**EMAIL, "port": server.port, "allow_private": own}, general)
            to.send(delivery(), NOW)
            to.close()
        assert len(server.received) == 3


def test_apprise_asks_a_host_that_is_listed_and_follows_no_redirect(web: WebServer, tmp_path: Path) -> None:
    port = web.address.partition(":")[2]
    web.answers["/hush"] = Answer(302, b"", {"Location": web.url("/elsewhere")})
    to = sink(tmp_path, {"type": "apprise", "url": f"json://relay.example:{port}/hush"}, ("relay.example",))
    with pytest.raises(DeliveryError, match="did not take"):
        to.send(delivery(), NOW)
    assert [asked.path for asked in web.asked] == ["/hush"]


def test_a_host_that_is_written_as_an_address_or_localhost_is_meant() -> None:
    assert addresses("127.0.0.1", 25, (), 5) == ["127.0.0.1"]
    assert addresses("::1", 25, (), 5) == ["::1"]
    assert "127.0.0.1" in addresses("localhost", 25, (), 5)


def test_the_address_of_machine_metadata_is_refused_under_any_name() -> None:
    with pytest.raises(DeliveryError, match="machine metadata"):
        addresses("metadata.example", 80, ("metadata.example", "169.254.0.0/16"), 5)


def test_a_name_that_nobody_knows_is_the_sink_being_down() -> None:
    with pytest.raises(DeliveryError, match="cannot be found") as caught:
        addresses("no-such-host.invalid", 25, (), 5)
    assert caught.value.sink_down


def test_authorities_of_the_sink_and_of_feedbot_are_trusted(tmp_path: Path) -> None:
    for name in ("own.pem", "ours.pem"):
        trustme.CA().cert_pem.write_to_path(tmp_path / name)
    files = trusted("own.pem", replace(context(tmp_path), ca_file=tmp_path / "ours.pem"))
    assert files == (tmp_path / "ours.pem", tmp_path / "own.pem")
    before = len(tls_context((), verify=True).get_ca_certs())
    assert len(tls_context(files, verify=True).get_ca_certs()) == before + 2
