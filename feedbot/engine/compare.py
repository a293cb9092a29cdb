"""Compares a document with what the store knows of its source."""

from __future__ import annotations

from dataclasses import replace

from feedbot.core import identity
from feedbot.core.diff import Changes, changes
from feedbot.core.identity import Aliases, Keys
from feedbot.model import Document, Known
from feedbot.store.sources import Sources


def first(document: Document) -> Changes:
    """What the first document of a source brings, of which the store knows nothing."""
    keys = [identity.with_text(identity.keys(item), item) for item in document.items]
    return changes(document, keys, {}, {}, set())


def compare(document: Document, source: str, store: Sources, *, renamed: bool = False) -> Changes:
    """Look up what the keys of a source's document name, and tell what it changes. Raises StateError.

    ``renamed``: the source names its entries by another rule than at the last poll, so that what says the same as
    an entry that is not there under its old name is that entry.
    """
    keys = [identity.keys(item) for item in document.items]
    standing = [identity.digest(key) for key in document.standing]
    aliases = store.named(source, list(dict.fromkeys([key for own in keys for key in own.all] + standing)))
    for index, own in enumerate(keys):
        if not any(aliases.get(key) for key in own.certain):
            keys[index] = identity.with_text(own, document.items[index])
    texts = [key for own in keys for key in own.texts]
    if texts:
        aliases |= store.named(source, texts)
    known: dict[int, Known] = store.known(source, None) if document.complete else {}
    missing = {pk for pk in aliases.values() if pk is not None and pk not in known}
    known |= store.known(source, sorted(missing))
    nameless = [item.id for item, own in zip(document.items, keys, strict=True) if not _named(own, aliases)]
    found = changes(document, keys, aliases, known, store.ids(source, nameless))
    return _by_text(found, set(aliases.values()), source, store) if renamed and found.added else found


def _named(own: Keys, aliases: Aliases) -> bool:
    return any(aliases.get(key) is not None for key in own.certain if not key.startswith(identity.PLACE))


def _by_text(found: Changes, claimed: set[int | None], source: str, store: Sources) -> Changes:
    """Take for known what says the same as one entry that nothing else in the document names."""
    same = store.with_text(source, [addition.fingerprints.text for addition in found.added])
    added, learnt = [], list(found.learnt)
    for addition in found.added:
        left = [pk for pk in same.get(addition.fingerprints.text, ()) if pk not in claimed]
        if left:
            claimed.add(left[0])
            learnt.append((left[0], addition.keys))
        else:
            added.append(addition)
    return replace(found, added=tuple(added), learnt=tuple(learnt))
