"""Mails what is new: over SMTP or LMTP, through the machine's sendmail, or into a Maildir."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from feedbot.errors import DeliveryError
from feedbot.message import mail
from feedbot.message.headers import ADDRESS, parse_mailbox
from feedbot.message.pictures import Images
from feedbot.message.templates import Templates, check
from feedbot.model import Delivery, Digest
from feedbot.paths import located
from feedbot.plugins import Allowance, Duration, Place, Preview, SinkContext, SinkSettings
from feedbot.sinks.reaching import trusted
from feedbot.sinks.smtp import Server, SmtpTransport, Tls
from feedbot.sinks.transports import Letter, Maildir, Refusal, Sendmail, Transport

_PORTS: Mapping[Tls, int] = {"starttls": 587, "tls": 465, "none": 25}
_LMTP_PORT = 24
_OF_SERVERS = ("host", "port", "tls", "username", "password", "verify_tls", "ca_file", "allow_private")


def _mail_address(text: str) -> str:
    parse_mailbox(text)
    return text


def _unsubscribe(text: str) -> str:
    scheme = text.partition(":")[0].lower()
    if text and (scheme not in ("https", "mailto") or not ADDRESS.fullmatch(text)):
        raise ValueError('expected an address such as "https://example.org/leave" or "mailto:leave@example.org"')
    return text


def _template(text: str) -> str:
    check(text)
    return text


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


MailAddress = Annotated[str, AfterValidator(_mail_address)]
"""An address with or without a name: ``me@example.org``, ``My Name <me@example.org>``."""


class EmailSettings(SinkSettings):
    """Keys of a sink of type ``email``. ``path`` is the Maildir, the sendmail program, or the socket of LMTP."""

    transport: Literal["smtp", "lmtp", "sendmail", "maildir"] = "smtp"
    """How mails leave: to a server (SMTP), to the mailboxes' own (LMTP), through sendmail, or into a Maildir."""
    host: str = ""
    """The server that takes the mails."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port. Default: 587, or 465 with tls = "tls", or 25 with tls = "none"; 24 for LMTP."""
    tls: Tls = "starttls"
    """Encryption: "starttls" and "tls" demand it, "none" goes without, as LMTP does by default."""
    username: str = ""
    """The name to log in with."""
    password: SecretStr | None = None
    """The password to log in with."""
    sender: MailAddress | None = Field(default=None, alias="from")
    """The address that mails come from, with or without a name."""
    to: Annotated[tuple[MailAddress, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str])] = ()
    """The addresses that mails go to."""
    envelope_from: MailAddress | None = None
    """The address that mails come back to which cannot be delivered. Default: that of from."""
    subject: Annotated[str, AfterValidator(_template)] = ""
    """A template of the subject, such as "{{ title }} ({{ source }})". Default: "[{{ source }}] {{ title }}"."""
    images: Images = "keep"
    """What becomes of images: "keep" (programs load them from the web), "link" or "drop"."""
    unsubscribe: Annotated[str, AfterValidator(_unsubscribe)] = ""
    """Where readers leave: an https address, which takes a POST without questions (RFC 8058), or mailto."""
    reply_changes: bool = True
    """Whether mails of updates and withdrawals stand under the first mail of their entry."""
    digest_bodies: Annotated[int, Field(ge=0, le=100)] = 5
    """How many entries of a digest are there whole; of the others it has how they begin."""
    path: str = ""
    """The Maildir, the sendmail program, or the socket of the LMTP server."""
    timeout: Annotated[Duration, Field(gt=timedelta(), le=timedelta(seconds=50))] = timedelta(seconds=15)
    """The longest that each step of sending may take."""
    verify_tls: bool = True
    """Whether the certificate of the server is checked."""
    ca_file: str = ""
    """A file of further certificates (PEM) to trust, beside that of [feedbot]."""
    allow_private: tuple[Allowance, ...] = ()
    """Private addresses that host may lead to, beside those of [feedbot]."""

    def places(self) -> Sequence[Place]:
        wanted = self.path and self.transport != "lmtp"  # a socket is neither file nor folder
        path = (Place("path", self.path, "made" if self.transport == "maildir" else "file"),) if wanted else ()
        return (*path, Place("ca_file", self.ca_file, "file")) if self.ca_file else path

    @model_validator(mode="after")
    def _fits_together(self) -> EmailSettings:
        problems = [*self._missing(), *self._misplaced()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @property
    def encryption(self) -> Tls:
        """How the connection is encrypted: LMTP, which stays within one site, is not unless asked to."""
        return "none" if self.transport == "lmtp" and "tls" not in self.model_fields_set else self.tls

    def _missing(self) -> list[str]:
        problems = []
        if self.transport == "maildir":
            problems += ["path is missing: the Maildir to put mails into"] if not self.path else []
        else:
            problems += ["from is missing: the address that mails come from"] if not self.sender else []
            problems += ["to is missing: the addresses that mails go to"] if not self.to else []
        if self.transport == "smtp" and not self.host:
            problems.append("host is missing: the server that takes the mails")
        if self.transport == "lmtp" and bool(self.host) == bool(self.path):
            problems.append("give either host, of a server, or path, of its socket")
        if bool(self.username) != (self.password is not None):
            problems.append("username and password need each other")
        return problems

    def _misplaced(self) -> list[str]:
        if self.transport in ("sendmail", "maildir"):
            given = [name for name in _OF_SERVERS if name in self.model_fields_set]
            return [f'{", ".join(given)}: of no use with transport = "{self.transport}"'] if given else []
        problems = ['path: of no use with transport = "smtp"'] if self.path and self.transport == "smtp" else []
        if self.encryption == "none" and self.password is not None and not _is_loopback(self.host):
            problems.append('tls = "none" would send the password for all to read; use "starttls" or "tls"')
        if any(character.isspace() or character in "/@" for character in self.host):
            problems.append(f'host: "{self.host}" is no name of a server, such as smtp.example.org')
        return problems


class EmailSink:
    """One mail a change to all recipients; those who have it get it no second time."""

    Settings = EmailSettings
    prints: ClassVar[bool] = False

    def __init__(self, settings: EmailSettings, context: SinkContext) -> None:
        sender = parse_mailbox(settings.sender) if settings.sender else mail.LOCAL
        to = [parse_mailbox(text) for text in settings.to] or [mail.LOCAL]
        self._to = [mailbox.address for mailbox in {mailbox.address: mailbox for mailbox in to}.values()]
        self._envelope = parse_mailbox(settings.envelope_from).address if settings.envelope_from else sender.address
        self._transport = _transport(settings, context)
        self._letterhead = mail.Letterhead(
            sender=sender,
            recipients=tuple({mailbox.address: mailbox for mailbox in to}.values()),
            images=settings.images,
            unsubscribe=settings.unsubscribe,
            subject=settings.subject,
            threaded=settings.reply_changes,
            bodies=settings.digest_bodies,
            templates=Templates.of(context.folder, context.name, settings.type, context.report),
        )

    def send(self, delivery: Delivery, now: datetime) -> None:
        """Mail a change to whoever has not had it yet. A DeliveryError names those who got it in spite of it."""
        self._mail(delivery, delivery.delivered, lambda: mail.build(delivery, self._letterhead))

    def send_digest(self, digest: Digest, now: datetime) -> None:
        """Mail many changes at once to whoever has not had all of them yet."""
        have = frozenset.intersection(*(delivery.delivered for delivery in digest.deliveries))
        self._mail(digest, have, lambda: mail.build_digest(digest, self._letterhead))

    def preview(self, delivery: Delivery, now: datetime) -> Preview:
        """The mail of a change: its headers and its text, and its HTML as a page."""
        return mail.preview(mail.build(delivery, self._letterhead))

    def _mail(self, told: Delivery | Digest, have: frozenset[str], build: Callable[[], mail.Mail]) -> None:
        open_to = [address for address in self._to if address not in have]
        if not open_to:
            return
        letter = Letter(
            key=told.key,
            created=int(told.created.timestamp()),
            mail=build(),
            sender=self._envelope,
            recipients=open_to,
        )
        refused = self._transport.deliver(letter)
        if refused:
            raise _refusal(refused, have | (frozenset(open_to) - frozenset(refused)))

    def close(self) -> None:
        """End the connection to the server."""
        self._transport.close()


def _transport(settings: EmailSettings, context: SinkContext) -> Transport:
    folder = context.folder
    timeout = settings.timeout.total_seconds()
    if settings.transport == "maildir":
        return Maildir(located(folder, settings.path), settings.path)
    if settings.transport == "sendmail":
        return Sendmail(str(located(folder, settings.path)) if settings.path else "", timeout)
    lmtp = settings.transport == "lmtp"
    return SmtpTransport(
        Server(
            host=settings.host or str(located(folder, settings.path)),
            port=settings.port or (_LMTP_PORT if lmtp else _PORTS[settings.tls]),
            tls=settings.encryption,
            lmtp=lmtp,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password else "",
            timeout=timeout,
            verify_tls=settings.verify_tls,
            ca_files=trusted(settings.ca_file, context),
            allow_private=(*settings.allow_private, *context.allow_private),
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
