"""What one poll of a source leads to, as plain data."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from feedbot.model import Content, DeliveryState, EditKind, Fingerprints, Hub, Memory, Problem

if TYPE_CHECKING:
    from feedbot.core.history import Past
    from feedbot.core.policy import Shift
    from feedbot.store.alerts import Alert


class Planned(Struct, frozen=True, kw_only=True):
    """A delivery to be put into the outbox together with its change.

    No second one of the same sink and ``across`` is made, whatever source it comes from; and none at all while
    ``within``, another delivery of the entry, is still to be sent. ``base`` is the revision that an update is shown
    against; no ``not_before``: it is due at once. ``route`` and ``why`` tell a person where it comes from.
    ``digest``, ``quiet`` and ``most`` are those of the route.
    """

    sink: str
    key: str
    across: bytes | None = None
    base: int | None = None
    within: int | None = None
    state: DeliveryState = DeliveryState.PENDING
    not_before: datetime | None = None
    route: str = ""
    why: str = ""
    digest: str = ""
    quiet: str = ""
    most: int | None = None


class AddedEntry(Struct, frozen=True, kw_only=True):
    """A new entry as it is stored. ``sort_at`` is its place among the others."""

    id: str
    content: Content
    sort_at: datetime
    fingerprints: Fingerprints
    keys: tuple[bytes, ...]
    why: str = ""
    deliveries: tuple[Planned, ...] = ()


class EditedEntry(Struct, frozen=True, kw_only=True):
    """A known entry with other content, or ``restored``: ``edit`` NONE keeps its content, and its revision otherwise.

    ``shifts`` are its deliveries that wait longer now. ``announced_anew``: it was withdrawn before it was announced.
    ``undone`` are notices of updates that would tell of no change any more.
    """

    pk: int
    revision: int
    content: Content
    sort_at: datetime
    edit: EditKind
    revised: bool
    restored: bool
    restless: int = 0
    fingerprints: Fingerprints
    keys: tuple[bytes, ...]
    why: str = ""
    deliveries: tuple[Planned, ...] = ()
    shifts: tuple[Shift, ...] = ()
    announced_anew: tuple[Planned, ...] = ()
    undone: tuple[int, ...] = ()


class WithdrawnEntry(Struct, frozen=True, kw_only=True):
    """An entry that is gone from its source; ``revision`` is that of its withdrawal.

    What of it was not sent yet is dropped.
    """

    pk: int
    revision: int
    why: str = ""
    deliveries: tuple[Planned, ...] = ()


class Poll(Struct, frozen=True, kw_only=True):
    """What one poll of a source leads to, committed whole or not at all.

    ``hub`` is the one that is to push what is new. It, ``memory``, ``settings_digest``, ``problems`` (with
    ``wake_at``), ``identity`` and ``listed`` keep what they were where they are None. ``missing`` are the entries that
    were not there and are not withdrawn yet; None where that is not counted. Of each entry ``keep_revisions`` former
    ones are kept. ``past`` is how the poll went, for its history. ``former``: the name under which the source is
    known, which gives way to its own.
    """

    source: str
    lease: str
    at: datetime
    next_poll: datetime
    memory: Memory | None = None
    settings_digest: str | None = None
    title: str = ""
    link: str = ""
    hub: Hub | None = None
    failures: int = 0
    failing_since: datetime | None = None
    failing_told: bool = False
    error: str | None = None
    problems: tuple[Problem, ...] | None = None
    gone: bool = False
    rhythm: timedelta | None = None
    wake_at: datetime | None = None
    not_before: datetime | None = None
    added: tuple[AddedEntry, ...] = ()
    edited: tuple[EditedEntry, ...] = ()
    withdrawn: tuple[WithdrawnEntry, ...] = ()
    learnt: tuple[tuple[int, tuple[bytes, ...]], ...] = ()
    missing: tuple[int, ...] | None = None
    identity: str | None = None
    listed: int | None = None
    keep_revisions: int = 10
    former: str = ""
    past: Past | None = None
    alerts: tuple[Alert, ...] = ()

    @property
    def touches_entries(self) -> bool:
        """Whether more than the source's own row is written."""
        return bool(
            self.added or self.edited or self.withdrawn or self.learnt or self.former or self.missing is not None
        )

    @property
    def changes_entries(self) -> bool:
        edits = any(entry.restored or entry.edit is not EditKind.NONE for entry in self.edited)
        return bool(self.added or self.withdrawn or edits)
