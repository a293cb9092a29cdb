"""Tells what git complained of in a sentence, with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin

from msgspec import Struct, field

from feedbot.core.text import one_line, shorten
from feedbot.errors import SourceError
from feedbot.sources.posts.git.address import Address

_STATUS = re.compile(r"<= Recv header: HTTP/[\d.]+ (\d{3})")
_HEADER = re.compile(r"<= Recv header: (retry-after|location): *(.*)", re.IGNORECASE)
_TRACED = re.compile(r"^\d\d:\d\d:\d\d\.\d+ \S+:\d+ .*\n?", re.MULTILINE)
_SAID = re.compile(r"^(?:fatal|error|remote|ERROR|ssh|git@[^:]*): *(.+)", re.MULTILINE)
_MAX_WAIT = timedelta(hours=24)


class Answer(Struct, frozen=True):
    """What a server said last, as far as it matters here; ``status`` 0 where it said nothing."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def redirects(self) -> bool:
        return self.status in (301, 302, 303, 307, 308) and bool(self.headers.get("location"))


def last_answer(trace: str) -> Answer:
    """Read the status and headers of the last answer out of what GIT_TRACE_CURL prints."""
    answer = Answer()
    for line in trace.splitlines():
        if status := _STATUS.search(line):
            answer = Answer(int(status[1]), {})
        elif header := _HEADER.search(line):
            answer = Answer(answer.status, {**answer.headers, header[1].lower(): header[2].strip()})
    return answer


def led_to(url: str, answer: Answer) -> str:
    """The address of the repository that a redirect leads to, "" where it leads to none."""
    there = urljoin(f"{url}/info/refs?service=git-upload-pack", answer.headers["location"])
    base, found, _ = there.partition("/info/refs")
    return base if found else ""


def explain(complaint: str, address: Address, *, secret: bool, known_hosts: str, now: datetime) -> SourceError | None:
    """What the other side or the way to it did wrong; None where the reason must be sought here.

    ``secret`` tells whether a token or key was sent along.
    """
    answer = last_answer(complaint)
    if answer.status >= 300:
        return _refusal(answer, address, secret=secret, now=now)
    own = _TRACED.sub("", complaint)
    for pattern, message, hint in _COMPLAINTS:
        if re.search(pattern, own):
            names = {"host": address.host, "name": address.name, "known_hosts": known_hosts}
            return SourceError(message.format(**names), hint.format(**names))
    return None


def said(complaint: str) -> str:
    """What git itself said, on one line, without the trace."""
    lines = _SAID.findall(_TRACED.sub("", complaint))
    return shorten(one_line(lines[-1] if lines else ""), 200) or "it gave no reason"


def _refusal(answer: Answer, address: Address, *, secret: bool, now: datetime) -> SourceError:
    status, name, host = answer.status, address.name, address.host
    if answer.redirects:
        there = shorten(one_line(answer.headers["location"].partition("?")[0].removesuffix("/info/refs")), 200)
        return SourceError(f"{name} has moved to {there}", "if you trust that, set git to where it leads")
    if status == 401 and secret:
        return SourceError(f"{host} does not accept the token for {name}", "check that it is right and has not expired")
    if status == 401:
        return SourceError(
            f"{host} asks for a token to read {name}",
            "set one if it is private; else check the spelling of the address",
        )
    if status == 403:
        return SourceError(f"{host} refuses to give out {name}", "check what the token may read")
    if status == 404:
        return SourceError(f"there is no git repository at {name}", "check the address; a private one needs a token")
    if status == 410:
        return SourceError(f"the git repository at {name} is gone for good", "remove the source", gone=True)
    if status in (429, 503):
        return SourceError(f"{host} wants to be asked later ({status})", not_before=_later(answer, now))
    return SourceError(f"{host} answers with an error ({status})", "it is asked again at the next poll")


def _later(answer: Answer, now: datetime) -> datetime | None:
    """When a server wants to be asked again (RFC 9110, 10.2.3)."""
    text = answer.headers.get("retry-after", "")
    if text.isascii() and text.isdigit():
        return now + min(timedelta(seconds=int(text[:9])), _MAX_WAIT)
    try:
        return min(parsedate_to_datetime(text).astimezone(now.tzinfo), now + _MAX_WAIT)
    except (ValueError, OverflowError):
        return None


_COMPLAINTS = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED|[Hh]ost key verification failed",
     "{host} shows another ssh key than it did before", "if that is right, remove its line from {known_hosts}"),
    (r"Permission denied \(|Too many authentication failures|Load key .*(invalid|error)",
     "{host} does not accept the ssh key", "check the key file, and that the host knows its public half"),
    (r"cannot run ssh|ssh: not found|ssh.*No such file", "ssh is not installed", "install it, or use https"),
    (r"could not read (Username|Password)|Authentication failed", "{host} asks for a token to read {name}",
     "set one if it is private; else check the spelling of the address"),
    (r"SSL certificate|certificate verif|server certificate|SSL: no alternative",
     "the TLS certificate of {host} cannot be verified", "check the address, or set ca_file to its issuer"),
    (r"CAfile|error setting certificate", "the ca_file cannot be used", "check what it holds"),
    (r"Failed to connect|Couldn't connect|Connection (refused|timed out)|No route to host|Network is unreachable",
     "{host} cannot be reached", "it is asked again at the next poll"),
    (r"not valid: is this a git repository|invalid server response|not valid: could not determine hash|dumb http",
     "{name} answers, but not as a git repository", "check the address"),
    (r"not our ref|unadvertised object|couldn't find remote ref|remote did not send all necessary",
     "the repository changed while it was read", "it is read at the next poll"),
    (r"Operation too slow|early EOF|hung up unexpectedly|RPC failed|unexpected disconnect|transfer closed|Empty reply",
     "the connection to {host} broke off", "it is asked again at the next poll"),
    (r"Connection (reset|closed)|SSL_|Recv failure",
     "the connection to {host} broke off", "it is asked again at the next poll"),
    (r"Repository not found|does not appear to be a git repository|Could not read from remote repository",
     "there is no git repository at {name} for this key", "check the address, and what the key may read"),
    (r"No space left|quota exceeded", "there is no room left for the clone of {name}", "make room on the disk"),
    (r"unable to create|could not create|cannot mkdir|Read-only file system",
     "the clone of {name} cannot be written", "check who owns the folder of the state"),
)  # fmt: skip
