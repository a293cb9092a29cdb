"""Mails what is new: over SMTP, through the machine's sendmail, or into a Maildir."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from feedbot.errors import DeliveryError
from feedbot.message import mail
from feedbot.message.headers import parse_mailbox
from feedbot.model import Delivery
from feedbot.plugins import Duration, Later, Place, SinkContext, SinkSettings
from feedbot.sinks.smtp import Server, SmtpTransport, Tls
from feedbot.sinks.transports import Letter, Maildir, Refusal, Sendmail, Transport

_PORTS: Mapping[Tls, int] = {"starttls": 587, "tls": 465, "none": 25}
_OF_SMTP = ("host", "port", "tls", "username", "password", "verify_tls", "ca_file")


def _mail_address(text: str) -> str:
    parse_mailbox(text)
    return text


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


MailAddress = Annotated[str, AfterValidator(_mail_address)]
"""An address with or without a name: ``me@example.org``, ``My Name <me@example.org>``."""


class EmailSettings(SinkSettings):
    """Keys of a sink of type ``email``. ``path`` is the Maildir, or the sendmail program."""

    later: ClassVar[Mapping[str, Later]] = {
        "subject": Later("own subjects"),
        "images": Later("leaving images out of mails", ("keep",)),
        "unsubscribe": Later("List-Unsubscribe"),
        "reply_changes": Later("threading updates under the first mail", (False,)),
    }

    transport: Literal["smtp", "sendmail", "maildir"] = "smtp"
    """How mails leave: to a server, through the sendmail program, or into a Maildir."""
    host: str = ""
    """The server that takes the mails."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port. Default: 587, or 465 with tls = "tls", or 25 with tls = "none"."""
    tls: Tls = "starttls"
    """Encryption: "starttls" and "tls" demand it, "none" goes without."""
    username: str = ""
    """The name to log in with."""
    password: SecretStr | None = None
    """The password to log in with."""
    sender: MailAddress | None = Field(default=None, alias="from")
    """The address that mails come from, with or without a name."""
    to: Annotated[tuple[MailAddress, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])] = ()
    """The addresses that mails go to."""
    path: str = ""
    """The Maildir, or the sendmail program."""
    timeout: Annotated[Duration, Field(gt=timedelta(), le=timedelta(seconds=50))] = timedelta(seconds=15)
    """The longest that each step of sending may take."""
    verify_tls: bool = True
    """Whether the certificate of the server is checked."""
    ca_file: str = ""
    """A file of further certificates (PEM) to trust."""

    def places(self) -> Sequence[Place]:
        path = (Place("path", self.path, "made" if self.transport == "maildir" else "file"),) if self.path else ()
        return (*path, Place("ca_file", self.ca_file, "file")) if self.ca_file else path

    @model_validator(mode="after")
    def _fits_together(self) -> EmailSettings:
        problems = [*self._missing(), *self._misplaced()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _missing(self) -> list[str]:
        problems = []
        if self.transport == "maildir":
            problems += ["path is missing: the Maildir to put mails into"] if not self.path else []
        else:
            problems += ["from is missing: the address that mails come from"] if not self.sender else []
            problems += ["to is missing: the addresses that mails go to"] if not self.to else []
        if self.transport == "smtp" and not self.host:
            problems.append("host is missing: the server that takes the mails")
        if bool(self.username) != (self.password is not None):
            problems.append("username and password need each other")
        return problems

    def _misplaced(self) -> list[str]:
        if self.transport != "smtp":
            given = [name for name in _OF_SMTP if name in self.model_fields_set]
            return [f'{", ".join(given)}: of no use with transport = "{self.transport}"'] if given else []
        problems = ['path: of no use with transport = "smtp"'] if self.path else []
        if self.tls == "none" and self.password is not None and not _is_loopback(self.host):
            problems.append('tls = "none" would send the password for all to read; use "starttls" or "tls"')
        if any(character.isspace() or character in "/@" for character in self.host):
            problems.append(f'host: "{self.host}" is no name of a server, such as smtp.example.org')
        return problems


class EmailSink:
    """One mail a change to all recipients; those who have it get it no second time."""

    Settings = EmailSettings
    prints: ClassVar[bool] = False

    def __init__(self, settings: EmailSettings, context: SinkContext) -> None:
        self._sender = parse_mailbox(settings.sender) if settings.sender else mail.LOCAL
        to = [parse_mailbox(text) for text in settings.to] or [mail.LOCAL]
        self._to = tuple({mailbox.address: mailbox for mailbox in to}.values())
        self._transport = _transport(settings, context.folder)

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Mail a change to whoever has not had it yet. A DeliveryError names those who got it in spite of it."""
        open_to = [mailbox.address for mailbox in self._to if mailbox.address not in delivery.delivered]
        if not open_to:
            return
        letter = Letter(
            key=delivery.key,
            created=int(delivery.created.timestamp()),
            message=mail.build(delivery, self._sender, self._to),
            sender=self._sender.address,
            recipients=open_to,
        )
        refused = self._transport.deliver(letter)
        if refused:
            raise _refusal(refused, delivery.delivered | (frozenset(open_to) - frozenset(refused)))

    def close(self) -> None:
        """End the connection to the server."""
        self._transport.close()


def _transport(settings: EmailSettings, folder: Path) -> Transport:
    timeout = settings.timeout.total_seconds()
    if settings.transport == "maildir":
        return Maildir(folder / Path(settings.path).expanduser(), settings.path)
    if settings.transport == "sendmail":
        return Sendmail(str(folder / Path(settings.path).expanduser()) if settings.path else "", timeout)
    return SmtpTransport(
        Server(
            host=settings.host,
            port=settings.port or _PORTS[settings.tls],
            tls=settings.tls,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password else "",
            timeout=timeout,
            verify_tls=settings.verify_tls,
            ca_file=folder / Path(settings.ca_file).expanduser() if settings.ca_file else None,
        )
    )


def _refusal(refused: Mapping[str, Refusal], delivered: frozenset[str]) -> DeliveryError:
    """Dead only once nobody is left who may still take it."""
    reasons = ", ".join(f"{address} ({refusal.text})" for address, refusal in list(refused.items())[:5])
    more = f" and {len(refused) - 5} more" if len(refused) > 5 else ""
    permanent = all(refusal.permanent for refusal in refused.values())
    return DeliveryError(
        f"the mail server refused {reasons}{more}",
        "check the addresses in to" if permanent else "",
        permanent=permanent,
        delivered=delivered,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
