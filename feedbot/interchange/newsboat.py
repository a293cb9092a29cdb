"""newsboat's file of addresses: a line a feed, with tags and a title."""

from __future__ import annotations

import re

from feedbot.core.text import one_line
from feedbot.interchange.listing import Listing, Omitted, Subscription, web_address

_WORD = re.compile(r"\s*(?:\"((?:[^\"\\]|\\.)*)\"?|([^\s\"#][^\s]*))")
_REASONS = {
    "exec:": "a program that writes a feed is not run; have cron write a file, and poll that",
    "filter:": "a program that changes a feed is not run; a route's filter chooses among entries",
    "query:": "a query over other feeds is no source; the filter of a feed or route chooses among entries",
}


def read(text: str) -> Listing:
    """Read ``urls``: words in quotes are tags, one that begins with ``~`` is the title, ``!`` hides and is no tag."""
    found: list[Subscription] = []
    omitted: list[Omitted] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = _words(line)
        if not words:
            continue
        where = f"line {number}"
        special = next((prefix for prefix in _REASONS if words[0].startswith(prefix)), "")
        if special:
            omitted.append(Omitted(where, f"{special} {_REASONS[special]}"))
            continue
        try:
            address = web_address(words[0])
        except ValueError as error:
            omitted.append(Omitted(where, str(error)))
            continue
        title = next((word[1:] for word in words[1:] if word.startswith("~")), "")
        tags = [word for word in dict.fromkeys(words[1:]) if not word.startswith(("~", "!"))]
        settings = {"tags": tags} if tags else {}
        found.append(Subscription(url=address, title=title, where=where, settings=settings))
    return Listing(subscriptions=tuple(found), omitted=tuple(omitted))


def _words(line: str) -> list[str]:
    words, at = [], 0
    while match := _WORD.match(line, at):
        quoted = re.sub(r"\\(.)", r"\1", match[1] or "")
        words.append(one_line(quoted if match[1] is not None else match[2]))
        at = match.end()
    return [word for word in words if word]
