"""Talks to a mail server (RFC 5321, LMTP of RFC 2033): one connection for many mails, an answer for each recipient."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn

from feedbot.core.text import one_line, shorten
from feedbot.errors import DeliveryError
from feedbot.message.mail import as_bytes
from feedbot.sinks.transports import Letter, Refusal

Tls = Literal["starttls", "tls", "none"]
_CLOSING = 421
_GOODBYE = 2.0  # seconds that an answer to QUIT is waited for
_WITH_ADDRESS = (socket.AF_INET, socket.AF_INET6)
_NEEDS_LOGIN = frozenset({530, 535, 538})


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where mails are handed in, and as whom. ``timeout`` in seconds, of each step; a mail may take twice that.

    With ``lmtp``, ``host`` may be the path of a socket.
    """

    host: str
    port: int
    tls: Tls
    username: str = ""
    password: str = ""
    timeout: float = 15.0
    verify_tls: bool = True
    ca_file: Path | None = None
    lmtp: bool = False

    @property
    def place(self) -> str:
        return self.host if self.is_socket else f"{self.host}:{self.port}"

    @property
    def is_socket(self) -> bool:
        return self.lmtp and self.host.startswith("/")


class SmtpTransport:
    """A session with a server, opened at the first mail and anew whenever it broke off."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._client: smtplib.SMTP | None = None

    def deliver(self, letter: Letter) -> Mapping[str, Refusal]:
        """Hand a letter over; gives the recipients who were refused, by address."""
        data = as_bytes(letter.message)
        with self._within_time():
            client = self._begin(letter.sender, len(data))
            refused: dict[str, Refusal] = {}
            for recipient in letter.recipients:
                code, text = client.rcpt(recipient)
                if code == _CLOSING:
                    self._fail(f"{self._server.place} closes the connection: {_said(code, text)}")
                if code not in (250, 251):
                    refused[recipient] = Refusal(code, _said(code, text))
            if len(refused) == len(letter.recipients):
                self._reset(client)
                return refused
            return refused | self._send(client, data, [r for r in letter.recipients if r not in refused])

    def close(self) -> None:
        """Say goodbye."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(smtplib.SMTPException, OSError):
                if client.sock is not None:
                    client.sock.settimeout(_GOODBYE)
                client.quit()
            client.close()

    def _send(self, client: smtplib.SMTP, data: bytes, recipients: list[str]) -> dict[str, Refusal]:
        try:
            answers = [client.data(data)]
            # LMTP answers for each recipient it has accepted, in that order (RFC 2033, 4.2).
            answers += [client.getreply() for _ in recipients[1:]] if self._server.lmtp else []
        except smtplib.SMTPDataError as error:
            answers = [(error.smtp_code, _as_bytes(error.smtp_error))]
        if len(answers) < len(recipients):
            answers *= len(recipients)
        refused: dict[str, Refusal] = {}
        for recipient, (code, text) in zip(recipients, answers, strict=True):
            if code == _CLOSING:
                self._drop()
            if code != 250:
                refused[recipient] = Refusal(code, _said(code, text))
        if len(refused) == len(recipients) and answers[0][0] == _CLOSING:
            self._fail(f"{self._server.place} closes the connection: {refused[recipients[0]].text}")
        if refused and self._client is not None:
            self._reset(client)
        return refused

    def _reset(self, client: smtplib.SMTP) -> None:
        """Make the connection ready for the next mail. That this mail was refused stands in any case."""
        try:
            client.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _begin(self, sender: str, size: int) -> smtplib.SMTP:
        """A connection on which the server has accepted the sender."""
        if self._client is not None:
            try:
                code, text = self._mail(self._client, sender, size)
                if code == 250:
                    return self._client
            except (smtplib.SMTPException, OSError):
                pass  # closed since the last mail, as servers do with idle ones
            self._drop()
        self._client = client = self._connect()
        code, text = self._mail(client, sender, size)
        if code != 250:
            self._refuse_sender(sender, code, text)
        return client

    def _mail(self, client: smtplib.SMTP, sender: str, size: int) -> tuple[int, bytes]:
        options = [f"size={size}"] if client.has_extn("size") else []
        return client.mail(sender, options)

    def _refuse_sender(self, sender: str, code: int, text: bytes) -> NoReturn:
        self._drop()
        if code in _NEEDS_LOGIN:
            raise DeliveryError(
                f"{self._server.place} wants a login: {_said(code, text)}", "set username and password", sink_down=True
            )
        message = f"{self._server.place} takes no mail from {sender}: {_said(code, text)}"
        raise DeliveryError(message, permanent=code >= 500, sink_down=code < 500)

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        context = None if server.tls == "none" else _context(server)
        # A name is given, as smtplib would else ask the DNS for one, which may take long.
        client: smtplib.SMTP
        if server.lmtp:
            client = smtplib.LMTP(local_hostname="localhost")
            client.timeout = server.timeout
        elif server.tls == "tls":
            client = smtplib.SMTP_SSL(local_hostname="localhost", timeout=server.timeout, context=context)
        else:
            client = smtplib.SMTP(local_hostname="localhost", timeout=server.timeout)
        self._client = client
        # Connecting in the constructor would leave nothing to cut while the server keeps us waiting, but only
        # there smtplib notes the name that the certificate is checked against.
        client._host = server.host  # type: ignore[attr-defined]
        code, text = client.connect(server.host, server.port)
        if code != 220:
            self._fail(f"{server.place} does not want to talk: {_said(code, text)}")
        client.local_hostname = _own_name(client)
        if context is not None and server.tls == "starttls":
            self._start_tls(client, context)
        if server.username:
            self._login(client)
        client.ehlo_or_helo_if_needed()
        return client

    def _start_tls(self, client: smtplib.SMTP, context: ssl.SSLContext) -> None:
        client.ehlo_or_helo_if_needed()
        if not client.has_extn("starttls"):
            self._fail(
                f"{self._server.place} offers no STARTTLS, and nothing is sent without it",
                'set tls = "tls" if it speaks TLS from the start (often port 465)',
            )
        code, text = client.starttls(context=context)
        if code != 220:
            self._fail(f"{self._server.place} did not start TLS: {_said(code, text)}")

    def _login(self, client: smtplib.SMTP) -> None:
        try:
            client.login(self._server.username, self._server.password)
        except smtplib.SMTPAuthenticationError as error:
            # Its text is left out: some servers repeat in it what they were sent.
            self._fail(f"{self._server.place} refused the login ({error.smtp_code})", "check username and password")
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPResponseException):
            raise
        except smtplib.SMTPException:
            self._fail(f"{self._server.place} offers no login that feedbot knows", "remove username and password")
        except UnicodeError:
            self._fail("username or password has characters that SMTP cannot carry", "use ASCII")

    @contextmanager
    def _within_time(self) -> Iterator[None]:
        """Cut the connection when all steps together take too long, and put every failure in words."""
        late = threading.Event()
        limit = 2 * self._server.timeout

        def cut() -> None:
            late.set()
            sock = self._client.sock if self._client is not None else None
            if sock is not None:
                with suppress(OSError):
                    # Not SSLSocket's own, which would take TLS off under the reading thread.
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

        timer = threading.Timer(limit, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (smtplib.SMTPException, OSError, ValueError) as error:
            if late.is_set():
                self._fail(f"{self._server.place} took more than {limit:g} s", "raise timeout if it is slow")
            self._fail(*_in_words(self._server, error))
        finally:
            timer.cancel()

    def _fail(self, message: str, hint: str = "") -> NoReturn:
        self._drop()
        raise DeliveryError(message, hint, sink_down=True)

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError):
                client.close()


def _context(server: Server) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not server.verify_tls:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if server.ca_file is not None:
        try:
            context.load_verify_locations(server.ca_file)
        except OSError as error:
            reason = "holds no certificates" if isinstance(error, ssl.SSLError) else "cannot be read"
            raise DeliveryError(f"the ca_file {server.ca_file} {reason}", sink_down=True) from error
    return context


def _own_name(client: smtplib.SMTP) -> str:
    """How feedbot introduces itself: by a full name, else by its address (RFC 5321, 4.1.4)."""
    name = socket.gethostname()
    if ("." in name and name.isascii()) or client.sock is None or client.sock.family not in _WITH_ADDRESS:
        return name
    address = client.sock.getsockname()[0]
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"


def _in_words(server: Server, error: Exception) -> tuple[str, str]:
    place = server.place
    if isinstance(error, ssl.SSLCertVerificationError):
        message = f"the TLS certificate of {server.host} is not trusted: {error.verify_message}"
        return message, "check host, or set ca_file to the authority that signed it"
    if isinstance(error, ssl.SSLError):
        hint = 'is it a port for tls = "starttls"?' if server.tls == "tls" else ""
        return f"{place} broke off the TLS connection", hint
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return f"{place} gave no answer within {server.timeout:g} s", "raise timeout if it is slow"
    if isinstance(error, socket.gaierror):
        return f"the mail server {server.host} cannot be found", "check host"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{place} answered {_said(error.smtp_code, _as_bytes(error.smtp_error))}", ""
    if isinstance(error, smtplib.SMTPServerDisconnected | ConnectionResetError | BrokenPipeError):
        return f"{place} closed the connection", ""
    if isinstance(error, OSError) and error.strerror:
        return f"{place} cannot be reached: {error.strerror.lower()}", "check host and port"
    return f"{place} sent something that is not SMTP", "check host and port"


def _said(code: int, text: bytes | str) -> str:
    return shorten(one_line(f"{code} {_as_bytes(text).decode('utf-8', 'replace')}"), 200)


def _as_bytes(text: bytes | str) -> bytes:
    return text.encode("utf-8", "replace") if isinstance(text, str) else text
