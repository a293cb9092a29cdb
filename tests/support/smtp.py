"""A real mail server on loopback that keeps what it is given and misbehaves as it is told."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session


@dataclass(frozen=True)
class Received:
    """A mail as it came in, dots unstuffed."""

    sender: str
    recipients: list[str]
    data: bytes

    @property
    def message(self) -> EmailMessage:
        message = message_from_bytes(self.data, policy=default)
        assert isinstance(message, EmailMessage)
        return message


@dataclass
class SmtpServer:
    """``answers`` maps an address or "data" to the answer that is given instead of a yes.

    ``drop`` and ``hang`` name where the connection is cut, or nothing said any more: "mail", "rcpt", "data".
    LMTP is answered once a recipient, by what ``answers`` has for "data:" and its address.
    ``pipelining`` is announced where it is true (RFC 2920); ``ahead`` has what had come after MAIL when that was read.
    ``room`` is how many recipients a mail may have.
    ``drop_once`` cuts the connection at its next command, and only that. ``connections`` counts STARTTLS as one more.
    """

    port: int = 0
    received: list[Received] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    drop: str = ""
    drop_once: bool = False
    hang: str = ""
    connections: int = 0
    logins: list[tuple[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    pipelining: bool = False
    ahead: list[bytes] = field(default_factory=list)
    room: int = 1000

    async def handle_EHLO(  # noqa: N802 - as aiosmtpd names them
        self, smtp: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [responses[0], *(["250-PIPELINING"] if self.pipelining else []), *responses[1:]]

    async def _stage(self, smtp: SMTP, name: str) -> None:
        if self.hang == name:
            await asyncio.sleep(60)
        if self.drop == name or self.drop_once:
            self.drop_once = False
            _transport(smtp).abort()
            await asyncio.sleep(60)

    async def handle_MAIL(  # noqa: N802 - as aiosmtpd names them
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await self._stage(smtp, "mail")
        self.ahead.append(bytes(getattr(smtp._reader, "_buffer", b"")))
        self.encrypted.append(session.ssl is not None or _transport(smtp).get_extra_info("sslcontext") is not None)
        if address not in self.answers:
            envelope.mail_from = address
        return self.answers.get(address, "250 OK")

    async def handle_RCPT(  # noqa: N802 - as aiosmtpd names them
        self, smtp: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        await self._stage(smtp, "rcpt")
        if len(envelope.rcpt_tos) >= self.room:
            return "452 too many recipients"
        if address not in self.answers:
            envelope.rcpt_tos.append(address)
        return self.answers.get(address, "250 OK")

    async def handle_DATA(self, smtp: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await self._stage(smtp, "data")
        if "data" not in self.answers:
            content = envelope.content if isinstance(envelope.content, bytes) else b""
            self.received.append(Received(envelope.mail_from or "", list(envelope.rcpt_tos), content))
        if isinstance(smtp, LMTP):
            return "\r\n".join(self.answers.get(f"data:{address}", "250 OK") for address in envelope.rcpt_tos)
        return self.answers.get("data", "250 OK")

    def authenticate(self, smtp: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        name, password = data.login.decode(), data.password.decode()
        self.logins.append((name, password))
        return AuthResult(success=password == "right", handled=False)


def _transport(smtp: SMTP) -> asyncio.Transport:
    assert isinstance(smtp.transport, asyncio.Transport)
    return smtp.transport


@contextmanager
def smtp_server(
    tls: str = "none", context: ssl.SSLContext | None = None, login: bool = False, lmtp: str | None = None
) -> Iterator[SmtpServer]:
    """Serve until the end of the block. ``tls``: "none", "starttls" (offered) or "tls" (from the start).

    ``lmtp``: speak that, on the socket at this path, or with "" on a port.
    """
    state = SmtpServer()
    loop = asyncio.new_event_loop()

    class Protocol(SMTP if lmtp is None else LMTP):  # type: ignore[misc]
        def connection_made(self, transport: Any) -> None:
            state.connections += 1
            super().connection_made(transport)

    def protocol() -> SMTP:
        return Protocol(
            state,
            loop=loop,
            hostname="mail.example.org",
            ident="test",
            tls_context=context if tls == "starttls" else None,
            auth_required=login,
            auth_require_tls=tls == "starttls",
            auth_exclude_mechanism=None if login else ("LOGIN", "PLAIN"),
            authenticator=state.authenticate if login else None,
        )

    where = (
        loop.create_unix_server(protocol, lmtp)
        if lmtp
        else loop.create_server(protocol, "127.0.0.1", 0, ssl=context if tls == "tls" else None)
    )
    listening = loop.run_until_complete(where)
    state.port = 0 if lmtp else listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        listening.close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
