"""MQTT brokers on loopback: a small one that is always there, and mosquitto where it is installed."""

from __future__ import annotations

import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/sbin")
KINDS = ("small", "mosquitto") if MOSQUITTO else ("small",)
USER, PASSWORD = "ada", "hush-hush"
MOST = 200_000
"""Bytes of a message that a broker takes, and says so in MQTT 5.0."""


@dataclass(frozen=True)
class Broker:
    port: int
    stop: Callable[[], None]


@contextmanager
def broker(kind: str, folder: Path, *, password: bool = False, writable: str = "") -> Iterator[Broker]:
    """A broker; with ``password``, for one user only; with ``writable``, for topics that start with it only."""
    start = _mosquitto if kind == "mosquitto" else _small
    started = start(folder, password, writable)
    try:
        yield started
    finally:
        started.stop()


@contextmanager
def subscriber(port: int) -> Iterator[Queue[MQTTMessage]]:
    """What the broker hands on."""
    got: Queue[MQTTMessage] = Queue()
    ready: Queue[None] = Queue()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.on_message = lambda _client, _data, message: got.put(message)
    client.on_subscribe = lambda *_: ready.put(None)
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe("#", qos=1)
    ready.get(timeout=10)
    try:
        yield got
    finally:
        client.disconnect()
        client.loop_stop()


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return int(taken.getsockname()[1])


def _mosquitto(folder: Path, password: bool, writable: str) -> Broker:
    assert MOSQUITTO is not None
    port = free_port()
    lines = [
        f"listener {port} 127.0.0.1",
        f"allow_anonymous {str(not password).lower()}",
        "user root",
        f"max_packet_size {MOST}",
    ]
    if password:
        passwords = folder / "passwords"
        program = str(Path(MOSQUITTO).parent.parent / "bin" / "mosquitto_passwd")
        subprocess.run([program, "-b", "-c", str(passwords), USER, PASSWORD], check=True, capture_output=True)
        lines.append(f"password_file {passwords}")
    if writable:
        (folder / "acl").write_text(f"topic read #\ntopic write {writable}#\n")
        lines.append(f"acl_file {folder / 'acl'}")
    (folder / "mosquitto.conf").write_text("\n".join([*lines, ""]))
    command = [MOSQUITTO, "-c", str(folder / "mosquitto.conf")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop() -> None:
        process.kill()
        process.wait()

    for _ in range(200):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return Broker(port, stop)
        time.sleep(0.02)
    stop()
    raise AssertionError("mosquitto does not start")


def _small(folder: Path, password: bool, writable: str) -> Broker:
    server = _Server(("127.0.0.1", 0), _Session)
    server.password, server.writable = password, writable
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def stop() -> None:
        server.shutdown()
        server.server_close()
        for session in list(server.sessions):
            with suppress(OSError):
                session.request.shutdown(socket.SHUT_RDWR)

    return Broker(int(server.server_address[1]), stop)


@dataclass
class _Packet:
    kind: int
    flags: int
    data: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self) -> int:
        return int.from_bytes(self.take(2))

    def text(self) -> bytes:
        return self.take(self.number())

    def length(self) -> int:
        """A number of up to four bytes, seven bits in each (MQTT 5.0, 1.5.5)."""
        value = shift = 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    password = False
    writable = ""

    def __init__(self, *arguments: Any) -> None:
        self.sessions: list[_Session] = []
        self.kept: dict[bytes, tuple[int, bytes, bytes]] = {}
        super().__init__(*arguments)

    def publish(self, topic: bytes, qos: int, properties: bytes, body: bytes) -> None:
        for session in [session for session in self.sessions if session.subscribed]:
            session.hand_on(topic, qos, properties, body, retained=False)


class _Session(socketserver.StreamRequestHandler):
    """One client, as far as the tests of a publisher need it (MQTT 3.1.1 and 5.0, quality 0 and 1)."""

    server: _Server

    def handle(self) -> None:
        self.subscribed, self.version, self.number = False, 4, 0
        self.server.sessions.append(self)
        answers = {1: self.connect, 3: self.take, 8: self.subscribe, 12: self.ping}
        with suppress(OSError, IndexError):
            while (packet := self.read()) is not None and packet.kind != 14:
                if packet.kind in answers:
                    answers[packet.kind](packet)
        self.server.sessions.remove(self)

    def read(self) -> _Packet | None:
        head = self.rfile.read(1)
        if not head:
            return None
        length = b""
        while not length or length[-1] > 127:
            length += self.rfile.read(1)
        size = _Packet(0, 0, length).length()
        return _Packet(head[0] >> 4, head[0] & 15, self.rfile.read(size))

    def write(self, head: int, data: bytes) -> None:
        size, rest = b"", len(data)
        while not size or rest:
            size += bytes([rest % 128 | (128 if rest > 127 else 0)])
            rest //= 128
        self.wfile.write(bytes([head]) + size + data)

    def connect(self, packet: _Packet) -> None:
        packet.text()
        self.version, flags = packet.take(1)[0], packet.take(1)[0]
        packet.number()
        self.properties(packet)
        packet.text()
        name = packet.text() if flags & 128 else b""
        password = packet.text() if flags & 64 else b""
        refused = self.server.password and (name, password) != (USER.encode(), PASSWORD.encode())
        code = (0x87 if self.version == 5 else 5) if refused else 0
        most = b"\x05\x27" + MOST.to_bytes(4)
        self.write(0x20, bytes([0, code]) + (most if self.version == 5 else b""))

    def take(self, packet: _Packet) -> None:
        qos, topic = packet.flags >> 1 & 3, packet.text()
        number = packet.number() if qos else 0
        properties = self.properties(packet)
        body = packet.data[packet.at :]
        allowed = topic.startswith(self.server.writable.encode())
        code = b"" if allowed or self.version < 5 else b"\x87"
        if allowed and packet.flags & 1:
            self.server.kept[topic] = (qos, properties, body)
        if allowed:
            self.server.publish(topic, qos, properties, body)
        if qos:
            self.write(0x40, number.to_bytes(2) + code)

    def subscribe(self, packet: _Packet) -> None:
        self.write(0x90, packet.take(2) + self.none + b"\x01")
        self.subscribed = True
        for topic, (qos, properties, body) in self.server.kept.items():
            self.hand_on(topic, qos, properties, body, retained=True)

    def ping(self, packet: _Packet) -> None:
        self.write(0xD0, b"")

    def hand_on(self, topic: bytes, qos: int, properties: bytes, body: bytes, *, retained: bool) -> None:
        self.number += 1
        number = self.number.to_bytes(2) if qos else b""
        self.write(0x30 | qos << 1 | retained, len(topic).to_bytes(2) + topic + number + properties + body)

    def properties(self, packet: _Packet) -> bytes:
        """The properties of a packet with their length, as they came; those that 3.1.1 does not have are none."""
        if self.version < 5:
            return b"\0"
        start = packet.at
        packet.take(packet.length())
        return packet.data[start : packet.at]

    @property
    def none(self) -> bytes:
        """No properties, where the version has them."""
        return b"\0" if self.version == 5 else b""
