"""A digest as a list that fits into one message of a chat: a line an entry, and how many are left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from feedbot.message import values
from feedbot.message.chat import Escape, Measure, Notice, Tell, fit, utf16
from feedbot.model import Digest

_TITLE, _URL, _LONGEST = 150, 500, 200

Show = Callable[[Notice], str]
"""Writes one entry as a line of a list, in a service's own markup."""


class Listing(Struct, frozen=True):
    """What a chat is told of a digest: a heading, one line of plain words, and its entries."""

    heading: str
    told: tuple[Notice, ...]

    def lines(self, limit: int, show: Show, measure: Measure = utf16, glue: str = "\n") -> list[str]:
        """As many entries as fit into ``limit`` with ``glue`` between them, and the number of the others."""
        lines: list[str] = []
        used = 0
        for number, one in enumerate(self.told):
            line = show(one)
            size = measure(line) + (measure(glue) if lines else 0)
            left = len(self.told) - number - 1
            rest = measure(glue + _more(left)) if left else 0
            if used + size + rest > limit:
                return [*lines, _more(left + 1)]
            lines.append(line)
            used += size
        return lines

    def text(self, limit: int, show: Show, measure: Measure = utf16) -> str:
        """The same as one text, a line each."""
        return "\n".join(self.lines(limit, show, measure))


def listing(digest: Digest, tell: Tell) -> Listing:
    """A digest as chats are told of it."""
    return Listing(values.heading(digest.deliveries), tuple(tell(delivery) for delivery in digest.deliveries))


def plain_line(escape: Escape = str, measure: Measure = utf16, limit: int = _LONGEST) -> Show:
    """A line without markup: "• title" and, where there is room, the address, which is never cut."""

    def show(told: Notice) -> str:
        url = f" {told.url}" if 0 < len(told.url) <= _URL else ""
        room = limit - measure(f"• {url}")
        if room < 20:
            url, room = "", limit - measure("• ")
        return f"• {fit(told.title, min(room, _TITLE), escape, measure)}{url}"

    return show


def titled(told: Notice, escape: Escape = str) -> str:
    """The title of a line, short enough for a list."""
    return fit(told.title, _TITLE, escape)


def linked(told: Notice, longest: int = _URL) -> bool:
    """Whether an entry has an address that is short enough for a list."""
    return 0 < len(told.url) <= longest


def sources(listing: Sequence[Notice]) -> str:
    """Where the entries come from: the first few sources, and how many more."""
    names = list(dict.fromkeys(one.source for one in listing))
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _more(number: int) -> str:
    return f"… and {number} more"
