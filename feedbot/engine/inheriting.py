"""Finds the source that a brand-new one was until it was given another name, so that its entries stay what they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import cached_property

from feedbot.model import Document, Item, SourceState
from feedbot.store.sources import Sources


class LeftBehind:
    """The sources that were read before and are ``configured`` no longer, as they were when first asked for."""

    def __init__(self, store: Sources, configured: Collection[str]) -> None:
        self._store = store
        self._configured = configured

    @cached_property
    def _states(self) -> dict[str, SourceState]:
        known = self._store.states(self._store.names().difference(self._configured))
        return {name: state for name, state in known.items() if state.polled}

    def predecessor(self, document: Document) -> SourceState | None:
        """The one that shares most of what a first document names.

        None where there is none such, or more than one. Raises StateError.
        """
        if not self._states or not document.items:
            return None
        from feedbot.core.policy import is_the_same_source

        names = [_names(item) for item in document.items]
        owners = self._store.owners(list(dict.fromkeys(key for own in names for key in own)), list(self._states))
        shared = Counter(name for own in names for name in {owner for key in own for owner in owners.get(key, ())})
        found = [
            name
            for name, number in shared.items()
            if is_the_same_source(number, listed=len(document.items), listed_before=self._states[name].listed)
        ]
        return self._states[found[0]] if len(found) == 1 else None


def _names(item: Item) -> tuple[bytes, ...]:
    """The keys of an item that no other source has by accident, as two blogs have files of one name."""
    from feedbot.core import identity

    own = identity.with_text(identity.keys(item), item)
    return tuple(key for key in own.all if not key.startswith(identity.PLACE))
