"""Mail headers that hold whatever text they are given, and nothing else.

The standard library decodes encoded words inside a title before it writes them anew, and up to Python 3.12.4 lets
line breaks through that way (CVE-2024-6923); so headers are encoded here, once, and passed on as they are.
"""

from __future__ import annotations

import email.header
import re
from typing import NamedTuple

from feedbot.core.text import one_line
from feedbot.message.chat import web_address
from feedbot.message.terminal import inert

_LINE = 76
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~][A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{0,63}")
_DOMAIN = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*")
_WITH_NAME = re.compile(r"\s*(?P<name>.*?)\s*<(?P<address>[^<>]*)>\s*", re.DOTALL)
ADDRESS = re.compile(r"(https?://|mailto:)[!-;=?-~]{1,900}", re.IGNORECASE)
"""An address that fits into a header between angle brackets."""


class Mailbox(NamedTuple):
    """A name (which may be empty) and the address behind it, in ASCII."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def parse_mailbox(text: str) -> Mailbox:
    """Read ``me@example.org`` or ``My Name <me@example.org>``. Raises ValueError with what is wrong."""
    named = _WITH_NAME.fullmatch(text)
    name, address = (named["name"], named["address"].strip()) if named else ("", text.strip())
    if len(name) > 1 and name[0] == name[-1] == '"':
        name = name[1:-1]
    if len(name) > 200 or inert(name) != name:
        raise ValueError(f'the name in "{inert(text)[:80]}" is too long or has control characters in it')
    local, _, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not _LOCAL.fullmatch(local) or ".." in local or local[-1] == "." or not _DOMAIN.fullmatch(domain):
        raise ValueError(f'"{inert(text)[:80]}" is no mail address; write me@example.org or My Name <me@example.org>')
    return Mailbox(name, f"{local}@{domain}")


class Header(NamedTuple):
    """A header as it is written: lines already folded, all in ASCII."""

    name: str
    value: str


def text_header(name: str, text: str) -> Header:
    """A header of free text (RFC 5322, 2.2.1), encoded as RFC 2047 says where it is not plain ASCII."""
    return Header(name, _encoded(inert(one_line(text)), len(name) + 2))


def mailbox_header(name: str, mailboxes: tuple[Mailbox, ...]) -> Header:
    """A header of addresses, one a line (RFC 5322, 3.4)."""
    return Header(name, ",\n ".join(_shown(mailbox) for mailbox in mailboxes))


def address_header(name: str, url: str) -> Header | None:
    """A header that holds a web address in angle brackets, or None where it is none or too long."""
    address = web_address(url)
    return Header(name, f"<{address}>") if ADDRESS.fullmatch(address) else None


def _shown(mailbox: Mailbox) -> str:
    if not mailbox.name:
        return mailbox.address
    if mailbox.name.isascii() and "=?" not in mailbox.name:
        name = '"' + mailbox.name.replace("\\", r"\\").replace('"', r"\"") + '"'
    else:
        name = _encoded(mailbox.name, 10)
    last_line = name.rpartition("\n")[2]
    between = " " if len(last_line) + len(mailbox.address) < _LINE - 12 else "\n "
    return f"{name}{between}<{mailbox.address}>"


def _encoded(text: str, used: int) -> str:
    """Text as header lines; ``used`` characters of the first one are taken."""
    words = text.split(" ")
    if not text.isascii() or "=?" in text or max(map(len, words)) > _LINE - used:
        return email.header.Header(text, "utf-8", maxlinelen=_LINE, header_name="x" * (used - 2)).encode(linesep="\n")
    lines = [""]
    for word in words:
        if used + len(lines[-1]) + 1 + len(word) > _LINE:
            lines.append("")
            used = 1
        lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\n ".join(lines)
