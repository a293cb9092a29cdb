"""What publishing works on: the feeds of the configuration, the output folder, entries as they go out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from feedbot.core.present import assets

if TYPE_CHECKING:
    from feedbot.core.expression import Filter
    from feedbot.core.selection import Head, Limit
    from feedbot.engine.output import Output
    from feedbot.model import Channel, Entry
    from feedbot.plugins import Format
    from feedbot.store.entries import Entries
    from feedbot.store.sources import Sources
    from feedbot.store.turns import Held, Turns

_KEPT = 512  # entries kept cleaned, so that many feeds and a daemon clean each but once


class FeedSpec(Struct, frozen=True, kw_only=True):
    """A feed of the configuration. ``digest`` is of its settings; ``aliases`` are further paths of its first format.

    ``filter_reads_texts``: the filter looks at content or summary, which take cleaning. ``base`` is where the output
    folder is served, or "". ``listed``: on the page and in the list of all feeds. ``origins`` are the addresses of the
    sources that are feeds, "" where one may be secret.
    """

    name: str
    channel: Channel
    sources: tuple[str, ...]
    filter: Filter | None
    filter_reads_texts: bool = False
    limit: Limit
    formats: Mapping[str, Format]
    aliases: tuple[str, ...]
    summary_only: bool
    digest: str
    base: str = ""
    split: tuple[str, ...] = ()
    archive: bool = False
    listed: bool = True
    origins: Mapping[str, str] = field(default_factory=dict)


class Shelf:
    """Entries as they go out, each read and cleaned once however many feeds and formats have it."""

    def __init__(self, store: Entries, present: Callable[[Entry, bool], Entry]) -> None:
        self._store = store
        self._present = present
        self._kept: OrderedDict[tuple[int, int, bool], tuple[Entry, frozenset[str]]] = OrderedDict()

    def entries(self, heads: Sequence[Head], *, short: bool) -> list[tuple[Entry, frozenset[str]]]:
        """Entries in the order of their heads, with the names of the files they show; ``short``: without content."""
        missing = [head.pk for head in heads if (head.pk, head.revision, short) not in self._kept]
        found = {
            (pk, stored.revision): (self._present(stored, short), frozenset(assets(stored)))
            for pk, stored in self._store.stored(missing).items()
        }
        shown = []
        for head in heads:
            key = (head.pk, head.revision, short)
            one = self._kept.get(key) or found.get(key[:2])
            if one is None:  # edited since its head was read: the next run makes the feed of what is there then
                continue
            self._kept[key] = one
            self._kept.move_to_end(key)
            shown.append(one)
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return shown

    def without_texts(self, heads: Iterable[Head]) -> dict[int, Entry]:
        """Entries by their keys, without content and summary, which are what takes time to clean."""
        stored = self._store.stored([head.pk for head in heads])
        return {pk: self._present(replace(one, content="", summary=""), False) for pk, one in stored.items()}


class Sharing(NamedTuple):
    """What publishing needs where other processes publish too: whose turn a feed is, under this process's lease."""

    turns: Turns
    sources: Sources
    lease: str


class Publishing(Struct, frozen=True, kw_only=True):
    """All that publishing needs to know and to reach. Without ``write`` it only tells what it would write.

    ``sharing`` is there where others publish too: what is published is noted only where the turns that are ``held`` are
    this process's still, and ``sure`` raises LeaseLostError where they are not.
    """

    store: Entries
    shelf: Shelf
    output: Output
    clock: Callable[[], datetime]
    write: bool = True
    sharing: Sharing | None = None
    held: Held | None = None
    sure: Callable[[], None] = lambda: None
