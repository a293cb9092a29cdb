"""A change, or a digest of many, as a mail: a text to read and a page to look at, the same bytes at every try."""

from __future__ import annotations

import hashlib
import re
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from feedbot.core.text import shorten, slug, storable
from feedbot.message import values
from feedbot.message.headers import Mailbox, Ready, address_header, mailbox_header, text_header
from feedbot.message.pictures import Images
from feedbot.message.templates import Templates
from feedbot.model import ChangeKind, Delivery, Digest
from feedbot.plugins import Preview

LOCAL = Mailbox("feedbot", "feedbot@localhost")
"""Stands in for sender and recipient where a mail stays on this machine."""

MAX_SUBJECT = 200


class _AsGiven(EmailPolicy):
    """Takes the headers as they are, all of which are ready; the package would look each up and parse it."""

    def header_max_count(self, name: str) -> int | None:  # noqa: ARG002
        return None


_POLICY = _AsGiven(cte_type="7bit")


@dataclass(frozen=True, kw_only=True)
class Letterhead:
    """What is the same for all mails of a sink.

    ``unsubscribe``: an https or mailto address, or "". ``subject``: a template for mails of one change, or "".
    ``threaded``: updates answer the first mail. ``bodies``: how many entries a digest carries whole.
    """

    sender: Mailbox = LOCAL
    recipients: tuple[Mailbox, ...] = (LOCAL,)
    images: Images = "keep"
    unsubscribe: str = ""
    subject: str = ""
    threaded: bool = True
    bodies: int = 5
    templates: Templates = field(default_factory=Templates)


def build(delivery: Delivery, letterhead: Letterhead) -> EmailMessage:
    """Make the mail that tells of a change. No text of the entry can make it fail or add a header."""
    shown = {**values.of_change(delivery, letterhead.images), "unsubscribe": letterhead.unsubscribe}
    headers = [
        *_headers(delivery.key, delivery.created, slug(delivery.entry.source, "source"), letterhead),
        text_header("Subject", _subject(delivery, letterhead, shown)),
        *_thread(delivery, letterhead),
    ]
    archived = address_header("Archived-At", delivery.entry.url)
    return _message(delivery.key, [*headers, *([archived] if archived else [])], "mail", shown, letterhead)


def build_digest(digest: Digest, letterhead: Letterhead) -> EmailMessage:
    """Make the mail that tells of many changes: a table of contents, then the first few entries whole."""
    shown = {
        **values.of_digest(digest, letterhead.images, letterhead.bodies),
        "unsubscribe": letterhead.unsubscribe,
    }
    titles = "; ".join(entry["title"] for entry in shown["entries"][:10])
    headers = [
        *_headers(digest.key, digest.created, slug(digest.sink, "digest"), letterhead),
        text_header("Subject", shorten(f"{shown['heading']}: {titles}", MAX_SUBJECT)),
    ]
    return _message(digest.key, headers, "digest", shown, letterhead)


def as_bytes(message: EmailMessage, line_end: str = "\r\n") -> bytes:
    """A mail as it goes over the wire, or with ``line_end`` "\\n" as programs and mail folders of Unix take it."""
    boundary = message.get_boundary()
    parts = "".join(f"--{boundary}\n{_head(part)}\n{part.get_payload()}\n" for part in message.iter_parts())
    return f"{_head(message)}\n{parts}--{boundary}--\n".replace("\n", line_end).encode("ascii")


def _head(part: Message[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in part.items())


def preview(message: EmailMessage) -> Preview:
    """A mail for people to look at before it is sent: headers and text, and the page of its HTML part."""
    headers = [f"{name}: {' '.join(_unfolded(value).split())}" for name, value in message.items()]
    text, page = (part.get_content().replace("\r\n", "\n") for part in message.iter_parts())
    return Preview("\n".join([*headers, "", text]), page)


def message_id(key: str, domain: str) -> str:
    """The Message-ID of the delivery with this key."""
    return f"<{re.sub(r'[^A-Za-z0-9._-]', '-', key)[:200] or 'feedbot'}@{domain}>"


def _message(
    key: str, headers: list[Ready], template: str, shown: Mapping[str, Any], letterhead: Letterhead
) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    for header in headers:
        message[header.name] = header
    token = hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:32]
    _set(message, "MIME-Version", "1.0")
    # "=_" stands in no quoted-printable or base64 text, so that the boundary is in no part.
    _set(message, "Content-Type", f'multipart/alternative;\n boundary="=_feedbot_{token}"')
    for subtype, name in (("plain", f"{template}.txt"), ("html", f"{template}.html")):
        text = storable(letterhead.templates.render(name, shown)).replace("\r", "")
        message.attach(_part(subtype, text if text.endswith("\n") else f"{text}\n"))
    return message


def _part(subtype: str, text: str) -> EmailMessage:
    """A part of text, in the shorter of the two encodings that keep lines short and bytes below 128."""
    data = text.encode()
    part = EmailMessage(policy=_POLICY)
    _set(part, "Content-Type", f'text/{subtype}; charset="utf-8"')
    if len(data) - len(text.encode("ascii", "ignore")) > len(data) // 5:
        _set(part, "Content-Transfer-Encoding", "base64")
        part.set_payload(encodebytes(data).decode("ascii"))
    else:
        _set(part, "Content-Transfer-Encoding", "quoted-printable")
        part.set_payload(b2a_qp(data, istext=True).decode("ascii"))
    return part


def _set(part: EmailMessage, name: str, value: str) -> None:
    """Add a header as it is: the mail package would parse it first."""
    part[name] = Ready(name, value)


def _headers(key: str, created: datetime, list_name: str, letterhead: Letterhead) -> Iterator[Ready]:
    domain = letterhead.sender.domain
    yield mailbox_header("From", (letterhead.sender,))
    yield mailbox_header("To", letterhead.recipients)
    yield Ready("Date", format_datetime(created.astimezone(UTC)))
    yield Ready("Message-ID", message_id(key, domain))
    yield Ready("List-Id", f"<{list_name}.feedbot.{domain}>")
    yield Ready("Auto-Submitted", "auto-generated")  # RFC 3834: nobody's absence notice answers it
    if letterhead.unsubscribe:
        yield Ready("List-Unsubscribe", f"<{letterhead.unsubscribe}>")
    if letterhead.unsubscribe.lower().startswith("https://"):  # RFC 8058, 3.1: only with https
        yield Ready("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


def _thread(delivery: Delivery, letterhead: Letterhead) -> Iterator[Ready]:
    """What puts an update under the mail that announced its entry (RFC 5322, 3.6.4)."""
    first = delivery.first_key
    if letterhead.threaded and first and first != delivery.key and delivery.change is not ChangeKind.NEW:
        yield Ready("In-Reply-To", message_id(first, letterhead.sender.domain))
        yield Ready("References", message_id(first, letterhead.sender.domain))


def _subject(delivery: Delivery, letterhead: Letterhead, shown: Mapping[str, Any]) -> str:
    usual = f"[{delivery.entry.source}] {values.LEADS[delivery.change]}{values.title(delivery.entry)}"
    own = letterhead.templates.line(letterhead.subject, "subject", shown) if letterhead.subject else ""
    return shorten(own or usual, MAX_SUBJECT)


def _unfolded(value: str) -> str:
    return str(make_header(decode_header(value)))
