"""Reads RSS, RDF and Atom: what is harmless here and now, the rest in a process that is ended when its time is up."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import datetime
from types import MappingProxyType
from typing import Any

from feedbot.plugins import Turn
from feedbot.sources.feed import reading, worker
from feedbot.sources.feed.parsed import Parsed

MAX_SECONDS = 30.0
_NOBODY_ELSE: Turn = nullcontext()
_MOST_LETTERS = 4_000_000
_MOST_TAGS = 200_000
"""Up to which a document is looked over here, which takes a fifth of a second then."""


def read(
    text: str,
    url: str,
    now: datetime,
    *,
    memory: Mapping[str, Any] = MappingProxyType({}),
    by_id: bool = True,
    seconds: float = MAX_SECONDS,
    turn: Turn = _NOBODY_ELSE,
) -> Parsed:
    """Read an XML feed that came from ``url``; ``memory`` is what its last reading left, so that only changes are read.

    ``by_id``: entries are named by their id, else their link. ``turn`` is held while the feed is read here. Raises
    SourceError where it is no feed, or takes more than ``seconds``.
    """
    task = reading.Task(text=text, url=url, now=now, memory=memory, by_id=by_id)
    parsed = None
    if len(text) <= _MOST_LETTERS and text.count("<") <= _MOST_TAGS:
        with turn:
            parsed = reading.read(task, watched=False)
    return parsed or worker.read(task, seconds)
