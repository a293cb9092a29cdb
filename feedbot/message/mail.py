"""A change, or a digest of many, as a mail: a text to read and a page to look at, the same bytes at every try."""

from __future__ import annotations

import hashlib
import re
from base64 import encodebytes
from binascii import b2a_qp
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import format_datetime
from functools import cached_property
from typing import Any

from msgspec import Struct, field

from feedbot.core.text import shorten, slug, storable
from feedbot.message import values
from feedbot.message.headers import Header, Mailbox, address_header, mailbox_header, text_header
from feedbot.message.pictures import Images
from feedbot.message.templates import Templates
from feedbot.model import ChangeKind, Delivery, Digest
from feedbot.plugins import Preview

LOCAL = Mailbox("feedbot", "feedbot@localhost")
"""Stands in for sender and recipient where a mail stays on this machine."""

MAX_SUBJECT = 200


class Mail(Struct, frozen=True, kw_only=True):
    """A mail before it is encoded: ``headers`` as they are written, and its two parts, ``text`` and ``page``."""

    headers: tuple[Header, ...]
    boundary: str
    text: str
    page: str

    def __getitem__(self, name: str) -> str:
        """A header as it is written."""
        return next(header.value for header in self.headers if header.name == name)


class Letterhead(Struct, frozen=True, kw_only=True, dict=True):
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

    @cached_property
    def people(self) -> tuple[Header, Header]:
        """From whom to whom."""
        return mailbox_header("From", (self.sender,)), mailbox_header("To", self.recipients)


def build(delivery: Delivery, letterhead: Letterhead) -> Mail:
    """Make the mail that tells of a change. No text of the entry can make it fail or add a header."""
    shown = {**values.of_change(delivery, letterhead.images), "unsubscribe": letterhead.unsubscribe}
    headers = [
        *_headers(delivery.key, delivery.created, slug(delivery.entry.source, "source"), letterhead),
        text_header("Subject", _subject(delivery, letterhead, shown)),
        *_thread(delivery, letterhead),
    ]
    archived = address_header("Archived-At", delivery.entry.url)
    return _mail(delivery.key, [*headers, *([archived] if archived else [])], "mail", shown, letterhead)


def build_digest(digest: Digest, letterhead: Letterhead) -> Mail:
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
    return _mail(digest.key, headers, "digest", shown, letterhead)


def as_bytes(mail: Mail, line_end: str = "\r\n") -> bytes:
    """A mail as it goes over the wire, or with ``line_end`` "\\n" as programs and mail folders of Unix take it."""
    head = "".join(f"{name}: {value}\n" for name, value in mail.headers)
    parts = "".join(f"--{mail.boundary}\n{part}\n" for part in (_part("plain", mail.text), _part("html", mail.page)))
    return f"{head}\n{parts}--{mail.boundary}--\n".replace("\n", line_end).encode("ascii")


def preview(mail: Mail) -> Preview:
    """A mail for people to look at before it is sent: headers and text, and the page of its HTML part."""
    headers = [f"{name}: {' '.join(_unfolded(value).split())}" for name, value in mail.headers]
    return Preview("\n".join([*headers, "", mail.text]), mail.page)


def message_id(key: str, domain: str) -> str:
    """The Message-ID of the delivery with this key."""
    return f"<{re.sub(r'[^A-Za-z0-9._-]', '-', key)[:200] or 'feedbot'}@{domain}>"


def _mail(key: str, headers: list[Header], template: str, shown: Mapping[str, Any], letterhead: Letterhead) -> Mail:
    # "=_" stands in no quoted-printable or base64 text, so that the boundary is in no part.
    boundary = f"=_feedbot_{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:32]}"
    content_type = f'multipart/alternative;\n boundary="{boundary}"'
    text, page = (storable(letterhead.templates.render(f"{template}.{kind}", shown)) for kind in ("txt", "html"))
    return Mail(
        headers=(*headers, Header("MIME-Version", "1.0"), Header("Content-Type", content_type)),
        boundary=boundary,
        text=_lines(text),
        page=_lines(page),
    )


def _lines(text: str) -> str:
    text = text.replace("\r", "")
    return text if text.endswith("\n") else f"{text}\n"


def _part(subtype: str, text: str) -> str:
    """A part of text, in the shorter of the two encodings that keep lines short and bytes below 128."""
    data = text.encode()
    if len(data) - len(text.encode("ascii", "ignore")) > len(data) // 5:
        encoding, payload = "base64", encodebytes(data)
    else:
        encoding, payload = "quoted-printable", b2a_qp(data, istext=True)
    head = f'Content-Type: text/{subtype}; charset="utf-8"\nContent-Transfer-Encoding: {encoding}\n'
    return f"{head}\n{payload.decode('ascii')}"


def _headers(key: str, created: datetime, list_name: str, letterhead: Letterhead) -> Iterator[Header]:
    domain = letterhead.sender.domain
    yield from letterhead.people
    yield Header("Date", format_datetime(created.astimezone(UTC)))
    yield Header("Message-ID", message_id(key, domain))
    yield Header("List-Id", f"<{list_name}.feedbot.{domain}>")
    yield Header("Auto-Submitted", "auto-generated")  # RFC 3834: nobody's absence notice answers it
    if letterhead.unsubscribe:
        yield Header("List-Unsubscribe", f"<{letterhead.unsubscribe}>")
    if letterhead.unsubscribe.lower().startswith("https://"):  # RFC 8058, 3.1: only with https
        yield Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


def _thread(delivery: Delivery, letterhead: Letterhead) -> Iterator[Header]:
    """What puts an update under the mail that announced its entry (RFC 5322, 3.6.4)."""
    first = delivery.first_key
    if letterhead.threaded and first and first != delivery.key and delivery.change is not ChangeKind.NEW:
        yield Header("In-Reply-To", message_id(first, letterhead.sender.domain))
        yield Header("References", message_id(first, letterhead.sender.domain))


def _subject(delivery: Delivery, letterhead: Letterhead, shown: Mapping[str, Any]) -> str:
    usual = f"[{delivery.entry.source}] {values.LEADS[delivery.change]}{values.title(delivery.entry)}"
    own = letterhead.templates.line(letterhead.subject, "subject", shown) if letterhead.subject else ""
    return shorten(own or usual, MAX_SUBJECT)


def _unfolded(value: str) -> str:
    return str(make_header(decode_header(value)))
