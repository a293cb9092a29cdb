"""A change as a mail: a text to read and a page to look at, the same bytes at every try."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache

from jinja2 import PackageLoader
from jinja2.sandbox import ImmutableSandboxedEnvironment

from feedbot.core.text import one_line, shorten, slug, storable
from feedbot.message.headers import Mailbox, Ready, address_header, mailbox_header, text_header
from feedbot.message.plain import to_plain
from feedbot.message.terminal import inert
from feedbot.model import ChangeKind, Delivery, Entry

LOCAL = Mailbox("feedbot", "feedbot@localhost")
"""Stands in for sender and recipient where a mail stays on this machine."""

MAX_SUBJECT = 200
MAX_DIFF_LINES = 200
_POLICY = SMTP.clone(cte_type="7bit")
_LEADS = {ChangeKind.NEW: "", ChangeKind.UPDATED: "Updated: ", ChangeKind.WITHDRAWN: "Withdrawn: "}
_DIFF_KINDS = {"+": "added", "-": "removed", "@": "place"}


def build(delivery: Delivery, sender: Mailbox, recipients: tuple[Mailbox, ...]) -> EmailMessage:
    """Make the mail that tells of a change. No text of the entry can make it fail or add a header."""
    values = _values(delivery)
    message = EmailMessage(policy=_POLICY)
    for header in _headers(delivery, sender, recipients):
        message[header.name] = header
    message["MIME-Version"] = "1.0"
    token = hashlib.sha256(delivery.key.encode("utf-8", "replace")).hexdigest()[:32]
    # "=_" stands in no quoted-printable or base64 text, so that the boundary is in no part.
    message.make_alternative(boundary=f"=_feedbot_{token}")
    for subtype, template in (("plain", "mail.txt.j2"), ("html", "mail.html.j2")):
        text = storable(_templates().get_template(template).render(values)).replace("\r", "")
        part = EmailMessage(policy=_POLICY)
        part.set_content(text, subtype=subtype, cte=_encoding(text))
        del part["MIME-Version"]
        message.attach(part)
    return message


def as_bytes(message: EmailMessage, line_end: str = "\r\n") -> bytes:
    """A mail as it goes over the wire, or with ``line_end`` "\\n" as programs and mail folders of Unix take it."""
    return message.as_bytes(policy=_POLICY.clone(linesep=line_end))


def _headers(delivery: Delivery, sender: Mailbox, recipients: tuple[Mailbox, ...]) -> Iterator[Ready]:
    entry = delivery.entry
    list_name = f"{slug(entry.source, 'source')}.feedbot.{sender.domain}"
    key = re.sub(r"[^A-Za-z0-9._-]", "-", delivery.key)[:200] or "feedbot"
    yield mailbox_header("From", (sender,))
    yield mailbox_header("To", recipients)
    yield text_header("Subject", _subject(delivery))
    yield Ready("Date", format_datetime(delivery.created.astimezone(UTC)))
    yield Ready("Message-ID", f"<{key}@{sender.domain}>")
    yield Ready("List-Id", f"<{list_name}>")
    yield Ready("Auto-Submitted", "auto-generated")  # RFC 3834: nobody's absence notice answers it
    archived = address_header("Archived-At", entry.url)
    if archived is not None:
        yield archived


def _subject(delivery: Delivery) -> str:
    title = _title(delivery.entry)
    return shorten(f"[{delivery.entry.source}] {_LEADS[delivery.change]}{title}", MAX_SUBJECT)


def _title(entry: Entry) -> str:
    return shorten(inert(one_line(entry.title[:5000])), 500) or entry.url[:500] or "(untitled)"


def _values(delivery: Delivery) -> dict[str, object]:
    entry = delivery.entry
    moment = entry.published or entry.updated or entry.first_seen
    shown = "" if delivery.change is ChangeKind.WITHDRAWN else entry.content or entry.summary
    url = entry.url if entry.url.lower().startswith(("http://", "https://")) else ""
    authors = ", ".join(inert(author.name) for author in entry.authors if author.name)
    date = moment.astimezone(UTC)
    about = (entry.source, shorten(authors, 200), f"{date.day} {date:%b %Y, %H:%M} UTC")
    return {
        "title": _title(entry),
        "url": one_line(url),
        "about": " · ".join(part for part in about if part),
        "change": delivery.change.value,
        "diff": _diff(delivery.diff),
        "html": shown,
        "plain": to_plain(shown),
        "language": entry.language if re.fullmatch(r"[A-Za-z0-9-]{1,35}", entry.language) else "",
        "enclosures": [one_line(e.url) for e in entry.enclosures],
        "sink": delivery.sink,
        "source": entry.source,
    }


def _diff(diff: str) -> list[tuple[str, str]]:
    """The lines of a unified diff with what each is: added, removed, place or same."""
    lines = [line for line in diff.split("\n") if not line.startswith(("--- ", "+++ "))]
    shown = [(_DIFF_KINDS.get(line[:1], "same"), shorten(line, 900)) for line in lines[:MAX_DIFF_LINES]]
    left = len(lines) - MAX_DIFF_LINES
    while shown and not shown[-1][1].strip():
        shown.pop()
    return [*shown, ("place", f"… {left} more lines")] if left > 0 else shown


def _encoding(text: str) -> str:
    """The shorter of the two encodings that keep lines short and bytes below 128."""
    size = len(text.encode())
    return "base64" if size - sum(map(str.isascii, text)) > size // 5 else "quoted-printable"


@cache
def _templates() -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=PackageLoader("feedbot.message"),
        autoescape=lambda name: name is not None and name.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
