"""Talks to a mail server (RFC 5321, LMTP of RFC 2033): one connection for many mails, an answer for each recipient."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, NoReturn, TypeAlias

from msgspec import Struct

from feedbot.core.text import one_line, shorten
from feedbot.errors import DeliveryError
from feedbot.message.mail import as_bytes
from feedbot.sinks.deadline import Deadline
from feedbot.sinks.reaching import addresses, tls_context
from feedbot.sinks.transports import Letter, Refusal

Tls = Literal["starttls", "tls", "none"]
Answer: TypeAlias = tuple[int, bytes]
_TOO_MANY = 452
_GO_ON = 354
_CLOSING = 421
_TOGETHER = 50  # commands sent at once: answers and further commands must not wait for each other
_GOODBYE = 2.0  # seconds that an answer to QUIT is waited for
_WITH_ADDRESS = (socket.AF_INET, socket.AF_INET6)
_NEEDS_LOGIN = frozenset({530, 535, 538})


class Server(Struct, frozen=True, kw_only=True):
    """Where mails are handed in, and as whom. ``timeout`` in seconds, of each step; a mail may take twice that.

    With ``lmtp``, ``host`` may be the path of a socket. ``allow_private`` lists private addresses that it may have.
    """

    host: str
    port: int
    tls: Tls
    username: str = ""
    password: str = ""
    timeout: float = 15.0
    verify_tls: bool = True
    ca_files: tuple[Path, ...] = ()
    allow_private: tuple[str, ...] = ()
    lmtp: bool = False

    def __repr__(self) -> str:
        return f"Server({self.place!r})"

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
        self._deadline = Deadline(2 * server.timeout, self._cut)

    def deliver(self, letter: Letter) -> Mapping[str, Refusal]:
        """Hand a letter over; gives the recipients who were refused, by address.

        Whom a server takes no more of in one mail, after others, get another at once (RFC 5321, 4.5.3.1.10).
        """
        data = as_bytes(letter.mail)
        with self._within_time():
            offered, refused = letter.recipients, self._offer(letter, data)
            last = refused
            while len(last) < len(offered) and (offered := [one for one in last if last[one].code == _TOO_MANY]):
                try:
                    last = self._offer(letter._replace(recipients=offered), data)
                except (DeliveryError, smtplib.SMTPException, OSError, ValueError):  # the others have it all the same
                    self._drop()
                    break
                refused = {one: refused[one] for one in refused if one not in offered} | last
        return refused

    def close(self) -> None:
        """Say goodbye."""
        self._deadline.close()
        client, self._client = self._client, None
        if client is not None:
            with suppress(smtplib.SMTPException, OSError):
                if client.sock is not None:
                    client.sock.settimeout(_GOODBYE)
                client.quit()
            client.close()

    def _offer(self, letter: Letter, data: bytes) -> dict[str, Refusal]:
        client, (_, *answers) = self._begin(letter, len(data))
        if answers and answers[-1][0] == _CLOSING:
            self._fail(f"{self._server.place} closes the connection: {_said(*answers[-1])}")
        number = len(letter.recipients)
        taken, begun = answers[:number], answers[number:]
        refused = {
            recipient: Refusal(code, _said(code, text))
            for recipient, (code, text) in zip(letter.recipients, taken, strict=True)
            if not _is_yes(code)
        }
        if len(refused) == number:
            self._abandon(client, begun)
            return refused
        accepted = [one for one in letter.recipients if one not in refused]
        return refused | self._send(client, data, begun[0], accepted)

    def _send(self, client: smtplib.SMTP, data: bytes, begun: Answer, recipients: list[str]) -> dict[str, Refusal]:
        answers, is_begun = [begun], begun[0] == _GO_ON
        if is_begun:
            client.send(data.replace(b"\n.", b"\n..") + b".\r\n")  # RFC 5321, 4.5.2; it begins with a header
            # LMTP answers for each recipient it has accepted, in that order (RFC 2033, 4.2).
            answers = [_whole(client.getreply()) for _ in (recipients if self._server.lmtp else recipients[:1])]
        if len(answers) < len(recipients):
            answers *= len(recipients)
        refused: dict[str, Refusal] = {}
        for recipient, (code, text) in zip(recipients, answers, strict=True):
            if code == _CLOSING:
                self._drop()
            if not (is_begun and _is_yes(code)):
                refused[recipient] = Refusal(code, _said(code, text))
        if len(refused) == len(recipients) and answers[0][0] == _CLOSING:
            self._fail(f"{self._server.place} closes the connection: {refused[recipients[0]].text}")
        if refused and self._client is not None:
            self._reset(client)
        return refused

    def _abandon(self, client: smtplib.SMTP, begun: list[Answer]) -> None:
        """Make the connection ready for the next mail after one that nobody takes."""
        if begun and begun[0][0] == _GO_ON:  # asked for together with the recipients: an empty mail (RFC 2920, 3.1)
            with suppress(smtplib.SMTPException, OSError):
                client.send(b".\r\n")
                client.getreply()
        self._reset(client)

    def _reset(self, client: smtplib.SMTP) -> None:
        """Make the connection ready for the next mail. That this mail was refused stands in any case."""
        try:
            client.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()

    def _begin(self, letter: Letter, size: int) -> tuple[smtplib.SMTP, list[Answer]]:
        """A connection on which the server has accepted the sender, with what it answered to each command so far."""
        if self._client is not None:
            try:
                answers = self._announce(self._client, letter, size)
                if _is_yes(answers[0][0]):
                    return self._client, answers
            except (smtplib.SMTPException, OSError):  # closed since the last mail, as servers do with idle ones
                if self._deadline.late:
                    raise
            self._drop()
        self._client = client = self._connect()
        answers = self._announce(client, letter, size)
        if not _is_yes(answers[0][0]):
            self._refuse_sender(letter.sender, *answers[0])
        return client, answers

    def _announce(self, client: smtplib.SMTP, letter: Letter, size: int) -> list[Answer]:
        """The answers to MAIL, to RCPT for each recipient and to DATA; fewer where there is no point in going on.

        All are asked at once where the server takes that (RFC 2920).
        """
        told = f" SIZE={size}" if client.has_extn("size") else ""
        people = [f"RCPT TO:<{recipient}>" for recipient in letter.recipients]  # plain addresses, see parse_mailbox
        commands = [f"MAIL FROM:<{letter.sender}>{told}", *people, "DATA"]
        most = _TOGETHER if client.has_extn("pipelining") else 1
        answers: list[Answer] = []
        while len(answers) < len(commands):
            some = commands[len(answers) :][:most]
            if some == ["DATA"] and not any(_is_yes(code) for code, _ in answers[1:]):
                break
            client.send("".join(f"{command}\r\n" for command in some))
            for _ in some:
                answers.append(_whole(client.getreply()))
                if answers[-1][0] == _CLOSING:
                    return answers
            if not _is_yes(answers[0][0]):
                break
        return answers

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
        context = None if server.tls == "none" else tls_context(server.ca_files, verify=server.verify_tls)
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
        code, text = _whole(self._greeted(client))
        if code != 220:
            self._fail(f"{server.place} does not want to talk: {_said(code, text)}")
        client.local_hostname = _own_name(client)
        if context is not None and server.tls == "starttls":
            self._start_tls(client, context)
        if server.username:
            self._login(client)
        client.ehlo_or_helo_if_needed()
        return client

    def _greeted(self, client: smtplib.SMTP) -> tuple[int, bytes]:
        """Connect to the first address of the server that can be reached; gives how it greets."""
        server = self._server
        if server.is_socket:
            return client.connect(server.host, server.port)
        places = addresses(server.host, server.port, server.allow_private, server.timeout)
        for address in places[:-1]:
            try:
                return client.connect(address, server.port)
            except smtplib.SMTPException:
                raise
            except OSError:
                client.close()
        return client.connect(places[-1], server.port)

    def _start_tls(self, client: smtplib.SMTP, context: ssl.SSLContext) -> None:
        client.ehlo_or_helo_if_needed()
        if not client.has_extn("starttls"):
            self._fail(
                f"{self._server.place} offers no STARTTLS, and nothing is sent without it",
                'set tls = "tls" if it speaks TLS from the start (often port 465)'
                + ("" if self._server.username else ', or tls = "none" if it is a relay of your own, on this machine'),
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
        with self._deadline:
            try:
                yield
            except (smtplib.SMTPException, OSError, ValueError) as error:
                if self._deadline.late:
                    self._fail(
                        f"{self._server.place} took more than {2 * self._server.timeout:g} s",
                        "raise timeout if it is slow",
                    )
                self._fail(*_in_words(self._server, error))

    def _cut(self) -> None:
        sock = self._client.sock if self._client is not None else None
        if sock is not None:
            with suppress(OSError):
                # Not SSLSocket's own, which would take TLS off under the reading thread.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _fail(self, message: str, hint: str = "") -> NoReturn:
        self._drop()
        raise DeliveryError(message, hint, sink_down=True)

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError):
                client.close()


def _own_name(client: smtplib.SMTP) -> str:
    """How feedbot introduces itself: by a full name, else by its address (RFC 5321, 4.1.4)."""
    name = socket.gethostname()
    if ("." in name and name.isascii()) or client.sock is None or client.sock.family not in _WITH_ADDRESS:
        return name
    address = client.sock.getsockname()[0]
    return f"[IPv6:{address.partition('%')[0]}]" if ":" in address else f"[{address}]"


def _is_yes(code: int) -> bool:
    """By the first digit alone, as the rest of a code may be one that nobody knows (RFC 5321, 4.3.2)."""
    return 200 <= code < 300


def _whole(answer: Answer) -> Answer:
    """An answer with a whole code. Raises SMTPServerDisconnected where it was cut off before, else SMTPException."""
    if answer[0] < 0:
        raise smtplib.SMTPException("no answer of SMTP")
    if 0 < answer[0] < 200:
        raise smtplib.SMTPServerDisconnected("the answer was cut off")
    return answer


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
