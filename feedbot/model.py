"""The plain data that flows through feedbot: no behaviour, no I/O. All times are aware and in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct, field


class Author(Struct, frozen=True):
    name: str = ""
    url: str = ""
    email: str = ""


class Enclosure(Struct, frozen=True):
    """A file attached to an entry. ``length`` in bytes, None where the source does not say."""

    url: str
    type: str = ""
    length: int | None = None


class Content(Struct, frozen=True, kw_only=True):
    """What an entry says. ``content`` is HTML as it came; it is cleaned where it goes out.

    ``base`` is the address against which relative addresses in ``content`` are read.
    """

    url: str = ""
    title: str = ""
    authors: tuple[Author, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    tags: tuple[str, ...] = ()
    summary: str = ""
    content: str = ""
    base: str = ""
    language: str = ""
    enclosures: tuple[Enclosure, ...] = ()
    image: str = ""
    aliases: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


CONTENT_FIELDS = Content.__struct_fields__


class Item(Content, frozen=True, kw_only=True):
    """An entry as a source's document holds it, before it is known which entry it is.

    ``id`` is the identity it would get if it is new. ``keys`` name it for certain (``id:``, ``path:`` of a file);
    without any its id does. Links and text, which take other evidence, are keys that core.identity makes.
    """

    id: str
    keys: tuple[str, ...] = ()


class Entry(Content, frozen=True, kw_only=True):
    """One post or item that feedbot knows; ``id`` never changes."""

    id: str
    source: str
    first_seen: datetime
    revision: int = 1


class Fingerprints(Struct, frozen=True):
    """Digests of parts of an entry, which tell what kind of edit was made.

    ``text``: what a reader sees. ``metadata``: what stands beside title and content. ``whole``: everything as it
    came, to tell at little cost that nothing was touched.
    """

    text: str
    metadata: str
    whole: str


class Known(Struct, frozen=True, kw_only=True):
    """As much of a stored entry as deciding what an item is takes."""

    pk: int
    id: str
    published: datetime | None
    fingerprints: Fingerprints
    revision: int
    withdrawn: bool


class EditKind(StrEnum):
    """What an edit changed, from nothing to what a reader sees."""

    NONE = "none"
    METADATA = "front matter"
    MARKUP = "markup"
    TEXT = "text"


class ChangeKind(StrEnum):
    NEW = "new"
    UPDATED = "updated"
    WITHDRAWN = "withdrawn"
    ALERT = "alert"
    """No change of an entry, but something that a person should know about feedbot's own work."""


ALERTS = "Feedbot"
"""The source that alerts are entries of; no configuration can have one of this name."""


class Validators(Struct, frozen=True):
    """What HTTP gives to ask "changed since?" with: opaque, sent back as they came (RFC 9110, 8.8)."""

    etag: str = ""
    last_modified: str = ""


class Memory(Struct, frozen=True):
    """What the last good poll of a source left for the next one.

    ``digest`` is of the whole body; ``extra`` is the source's own, as JSON has it.
    """

    validators: Validators = Validators()
    digest: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


class Hub(Struct, frozen=True):
    """Where a feed says that it pushes what is new (WebSub): the hub's address, "" for nowhere, and its own there."""

    url: str
    topic: str


class Problem(Struct, frozen=True):
    """Something wrong with a part of a source; the rest of it goes on."""

    where: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.where}: {self.message}{hint}"


class Document(Struct, frozen=True, kw_only=True):
    """What one poll of a source found.

    ``complete``: it lists all there is, so that what is missing was taken away. ``standing``: keys
    of entries that are there and were not read. ``gone``, where it is known: keys of those that were there at the last
    poll and are not any more, so that all others stand. ``trusted_dates``: a changed ``updated`` alone
    is an edit. ``notes``: for the line about the source. ``assets``: files to publish, by the name
    under which content names them. ``places``: where the dates of items still to come are written, by id, for a person
    to open. ``fresh_until``: the source asks not to be polled before. ``hub`` is None where the document does not tell.
    ``status`` and ``size`` are those of the answer that it was read from, 0 where there was none.
    """

    items: tuple[Item, ...] = ()
    not_modified: bool = False
    memory: Memory = Memory()
    complete: bool = False
    standing: frozenset[str] = frozenset()
    gone: frozenset[str] | None = None
    trusted_dates: bool = False
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    assets: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    fresh_until: datetime | None = None
    title: str = ""
    link: str = ""
    hub: Hub | None = None
    status: int = 0
    size: int = 0


class SourceState(Struct, frozen=True, kw_only=True):
    """What the store holds about a source. ``version`` is raised with every change to its entries.

    ``identity`` is the rule by which its entries were named when it was last read, and ``listed`` how many there were.
    """

    name: str
    memory: Memory = Memory()
    settings_digest: str = ""
    polled: bool = False
    entries: int = 0
    failures: int = 0
    failing_since: datetime | None = None
    failing_told: bool = False
    error: str | None = None
    problems: tuple[Problem, ...] = ()
    last_poll: datetime | None = None
    next_poll: datetime | None = None
    not_before: datetime | None = None
    rhythm: timedelta | None = None
    wake_at: datetime | None = None
    gone: bool = False
    title: str = ""
    link: str = ""
    version: int = 0
    identity: str = ""
    listed: int = 0


class DeliveryState(StrEnum):
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    HELD = "held"
    DEAD = "dead"
    DROPPED = "dropped"


class Delivery(Struct, frozen=True, kw_only=True):
    """One change for one sink. ``key`` is the same at every try; ``delivered`` names the recipients
    that have it already. Of an update or withdrawal, ``first_key`` is the key of the message, perhaps a digest, in
    which the sink was told that the entry is new, and ``receipt`` what the sink called the last message about the
    entry alone (see plugins.Sink.send); both are "" where there is none."""

    pk: int
    key: str
    sink: str
    change: ChangeKind
    entry: Entry
    diff: str = ""
    state: DeliveryState = DeliveryState.PENDING
    attempts: int = 0
    created: datetime
    not_before: datetime
    error: str = ""
    delivered: frozenset[str] = frozenset()
    first_key: str = ""
    receipt: str = ""


class Digest(Struct, frozen=True, kw_only=True):
    """Several changes for one sink in one message, oldest first; ``key`` is the same at every try of the same ones."""

    key: str
    sink: str
    deliveries: tuple[Delivery, ...]
    created: datetime


class Channel(Struct, frozen=True, kw_only=True):
    """A feed as formats see it. ``urls`` maps each published format to its address (may be empty)."""

    name: str
    id: str
    title: str
    link: str
    description: str
    language: str = ""
    hub: str = ""
    urls: Mapping[str, str] = field(default_factory=dict)
    updated: datetime | None = None
