"""Compares a document with what the store knows of its source."""

from __future__ import annotations

from feedbot.core import identity
from feedbot.core.diff import Changes, changes
from feedbot.model import Document, Known
from feedbot.store.sources import Sources


def compare(document: Document, source: str, store: Sources) -> Changes:
    """Look up what the keys of a source's document name, and tell what it changes. Raises StateError."""
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
    ids = store.ids(source, [item.id for item in document.items])
    return changes(document, keys, aliases, known, ids)
