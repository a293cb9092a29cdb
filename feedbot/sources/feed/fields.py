"""What feedparser found, by kind: a text, one group of values, or several.

A feed can give any name any shape: an unknown element with attributes becomes a mapping under its own name,
which may be that of a list. What has not the shape that is asked for is taken as missing.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Fields(Struct):
    """The values of a feed, an entry, or a part of one, under feedparser's names.

    Read as a plain dict: feedparser's own look-up answers "updated" with "published" (kurtmckee/feedparser#310).
    """

    values: dict[str, Any]

    def __contains__(self, name: str) -> bool:
        return dict.__contains__(self.values, name)

    def any(self, name: str) -> Any:
        """The value whatever it is, None where it is missing."""
        return dict.get(self.values, name)

    def text(self, name: str) -> str:
        """A text, "" where it is missing."""
        value = dict.get(self.values, name)
        return value if isinstance(value, str) else ""

    def one(self, name: str) -> Fields:
        """A group of values, an empty one where it is missing."""
        value = self.any(name)
        return Fields(value if isinstance(value, dict) else {})

    def many(self, name: str) -> list[Fields]:
        """All groups of values of a list."""
        value = dict.get(self.values, name)
        return [Fields(one) for one in value if isinstance(one, dict)] if isinstance(value, list) else []
