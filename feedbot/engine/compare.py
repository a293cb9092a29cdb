"""Compares a document with what the store knows of its source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from feedbot.core import identity
from feedbot.core.diff import Changes, Edit, changes
from feedbot.core.identity import Aliases, Keys
from feedbot.model import Content, Document, Known
from feedbot.store.knowledge import Knowledge


def first(document: Document) -> Changes:
    """What the first document of a source brings, of which the store knows nothing."""
    keys = [identity.with_text(identity.keys(item), item) for item in document.items]
    return changes(document, keys, {}, {}, set())


def compare(
    document: Document, source: str, knowledge: Knowledge, *, renamed: bool = False, moved: bool = False
) -> Changes:
    """Look up what the keys of a source's document name, and tell what it changes. Raises StateError.

    ``renamed``: the source names its entries by another rule than at the last poll, so that what says the same as
    an entry that is not there under its old name is that entry. ``moved``: it was of another type then, so that a
    title and about the same date do, where only one entry has them.
    """
    keys = [identity.keys(item) for item in document.items]
    gone = None if renamed or document.gone is None else [identity.digest(key) for key in document.gone]
    standing_keys = document.standing if gone is None else ()
    others = gone or ([identity.digest(key) for key in standing_keys] if document.complete else [])
    aliases = knowledge.named(source, list(dict.fromkeys([key for own in keys for key in own.all] + others)))
    for index, own in enumerate(keys):
        if not any(aliases.get(key) for key in own.certain):
            keys[index] = identity.with_text(own, document.items[index])
    texts = [key for own in keys for key in own.texts]
    if texts:
        aliases |= knowledge.named(source, texts)
    if not document.complete and standing_keys and any(pk is not None for pk in aliases.values()):
        # No item is taken for an entry that stands, which is of no concern where all of them are new.
        aliases |= knowledge.named(source, [identity.digest(key) for key in standing_keys])
    known: dict[int, Known] = knowledge.known(source, None) if document.complete and gone is None else {}
    if missing := {pk for pk in aliases.values() if pk is not None and pk not in known}:
        known |= knowledge.known(source, sorted(missing))
    nameless = [item.id for item, own in zip(document.items, keys, strict=True) if not _named(own, aliases)]
    taken = knowledge.ids(source, nameless) if nameless else set()
    standing = None if gone is None else _standing(gone, keys, aliases, known)
    found = changes(document, keys, aliases, known, taken, standing, moved=moved)
    if renamed and found.added:
        claimed = set(aliases.values())
        found = _by_text(found, claimed, source, knowledge)
        found = _by_title(found, claimed, source, knowledge) if moved else found
    return _carried_on(found, knowledge) if found.added and found.withdrawn else found


def _standing(
    gone: Sequence[bytes], keys: Sequence[Keys], aliases: Aliases, known: Mapping[int, Known]
) -> frozenset[int]:
    """Of the entries that a document names those that are where they were: neither gone nor read again."""
    places = (key for own in keys for key in own.certain if key.startswith(identity.PLACE))
    touched = {aliases.get(key) for key in (*gone, *places)}
    return frozenset(pk for pk, entry in known.items() if pk not in touched and not entry.withdrawn)


def _named(own: Keys, aliases: Aliases) -> bool:
    return any(aliases.get(key) is not None for key in own.certain if not key.startswith(identity.PLACE))


def _carried_on(found: Changes, knowledge: Knowledge) -> Changes:
    """Take for edited what went missing while something came that is like it in two ways, and nothing else is.

    So it is where a file was renamed and at once edited, or given another title, date or address.
    """
    gone = {known.pk: known for known in found.withdrawn}
    former = {pk: Content(**stored.content) for pk, stored in knowledge.contents(list(gone)).items()}
    added, edited = found.added, list(found.edited)
    for likeness in _LIKENESSES:
        theirs: dict[tuple[object, object], list[int]] = {}
        for pk in gone:
            theirs.setdefault(likeness(former[pk]), []).append(pk)
        ours = Counter(likeness(addition.item) for addition in added)
        left = []
        for addition in added:
            own = likeness(addition.item)
            same = theirs.get(own, ())
            if all(own) and len(same) == 1 and ours[own] == 1:
                edited.append(Edit(gone.pop(same[0]), addition.item, addition.keys, addition.fingerprints))
            else:
                left.append(addition)
        added = tuple(left)
    return replace(found, added=added, edited=tuple(edited), withdrawn=tuple(gone.values()))


def _name(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]


_LIKENESSES: tuple[Callable[[Content], tuple[object, object]], ...] = (
    lambda one: (one.title, one.published),
    lambda one: (one.content, one.published),
    lambda one: (one.title, _name(one.url)),
)


def _by_text(found: Changes, claimed: set[int | None], source: str, knowledge: Knowledge) -> Changes:
    """Take for known what says the same as one entry that nothing else in the document names."""
    same = knowledge.with_text(source, [addition.fingerprints.text for addition in found.added])
    added, learnt = [], list(found.learnt)
    for addition in found.added:
        left = [pk for pk in same.get(addition.fingerprints.text, ()) if pk not in claimed]
        if left:
            claimed.add(left[0])
            learnt.append((left[0], addition.keys))
        else:
            added.append(addition)
    return replace(found, added=tuple(added), learnt=tuple(learnt))


def _by_title(found: Changes, claimed: set[int | None], source: str, knowledge: Knowledge) -> Changes:
    """Take for edited what has the title and, as far as two types of source agree on it, the date of one entry."""
    left = {pk: known for pk, known in knowledge.known(source, None).items() if pk not in claimed}
    titles = {pk: _plain(stored.content.get("title", "")) for pk, stored in knowledge.contents(list(left)).items()}
    theirs = Counter(titles.values())
    named = {title: left[pk] for pk, title in titles.items() if title and theirs[title] == 1}
    ours = Counter(_plain(addition.item.title) for addition in found.added)
    added, edited = [], list(found.edited)
    for addition in found.added:
        title = _plain(addition.item.title)
        known = named.get(title)
        if known is not None and ours[title] == 1 and _near(addition.item.published, known.published):
            edited.append(Edit(known, addition.item, addition.keys, addition.fingerprints))
        else:
            added.append(addition)
    there = {edit.known.pk for edit in edited}
    withdrawn = tuple(known for known in found.withdrawn if known.pk not in there)
    return replace(found, added=tuple(added), edited=tuple(edited), withdrawn=withdrawn)


def _plain(title: str) -> str:
    return " ".join(title.split()).casefold()


def _near(one: datetime | None, other: datetime | None) -> bool:
    """Whether two dates may be of one day, where one of them has no time and either may have lost its zone."""
    return one is None or other is None or abs(one - other) < timedelta(hours=38)
