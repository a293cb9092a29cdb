"""Publishes what is new to an MQTT broker, as JSON (MQTT 5.0, or 3.1.1 for brokers that know no other)."""

from __future__ import annotations

import ssl
from datetime import datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from feedbot.errors import DeliveryError
from feedbot.message.payload import digest_body, webhook_body
from feedbot.model import Delivery, Digest
from feedbot.plugins import Allowance, Duration, Place, Preview, SinkContext, SinkSettings
from feedbot.sinks.posting import like
from feedbot.sinks.reaching import addresses, tls_context, trusted
from feedbot.sinks.rehearsal import laid_out

if TYPE_CHECKING:
    from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

_REFUSALS = frozenset({0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C})  # protocol, client id, password, rights, ban, method
_PASSING = frozenset({0x80, 0x83, 0x88, 0x89, 0x97, 0x9F})  # unspecified, implementation, busy, quota, rate
_FRAME = 60  # bytes of a message beside its topic, its key and its body, at most


class MqttSettings(SinkSettings):
    """Keys of a sink of type ``mqtt``."""

    host: Annotated[str, like(r"[^\s/@]+", "the name of a broker, such as mqtt.example.org")]
    """The broker."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port. Default: 8883 with TLS, else 1883."""
    topic: Annotated[str, like(r"[^#+\x00]{1,1000}", "a topic without # and +")] = "feedbot/{source}"
    """The topic; {source} and {change} stand for those of the entry."""
    tls: bool = True
    """Whether the connection is encrypted."""
    verify_tls: bool = True
    """Whether the certificate of the broker is checked."""
    ca_file: str = ""
    """A file of further certificates (PEM) to trust, beside that of [feedbot]."""
    allow_private: tuple[Allowance, ...] = ()
    """Private addresses that host may lead to, beside those of [feedbot]."""
    username: str = ""
    """The name to log in with."""
    password: SecretStr | None = None
    """The password to log in with."""
    qos: Literal[0, 1] = 1
    """Whether the broker is to say yes to each message (1); without (0), messages may be lost."""
    retain: bool = False
    """Whether the broker keeps the last message of the topic for those who come later."""
    protocol: Literal["5", "3.1.1"] = "5"
    """The version of MQTT. In 3.1.1 a broker cannot say that a topic may not be written."""
    timeout: Annotated[Duration, Field(gt=timedelta(), le=timedelta(seconds=30))] = timedelta(seconds=15)
    """The longest that connecting, and then the broker's yes, may take."""

    def places(self) -> tuple[Place, ...]:
        return (Place("ca_file", self.ca_file, "file"),) if self.ca_file else ()

    @model_validator(mode="after")
    def _fits_together(self) -> MqttSettings:
        if self.password is not None and not self.username:
            raise ValueError("password needs username")
        if self.password is not None and not self.tls and self.host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("tls = false would send the password for all to read")
        return self


class MqttSink:
    """One message a change, with the body of a webhook. The connection stays for the deliveries of a run."""

    Settings = MqttSettings
    prints: ClassVar[bool] = False

    def __init__(self, settings: MqttSettings, context: SinkContext) -> None:
        self._settings = settings
        self._context = context
        self._connection: _Connection | None = None

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Publish a change, and wait for the broker's yes."""
        self._publish(delivery.key, webhook_body(delivery), delivery.entry.source, delivery.change.value)

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Publish many changes at once; in the topic both source and change are "digest"."""
        self._publish(digest.key, digest_body(digest), "digest", "digest")

    def preview(self, delivery: Delivery, now: datetime) -> Preview:
        """The topic and the message of a change."""
        topic = self._topic(delivery.entry.source, delivery.change.value)
        return Preview(f"{topic}\n\n{laid_out(webhook_body(delivery))}")

    def _topic(self, source: str, change: str) -> str:
        return self._settings.topic.replace("{source}", source).replace("{change}", change)

    def _publish(self, key: str, body: bytes, source: str, change: str) -> None:
        if self._connection is None or self._connection.lost:
            self.close()
            self._connection = self._connect()
        self._connection.publish(self._topic(source, change), key, body)

    def close(self) -> None:
        """Take leave of the broker."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _connect(self) -> _Connection:
        try:
            import paho.mqtt.client  # noqa: F401
        except ImportError as error:
            raise DeliveryError(
                "paho-mqtt is not installed",
                "install feedbot with its extra: pip install 'feedbot[mqtt]'",
                refused=True,
            ) from error
        connection = _Connection(self._settings, self._context)
        connection.open()
        return connection


class _Connection:
    """A session with a broker; the library's own thread hears what it says."""

    def __init__(self, settings: MqttSettings, context: SinkContext) -> None:
        from paho.mqtt import client as paho
        from paho.mqtt.enums import CallbackAPIVersion

        self.lost = False
        self._settings = settings
        self._port = settings.port or (8883 if settings.tls else 1883)
        self._place = f"{settings.host}:{self._port}"
        self._allowed = (*settings.allow_private, *context.allow_private)
        self._timeout = settings.timeout.total_seconds()
        self._answered = Event()
        self._refusal: DeliveryError | None = None
        self._most = 0  # bytes of a message that the broker takes, 0 where it does not say
        self._codes: dict[int, int] = {}
        self._client: Client = paho.Client(
            CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5 if settings.protocol == "5" else paho.MQTTv311
        )
        self._client.connect_timeout = self._timeout
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_publish = self._on_publish
        if settings.username:
            password = settings.password.get_secret_value() if settings.password else None
            self._client.username_pw_set(settings.username, password)
        if settings.tls:
            self._client.tls_set_context(tls_context(trusted(settings.ca_file, context), verify=settings.verify_tls))

    def open(self) -> None:
        """Connect and log in. Raises DeliveryError where the broker cannot be reached or refuses."""
        try:
            self._reach()
        except (OSError, ValueError) as error:
            reason = "its certificate cannot be trusted" if isinstance(error, ssl.SSLCertVerificationError) else ""
            reason = (
                reason or (error.strerror if isinstance(error, OSError) and error.strerror else "no answer").lower()
            )
            raise DeliveryError(
                f"{self._place} cannot be reached: {reason}", "check host, port and tls", sink_down=True
            ) from error
        self._client.loop_start()
        if not self._answered.wait(self._timeout):
            self.close()
            raise DeliveryError(f"{self._place} did not answer within {self._timeout:g} s", sink_down=True)
        if self._refusal is not None:
            self.close()
            raise self._refusal

    def _reach(self) -> None:
        """Connect to the first address that can be reached; by the name, which its certificate is for, over TLS."""
        host = self._settings.host
        places = addresses(host, self._port, self._allowed, self._timeout)
        if self._settings.tls:
            places = [host]
        for address in places[:-1]:
            try:
                self._client.connect(address, self._port, keepalive=60)
            except OSError:
                continue
            return
        self._client.connect(places[-1], self._port, keepalive=60)

    def publish(self, topic: str, key: str, body: bytes) -> None:
        """Hand a message over. Raises DeliveryError where the broker does not take it in time."""
        from paho.mqtt.client import MQTT_ERR_SUCCESS

        size = len(body) + len(topic.encode()) + len(key) + _FRAME
        if 0 < self._most < size:
            raise DeliveryError(
                f"{self._place} takes messages of {self._most} bytes at most, and this one has {size}",
                "raise what the broker takes (max_packet_size of mosquitto)",
                refused=True,
            )
        try:
            message = self._client.publish(
                topic, body, self._settings.qos, self._settings.retain, properties=self._properties(key)
            )
            if message.rc == MQTT_ERR_SUCCESS:
                message.wait_for_publish(self._timeout)
            done = message.rc == MQTT_ERR_SUCCESS and message.is_published()
        except ValueError as error:
            raise DeliveryError(f"{self._place} cannot be sent this message: {error}", refused=True) from error
        except RuntimeError:
            done = False
        if not done:
            self.lost = True
            raise DeliveryError(f"{self._place} did not take the message within {self._timeout:g} s", sink_down=True)
        code = self._codes.pop(message.mid, 0)
        if code >= 0x80:
            refused = code not in _PASSING
            raise DeliveryError(
                f"{self._place} refused the message (reason code {code:#04x})",
                "check topic, and what the user may publish",
                refused=refused,
            )

    def close(self) -> None:
        """End the connection and its thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def _properties(self, key: str) -> Properties | None:
        if self._settings.protocol != "5":
            return None
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = "application/json"
        properties.UserProperty = ("webhook-id", key)
        return properties

    def _on_connect(
        self, client: Client, userdata: Any, flags: ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            refused = code.value in _REFUSALS
            text = f"{self._place} refused the connection: {str(code).lower()}"
            self._refusal = DeliveryError(
                text, "check username and password" if refused else "", refused=refused, sink_down=True
            )
        self._most = getattr(properties, "MaximumPacketSize", 0)
        self._answered.set()

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: DisconnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        self.lost = True

    def _on_publish(
        self, client: Client, userdata: Any, mid: int, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._codes[mid] = code.value
